use std::io;
use std::path::PathBuf;

/// Why a worker could not be used. What the step's own code does wrong is no error but an [`Outcome`](super::Outcome).
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The worker's program did not start.
    #[error("can't start the sandbox worker {program}", program = .program.display())]
    Start {
        /// The program that was to run.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The worker ended or went silent before it was ready.
    #[error("the sandbox worker {program} did not become ready: {reason}", program = .program.display())]
    NotReady {
        /// The program that runs.
        program: PathBuf,
        /// How it ended, and the last that it wrote to its error output.
        reason: String,
    },
    /// The worker said something that is no message of its protocol.
    #[error("the sandbox worker broke its protocol: {0}")]
    Protocol(String),
    /// A saved state could not be taken up.
    #[error("the saved state can't be restored: {0}")]
    State(String),
    /// An earlier step ended the worker, so that the variables of the run are gone.
    #[error("the state is lost: {0}")]
    StateLost(String),
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// The worker could not confine itself and was told not to run without.
    #[error("the sandbox worker can't confine itself: {0}")]
    Unconfined(String),
}
