//! Stages of the synthesis pipelines. So far one: explorations, which make preference pairs (Pref-X, paper §1).
//!
//! Headless and interruptible: what is finished is on the disk before the next thing is begun, and whoever calls again goes on from
//! there. What a run becomes depends on its task, the settings and the seed, and not on how the work was divided.

mod error;
mod exploration;
#[cfg(test)]
mod exploration_tests;
mod judged_choice;
mod shard;
mod step_log;
mod task_list;

pub use error::SynthError;
pub use exploration::{Crew, Exploration, Explored, Prepared, RunSummary, TaskName};
pub use judged_choice::JudgedChoice;
pub use shard::{Shard, ShardError};
pub use step_log::{Begun, StepLog};
pub use task_list::{ListedTask, read_task_list};
