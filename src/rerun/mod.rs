//! New candidates for a recorded step: generated, executed, judged, picked; pairs and branches of what was picked.
//!
//! The recorded step takes part as candidate 0. Each candidate is executed on its own copy of the state before the step. What is shown is
//! what is saved: a pair refers to its candidates by hash, with how each was made, what it did and what judges said; a branch is a new
//! trajectory, and the one that it grew from stays as it is.

mod bench;
mod branch;
mod context_edit;
mod control;
mod edited_candidate;
mod engine;
mod error;
mod event;
mod kept_rerun;
mod lineage;
mod pair;
mod queued;
mod request;
mod step_rerun;
mod verification;

pub use bench::RerunBench;
pub use branch::{BRANCHES, BranchEvent, go_on, keep_branch};
pub use context_edit::{StepEdit, apply_edits, context_text, edits_of};
pub use control::RerunControl;
pub use edited_candidate::{add_edited, execute_again};
pub use engine::rerun;
pub use error::RerunError;
pub use event::RerunEvent;
pub use kept_rerun::KeptReruns;
pub use lineage::{Branch, Lineage, lineage};
pub use pair::{all_rejected, default_rejected, none_good_draft, pair_drafts};
pub use queued::{QueuedStep, kept_candidates, queued_key, queued_step};
pub use request::RerunRequest;
pub use step_rerun::{Aftermath, RerunCandidate, StepRerun};
pub use verification::{Finding, PairVerification, Reproduction, reproduce, verify};
