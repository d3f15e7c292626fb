use std::ffi::OsString;
use std::process::ExitCode;

use crate::sandbox::worker::{WORKER_VERB, serve};

/// Becomes a worker of the sandbox if the arguments say so, and says how it ended.
///
/// Looked at before anything else: a worker wants to be ready soon, and alone in its process.
pub fn run(arguments: &[OsString]) -> Option<ExitCode> {
    let [_, verb, memory] = arguments else {
        return None;
    };
    if verb != WORKER_VERB {
        return None;
    }
    let memory = memory.to_str()?.parse().ok()?;
    // Whoever started it is gone, or killed it: nobody is left to hear of an error.
    Some(match serve(memory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}
