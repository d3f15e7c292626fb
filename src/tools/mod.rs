//! What answers a tool call: the recording itself first, then live tools, in an order that is shown for each call.
//!
//! Nothing is made up: a call that neither a recording nor a live tool answers is `unavailable`, and says so.

mod builtin;
mod error;
mod reading;
mod recording;
mod recovery;
mod signature;
mod structured;
mod tool;
mod toolbox;

pub use builtin::{BUILT_IN, Surroundings, built_in};
pub use error::ToolsError;
pub use reading::{found_no_code, read_recording, recorded_code};
pub use recording::{RecordedCall, RecordedResult, Recording};
pub use recovery::{Reading, RecordedStep, failure_message, recover};
pub use signature::{Returns, Signature, TOOLKIT, schema, signature};
pub use structured::{structured_call, structured_recording};
pub use tool::{Provider, Tool};
pub use toolbox::{FINAL_ANSWER, PATIENCE, RECORDED, StepHost, Toolbox, written_arguments};
