use std::path::PathBuf;

use crate::controller::ControllerError;
use crate::domain::{CanonicalError, visible_line};
use crate::export::Refusal;
use crate::jobs::Cancelled;
use crate::prompts::PromptError;
use crate::report::Report;
use crate::sandbox::SandboxError;
use crate::tools::ToolsError;

/// Why a rollout could not go on. What a candidate's code does wrong is no error but its observation.
#[derive(Debug, thiserror::Error)]
pub enum RolloutError {
    /// Pictures of the context can't be sent.
    #[error("the controller can't be shown {}", pictures.join("; "))]
    Pictures {
        /// Each with the reason.
        pictures: Vec<String>,
    },
    /// A step of the context has no form in a prompt.
    #[error("step {step} has no form in a prompt: {reason}")]
    Step {
        /// The step, from 1.
        step: usize,
        /// Why.
        reason: String,
    },
    /// A prompt that is a template can't be filled in.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The controller gave nothing.
    #[error(transparent)]
    Controller(ControllerError),
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(SandboxError),
    /// A recording can't be read.
    #[error(transparent)]
    Tools(ToolsError),
    /// Whoever chooses among candidates failed.
    #[error("no candidate could be chosen: {}", .0.message)]
    Choice(Box<Report>),
    /// The step to branch from is not there, or nothing goes on from the candidate.
    #[error("no run goes on from there: {0}")]
    Branch(String),
    /// A file of a run can't be written.
    #[error("{path} can't be {doing}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        doing: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// What stands in a file of a run is not what retake writes.
    #[error("{path} is wrong: {reason}", path = .path.display())]
    WrongFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The context has no canonical form.
    #[error("the context can't be hashed: {0}")]
    Hash(#[from] CanonicalError),
    /// Somebody asked it to stop.
    #[error("cancelled")]
    Cancelled,
}

impl RolloutError {
    pub(super) fn step(step: usize, refusal: &Refusal) -> Self {
        Self::Step {
            step,
            reason: visible_line(&refusal.to_string()).into_owned(),
        }
    }
}

impl From<ControllerError> for RolloutError {
    fn from(error: ControllerError) -> Self {
        match error {
            ControllerError::Cancelled(_) => Self::Cancelled,
            error => Self::Controller(error),
        }
    }
}

impl From<SandboxError> for RolloutError {
    fn from(error: SandboxError) -> Self {
        match error {
            SandboxError::Cancelled => Self::Cancelled,
            error => Self::Sandbox(error),
        }
    }
}

impl From<ToolsError> for RolloutError {
    fn from(error: ToolsError) -> Self {
        match error {
            ToolsError::Sandbox(error) => error.into(),
            error => Self::Tools(error),
        }
    }
}

impl From<Cancelled> for RolloutError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<RolloutError> for Report {
    fn from(error: RolloutError) -> Self {
        match error {
            RolloutError::Controller(error) => error.into(),
            RolloutError::Choice(report) => *report,
            RolloutError::Pictures { .. } => Self::from_error(&error)
                .hint("`retake add --images ROOT` says where pictures are; --drop-images leaves out what is missing"),
            error => Self::from_error(&error),
        }
    }
}
