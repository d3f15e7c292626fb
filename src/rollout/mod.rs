//! The one loop: context → controller → parse → execute → observation → next step.
//!
//! Everything that makes steps uses it: runs of a new task, re-runs of a recorded step, explorations. What a prompt holds is a pure
//! function of a [`Context`](crate::domain::Context); pictures, controller and sandbox come in at the edge. Each candidate is
//! executed on its own copy of the state, and nothing is made up: a call that nothing answers leaves its candidate without an
//! observation.

mod agent;
#[cfg(test)]
mod agent_tests;
mod choice;
mod error;
mod execution;
mod loaded_prompt;
#[cfg(test)]
mod one_request_tests;
mod options;
mod prompt;
#[cfg(test)]
mod prompt_tests;
mod proposal;
mod reply;
mod restoration;
mod run;
mod run_file;
mod stops;
mod system_prompt;
mod tool_model;

pub use agent::{Agent, RolloutEvent};
pub use choice::{Choice, Choose, FirstUsable, Offer};
pub use error::RolloutError;
pub use execution::{Environment, Executed, Missing, execute, execute_all};
pub use loaded_prompt::{LoadedPrompt, MissingPictures, Pictures};
pub use options::{Batch, Draw, RolloutOptions, batches};
pub use prompt::{Message, Part, Prompt, PromptForm, code_prompt, prompt};
pub use proposal::{Proposal, ProposalDelta, now, propose};
pub use reply::{ParsedReply, ReplyRule, parse_reply};
pub use restoration::{Difference, Restored, restore};
pub use run::{End, Rollout};
pub use run_file::{RunFile, TakenRuns};
pub use stops::Stops;
pub use system_prompt::{IMPORTS, new_system_prompt};
pub use tool_model::tool_model;
