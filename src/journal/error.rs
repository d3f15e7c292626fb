use std::io;
use std::path::{Path, PathBuf};

use crate::jobs::Cancelled;
use crate::report::Report;

/// Why a journal could not do something.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file or folder can't be used.
    #[error("{path} can't be {doing}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// `read` or `written`.
        doing: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Changes could not be written. They wait in memory.
    #[error("{path} can't be written; {waiting} changes wait in memory")]
    NotWritten {
        /// The journal.
        path: PathBuf,
        /// How many changes wait.
        waiting: usize,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The journal is not the file that was written before. Changes wait in memory.
    #[error("{path} was {what} while it was in use; {waiting} changes wait in memory")]
    Vanished {
        /// The journal.
        path: PathBuf,
        /// `deleted`, or `replaced by another file`.
        what: &'static str,
        /// How many changes wait.
        waiting: usize,
    },
    /// A file's name does not say whose journal it is.
    #[error("{0} is not named like a journal: <annotator>@<8 hexadecimal digits>.jsonl")]
    Name(PathBuf),
    /// An annotator without a name.
    #[error("an annotator needs a name")]
    NoAnnotator,
    /// A folder that holds no journal.
    #[error("{0} holds no journal")]
    NoJournal(PathBuf),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
    /// A change can't be written as JSON.
    #[error("a change can't be written: {0}")]
    Draft(String),
    /// Somebody asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// A thread failed.
    #[error("reading journals failed inside")]
    Thread,
}

impl JournalError {
    pub(super) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        Self::file(path, "read")
    }

    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        Self::file(path, "written")
    }

    fn file(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            path,
            doing,
            source,
        }
    }
}

impl From<JournalError> for Report {
    fn from(error: JournalError) -> Self {
        let report = Self::from_error(&error);
        match &error {
            JournalError::NotWritten { .. } => report
                .hint("make room or allow writing there, then try again: nothing is half-written"),
            JournalError::Vanished { .. } => report.hint(
                "put the file back, or go on with a new one that has what this process wrote",
            ),
            JournalError::Name(_) => {
                report.hint("give the file the name that it has in the workspace it comes from")
            }
            JournalError::NoAnnotator => report
                .hint("name one with --as-user, or as `annotator` under [review] in the settings"),
            _ => report,
        }
    }
}
