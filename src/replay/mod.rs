//! Re-executes recorded steps and says where they diverge.
//!
//! Only what is the same is called a match. What a step prints with results that were read out of its own observation
//! matches by construction: [`StepReplay::is_independent`] tells such steps from those that prove something.

mod batch;
mod comparison;
mod compatibility;
mod confirmation;
mod error;
mod made_up;
mod run;
mod structured;
mod summary;
mod verdict;

pub use batch::in_order;
pub use comparison::{Comparison, compare};
pub use compatibility::compatibility_notes;
pub use confirmation::SecondInterpreter;
pub use error::ReplayError;
pub use run::{ReplayOptions, StepReplay, TrajectoryReplay, replay};
pub use summary::Summary;
pub use verdict::Verdict;

/// Changes whenever a replay may say something else of the same step: what is kept of another version is not used.
pub const REPLAY_VERSION: u32 = 2;
