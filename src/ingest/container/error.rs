use std::io;
use std::path::{Path, PathBuf};

use super::Problem;

/// Why a file or a place in it can't be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// The system refused.
    #[error("cannot read `{}`: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The cache folder can't be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A folder, a pipe or a device.
    #[error("`{}` is not a file", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// Nothing in it.
    #[error("`{}`: the file is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Text, but not UTF-8.
    #[error("`{}` is {encoding} text: convert it to UTF-8 first (`iconv -f {encoding} -t UTF-8`)", path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
        /// What it is.
        encoding: &'static str,
    },
    /// No kind fits.
    #[error(
        "`{}` is neither JSON, JSON lines, Parquet nor Arrow, plain or compressed: it starts with `{start}`",
        path.display()
    )]
    Unknown {
        /// The file.
        path: PathBuf,
        /// Its first bytes, escaped.
        start: String,
    },
    /// A compressed file that unpacks to more than allowed, or from which nothing could be unpacked.
    #[error("cannot unpack `{}`: {reason}", path.display())]
    Unpack {
        /// The compressed file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A Parquet or Arrow file that can't be read.
    #[error("cannot read the table `{}`: {reason}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A record over the limit.
    #[error("a record of `{}` is larger than the limit of {limit} bytes", path.display())]
    RecordTooBig {
        /// The file.
        path: PathBuf,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The file no longer holds a record at the place.
    #[error("`{}` has changed: the record is not where it was; run `retake index`", path.display())]
    Moved {
        /// The file.
        path: PathBuf,
    },
    /// A scan that should start inside a file that can only be read from its beginning.
    #[error("`{}` is not JSON lines: it can only be read from its beginning", path.display())]
    NotResumable {
        /// The file.
        path: PathBuf,
    },
}

impl ContainerError {
    /// Wraps a failure to read `path`.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        |source| Self::Io { path, source }
    }

    /// Wraps a failure to write `path`.
    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        |source| Self::Write { path, source }
    }

    /// Wraps what is wrong with a table.
    pub(super) fn table(path: &Path, reason: impl ToString) -> Self {
        Self::Table {
            path: path.to_path_buf(),
            reason: reason.to_string(),
        }
    }

    /// The same error, told of another file: a person knows the compressed file, not its unpacked twin in the cache.
    pub(super) fn of(mut self, file: &Path) -> Self {
        match &mut self {
            Self::Io { path, .. }
            | Self::Write { path, .. }
            | Self::NotAFile { path }
            | Self::Empty { path }
            | Self::Encoding { path, .. }
            | Self::Unknown { path, .. }
            | Self::Unpack { path, .. }
            | Self::Table { path, .. }
            | Self::RecordTooBig { path, .. }
            | Self::Moved { path }
            | Self::NotResumable { path } => *path = file.to_path_buf(),
        }
        self
    }
}

impl From<&ContainerError> for Problem {
    fn from(error: &ContainerError) -> Self {
        Self {
            record: None,
            offset: None,
            reason: error.to_string(),
        }
    }
}
