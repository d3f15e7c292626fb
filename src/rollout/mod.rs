//! The one loop: context → controller → parse → execute → observation → next step.
//!
//! Everything that makes steps uses it: runs of a new task, re-runs of a recorded step, explorations. What a prompt holds is a pure
//! function of a [`Context`](crate::domain::Context); pictures, controller and sandbox come in at the edge. Each candidate is
//! executed on its own copy of the state, and nothing is made up: a call that nothing answers leaves its candidate without an
//! observation.

mod advance;
mod error;
mod execution;
mod loaded_prompt;
mod options;
mod prompt;
mod proposal;
mod reply;
mod stops;
mod system_prompt;
mod template;

pub use advance::{
    Advance, AfterStep, Choice, Choose, End, FirstUsable, Rollout, RolloutEvent, advance, run,
};
pub use error::RolloutError;
pub use execution::{Environment, Executed, Missing, execute};
pub use loaded_prompt::{LoadedPrompt, MissingPictures};
pub use options::{Batch, Draw, RolloutOptions, batches};
pub use prompt::{Message, Part, Prompt, PromptForm, code_prompt, prompt};
pub use proposal::{Proposal, ProposalDelta, propose};
pub use reply::{ParsedReply, ReplyRule, parse_reply};
pub use stops::Stops;
pub use system_prompt::{IMPORTS, new_system_prompt};
pub use template::{Rendered, Template, Templates};
