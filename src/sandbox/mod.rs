//! Runs one step's Python with limits; tool calls are answered by a host.
//!
//! The interpreter (`monty`) never runs in our own process: a [`Session`] speaks JSON lines with a worker, which is the
//! same binary re-executed ([`worker::serve`]). The worker has no file, no network and no other process, and whoever
//! started it kills it when it takes too long. What it says is data from outside: it is bounded, and never trusted.

mod confinement;
mod cpython;
mod document;
mod error;
mod interpreter;
mod limits;
mod literal;
mod message;
mod missing_name;
mod pool;
mod process;
mod run;
mod session;
mod source_rewrite;
mod step_code;
mod stub;
mod stub_table;
mod value;
pub mod worker;

pub use confinement::{Confinement, Refusal};
pub use cpython::Cpython;
pub use document::MOST_BYTES as MOST_DOCUMENT_BYTES;
pub use error::SandboxError;
pub use limits::Limits;
pub use literal::{parse_literal, parse_literal_prefix};
pub use missing_name::is_builtin;
pub use pool::{Pool, WorkerCommand};
pub use run::{Answer, Call, Exhausted, Outcome, Raised, StepRun, ToolHost, Variable};
pub use session::{SavedState, Session};
pub use step_code::{CodeRule, StepCode, step_code};
pub use value::PythonValue;
