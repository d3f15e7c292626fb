use std::path::{Path, PathBuf};

use crate::index::IndexError;
use crate::ingest::container::ContainerError;
use crate::jobs::Cancelled;
use crate::journal::JournalError;
use crate::workspace::WorkspaceError;

/// Why the corpus could not do something.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// The workspace.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A source's file.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// A journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Somebody asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// Another process is indexing.
    #[error("another retake is indexing this workspace")]
    Busy,
    /// A file of the index can't be read or written.
    #[error("{path} can't be {doing}")]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        doing: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The index is damaged.
    #[error("the index in {0} is damaged")]
    Damaged(PathBuf),
    /// No record has this id.
    #[error("no record has the id `{0}`")]
    NoRecord(String),
    /// The record is there, but can't be read now.
    #[error("{id} can't be read: {reason}")]
    Unreadable {
        /// The record.
        id: String,
        /// Why.
        reason: String,
    },
    /// A file that must not be read; the reason says what to do.
    #[error("{0}")]
    Refused(String),
    /// A question about what people decided to an index that another annotator wrote.
    #[error("`{clause}` can't be answered now: the index has what {} may see, and can't be written anew for you", match .whose.as_str() { "" => "somebody who is not blind", name => name })]
    OtherEyes {
        /// What was asked.
        clause: String,
        /// Who wrote it.
        whose: String,
    },
    /// A regular expression that took too long on some records.
    #[error("{count} records could not be looked into: {reason}")]
    Unmatched {
        /// How many.
        count: usize,
        /// Why the first of them.
        reason: String,
    },
    /// No run has this name.
    #[error("there is no run named `{0}`")]
    NoRun(String),
    /// A thread failed; what a job changed is dropped.
    #[error("a thread failed inside: {0}")]
    Thread(String),
}

impl CorpusError {
    /// Whether it is about a file in this folder.
    pub(super) fn is_within(&self, folder: &Path) -> bool {
        matches!(self, Self::File { path, .. } if path.starts_with(folder))
    }

    /// A file that can't be written.
    pub fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::File {
            path,
            doing: "written",
            source,
        }
    }

    pub(super) fn read(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::File {
            path,
            doing: "read",
            source,
        }
    }
}
