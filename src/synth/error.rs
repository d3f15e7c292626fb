use std::path::PathBuf;

use crate::jobs::Cancelled;
use crate::report::Report;
use crate::rollout::RolloutError;

/// Why an exploration ended early, or a task of it has no run.
#[derive(Debug, thiserror::Error)]
pub enum SynthError {
    /// A run could not go on.
    #[error(transparent)]
    Rollout(RolloutError),
    /// There is no controller or judge to work with.
    #[error("{}", .0.message)]
    Crew(Report),
    /// A file can't be used.
    #[error("{path} can't be {doing}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `opened`, `read` or `written`.
        doing: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// Another process works on the same runs.
    #[error("another process is at these runs: it has {path}", path = .path.display())]
    Busy {
        /// The file that it holds.
        path: PathBuf,
    },
    /// Runs were begun in another way.
    #[error("the runs that {path} tells of were begun in another way: {}", differences.join("; "), path = .path.display())]
    OtherSettings {
        /// The file.
        path: PathBuf,
        /// What differs.
        differences: Vec<String>,
    },
    /// What stands in the file is not what retake writes.
    #[error("{path} holds something else than steps of runs", path = .path.display())]
    WrongLog {
        /// The file.
        path: PathBuf,
    },
    /// A list of tasks is wrong.
    #[error("line {line} of {path} is no task: {reason}", path = .path.display())]
    TaskList {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// Somebody asked it to stop.
    #[error("cancelled")]
    Cancelled,
}

impl From<RolloutError> for SynthError {
    fn from(error: RolloutError) -> Self {
        match error {
            RolloutError::Cancelled => Self::Cancelled,
            error => Self::Rollout(error),
        }
    }
}

impl From<Cancelled> for SynthError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<SynthError> for Report {
    fn from(error: SynthError) -> Self {
        match error {
            SynthError::Rollout(error) => error.into(),
            SynthError::Crew(report) => report,
            SynthError::OtherSettings { .. } => Self::from_error(&error)
                .hint("the same call as before goes on with them")
                .hint("another name for the run begins anew: --run NAME"),
            SynthError::Busy { .. } => Self::from_error(&error)
                .hint("wait for it, or give the run another name: --run NAME"),
            SynthError::Cancelled => Self::from_error(&error)
                .hint("every step that was finished is kept; the same call goes on from there"),
            error => Self::from_error(&error),
        }
    }
}
