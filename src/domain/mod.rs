//! Plain data of the field: trajectories, steps, pairs, ids. No I/O here, and no import but `report`.

pub mod agreement;
mod allocation;
mod candidate;
mod canonical_json;
mod file_lookup;
mod id;
mod interner;
mod pair;
mod picture;
mod provenance;
mod reference_answer;
pub mod review;
mod step;
mod tool;
mod trajectory;
mod verification;
mod visible_text;

pub use allocation::Allocation;
pub use candidate::{Candidate, Maker};
pub use canonical_json::{CanonicalError, content_hash};
pub use file_lookup::FileLookup;
pub use id::{ContentHash, ContentHashError, RecordId, TargetId, percent_decode, percent_encode};
pub use interner::Interner;
pub use pair::{Context, PreferencePair};
pub use picture::{PictureBytes, PictureReference};
pub use provenance::{Benchmark, Outcome, Provenance, Role};
pub use reference_answer::ReferenceAnswer;
pub use review::ReviewState;
pub use step::{Action, Observation, Step, ToolCall};
pub use tool::{ToolDefinition, ToolParameter};
pub use trajectory::{Attachment, Content, Record, Task, Trajectory};
pub use verification::{Verdict, Verification};
pub use visible_text::{visible, visible_json, visible_line};
