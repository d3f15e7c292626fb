//! What answers a tool call: the recording itself first, then live tools, in an order that is shown for each call.
//!
//! Nothing is made up: a call that neither a recording nor a live tool answers is `unavailable`, and says so. What a model plays
//! is marked as simulated, and only comes where somebody asked for it.

mod builtin;
mod error;
#[cfg(test)]
mod listening;
mod live;
mod made_picture;
mod mcp;
mod model;
mod played;
mod reading;
mod recording;
mod recovery;
mod result_cache;
mod signature;
mod structured;
mod told;
mod tool;
mod toolbox;
mod undeclared;

pub use builtin::{BUILT_IN, Surroundings, built_in};
pub use error::ToolsError;
pub use live::LiveTools;
pub use made_picture::is_made_picture;
pub use mcp::{connect, connect_within};
pub use model::{MakeController, ModelAccess, model_tools};
pub use played::{PERSON, ask, is_person, is_simulated, simulated, typed_result};
pub use reading::{found_no_code, read_recording, recorded_code};
pub use recording::{RecordedCall, RecordedResult, Recording};
pub use recovery::{Reading, RecordedStep, failure_message, recover};
pub use result_cache::ResultCache;
pub use signature::{Returns, Signature, TOOLKIT, schema, signature};
pub use structured::{structured_call, structured_recording};
pub use told::told;
pub use tool::{Patience, Provider, Tool};
pub use toolbox::{FINAL_ANSWER, PATIENCE, RECORDED, StepHost, Toolbox, logged, written_arguments};
pub use undeclared::undeclared_tools;
