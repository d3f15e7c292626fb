use std::path::PathBuf;

use crate::controller::ControllerError;
use crate::jobs::Cancelled;
use crate::report::Report;

/// Why candidates could not be judged. An answer that can't be used is none of these: it is a judgement without a verdict.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// The model that judges can't be asked.
    #[error("{judge} gives no judgement")]
    Controller {
        /// The judge.
        judge: String,
        /// Why.
        #[source]
        source: ControllerError,
    },
    /// Its prompt.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// Somebody asked it to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl JudgeError {
    /// What a controller says; that it was cancelled is told as such.
    pub(super) fn of(judge: &str, source: ControllerError) -> Self {
        match source {
            ControllerError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            source => Self::Controller {
                judge: judge.to_owned(),
                source,
            },
        }
    }
}

impl From<JudgeError> for Report {
    fn from(error: JudgeError) -> Self {
        match error {
            JudgeError::Controller { judge, source } => {
                let mut report = Self::from(source);
                report.message = format!("{judge} gives no judgement: {}", report.message);
                report
            }
            error => Self::from_error(&error),
        }
    }
}

/// Why a prompt can't be made.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// Nobody has a prompt of this name.
    #[error("there is no prompt `{0}`")]
    Unknown(String),
    /// A file that overrides it can't be read.
    #[error("the prompt {path} can't be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The template is wrong.
    #[error("the prompt `{name}` is wrong: {reason}")]
    Template {
        /// The prompt.
        name: String,
        /// What is wrong, with the line.
        reason: String,
    },
}
