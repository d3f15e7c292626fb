use std::fmt;
use std::path::PathBuf;

use uuid::Uuid;

/// Something about a journal that people should know. Whatever it is, reading goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1, and its first byte, from 0, where it is about a line.
    pub at: Option<(u64, u64)>,
    /// What.
    pub kind: NoticeKind,
}

/// What a [`Notice`] is about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoticeKind {
    /// A line that is not as it was written; it is skipped.
    #[error("{0}; the line is skipped")]
    BadLine(&'static str),
    /// The last line has no end: it is being written, or was torn.
    #[error("the last line is not complete; it is skipped")]
    Torn,
    /// A line of a later version, or not of retake; it is kept and skipped.
    #[error("not understood, kept and skipped: {0}")]
    NotUnderstood(String),
    /// Records that the file once had.
    #[error("records {first} to {last} are missing")]
    Gap {
        /// The first number.
        first: u64,
        /// The last number.
        last: u64,
    },
    /// Two lines with one id.
    #[error("two different records have the id {0}; the one with the lower checksum counts")]
    Conflict(Uuid),
    /// A torn or corrupt end was cut off.
    #[error("its end was not readable: {bytes} bytes were cut and are kept in {copy}")]
    Cut {
        /// How many.
        bytes: u64,
        /// Where they are now.
        copy: PathBuf,
    },
    /// A torn or corrupt end could not be cut off; the next commit tries it again.
    #[error("its end is not readable and could not be cut: {0}")]
    NotCut(String),
    /// The file can't be read.
    #[error("it can't be read: {0}")]
    Unreadable(String),
    /// Its name says nothing of an annotator.
    #[error("not named like a journal, <annotator>@<writer id>.jsonl; it is not read")]
    OtherName,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some((line, offset)) = self.at {
            write!(f, ", line {line} (byte {offset})")?;
        }
        write!(f, ": {}", self.kind)
    }
}
