//! What people decide: the records of their journals, and what these add up to. Pure: records in, state out.

mod applied;
mod applied_pair;
mod blind_vote;
mod draft;
mod field_text;
mod fold;
mod record;
mod record_places;
mod reviews;
mod state;
mod step_key;
mod timestamp;
mod undo;
mod verb;
mod verb_text;
pub mod words;

#[cfg(test)]
mod blind_vote_tests;
#[cfg(test)]
mod dispute_tests;
#[cfg(test)]
mod tests;

pub use applied::{Conflict, ConflictReason, Edited, EditedStep, Staleness, apply};
pub use applied_pair::{EditedPair, PairError, apply_to_pair, created_pair};
pub use blind_vote::{BlindVote, OTHER_VOTES, due_again, left_side};
pub use draft::{Draft, DraftError};
pub use field_text::{CallsError, candidate_text, parse_tool_calls, step_text, trajectory_text};
pub use fold::{
    Change, ChangeKind, CreatedPair, EarlierReview, GivenResult, GivenVerdict, Note, Opinion,
    Review,
};
pub use record::{Reference, ReviewRecord, Target};
pub use reviews::{Added, Reviews};
pub use state::ReviewState;
pub use step_key::{StepKey, StepKeyError};
pub use timestamp::{Timestamp, TimestampError};
pub use verb::{
    Adjudication, Assignment, Blindness, CandidateReference, Edit, Field, Judgement,
    LiteralCandidate, NewPair, NewStep, NoteText, Orientation, Place, Rejection, Reversal, Side,
    StepLabel, TagName, TextHash, ToolResult, UnknownVerb, Verb, VerbError,
};
