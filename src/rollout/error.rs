use std::path::PathBuf;

use crate::controller::ControllerError;
use crate::domain::{CanonicalError, visible_line};
use crate::export::Refusal;
use crate::jobs::Cancelled;
use crate::report::Report;
use crate::sandbox::SandboxError;

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
    /// The user's own form of a prompt can't be read.
    #[error("the prompt in {path} can't be read", path = .path.display())]
    TemplateFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A prompt is no template, or asks for what is not there.
    #[error("the prompt {name} is wrong: {reason}")]
    Template {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// The controller gave nothing.
    #[error(transparent)]
    Controller(ControllerError),
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(SandboxError),
    /// Whoever chooses among candidates failed.
    #[error("no candidate could be chosen: {0}")]
    Choice(String),
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

impl From<Cancelled> for RolloutError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<RolloutError> for Report {
    fn from(error: RolloutError) -> Self {
        match error {
            RolloutError::Controller(error) => error.into(),
            RolloutError::Pictures { .. } => Self::from_error(&error)
                .hint("`retake add --images ROOT` says where pictures are; --drop-images leaves out what is missing"),
            error => Self::from_error(&error),
        }
    }
}
