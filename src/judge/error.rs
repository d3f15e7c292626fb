use crate::controller::ControllerError;
use crate::jobs::Cancelled;
use crate::prompts::PromptError;
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
