use std::io;
use std::path::PathBuf;

use arrow::error::ArrowError;

use crate::jobs::Cancelled;
use crate::report::Report;

/// Why a target cannot hold a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(String);

impl Refusal {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// Why an export was given up. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The destination is there.
    #[error("{0} is there already")]
    Exists(PathBuf),
    /// The destination is a folder, and a file is to be written.
    #[error("{0} is a folder; this target writes one file")]
    IsFolder(PathBuf),
    /// The destination is a file or something else, and a folder is to be written.
    #[error("{0} is not a folder; this target writes a folder of files")]
    NotFolder(PathBuf),
    /// The destination is a device, a pipe or the like.
    #[error("{0} is not a plain file")]
    NotPlain(PathBuf),
    /// The target cannot go to a stream.
    #[error("`{0}` needs a file to be written to, it can't go to stdout")]
    NeedsFile(&'static str),
    /// Copies of pictures beside a stream.
    #[error("copies of pictures have no place beside stdout")]
    NoPlaceForCopies,
    /// Splits in one stream.
    #[error("splits are files of their own and can't go to stdout")]
    NoPlaceForSplits,
    /// The target can't have its pictures so.
    #[error("`{target}` can't have its pictures with `--media {media}`")]
    Media {
        /// The target.
        target: &'static str,
        /// The choice.
        media: &'static str,
    },
    /// The list of data sets that is there can't be gone on with.
    #[error("dataset_info.json is there and is no JSON object: {reason}")]
    DatasetInfo {
        /// What is wrong.
        reason: String,
    },
    /// A file can't be written.
    #[error("{path} can't be written")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The stream can't be written.
    #[error("the output can't be written")]
    Stream(#[from] io::Error),
    /// A table can't be written.
    #[error("the table can't be written")]
    Table(#[from] ArrowError),
    /// A record can't be had.
    #[error("{0}")]
    Record(Box<dyn std::error::Error + Send + Sync>),
    /// Somebody asked to stop.
    #[error("cancelled, nothing was written")]
    Cancelled(#[from] Cancelled),
}

impl From<parquet::errors::ParquetError> for ExportError {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Self::Table(error.into())
    }
}

impl From<ExportError> for Report {
    fn from(error: ExportError) -> Self {
        let mut report = Self::from_error(&error);
        if let ExportError::Stream(source) = &error {
            report.broken_pipe = source.kind() == io::ErrorKind::BrokenPipe;
        }
        match error {
            ExportError::Exists(_) => {
                report.hint("name another file, or replace it with --overwrite")
            }
            ExportError::NotPlain(_) => report.hint("`-o -` writes to stdout"),
            ExportError::NeedsFile(_)
            | ExportError::NoPlaceForCopies
            | ExportError::NoPlaceForSplits => report.hint("name a file with -o"),
            ExportError::Media { media: "embed", .. } => {
                report.hint("its texts name pictures by path; --media copy puts files beside it")
            }
            ExportError::Media { .. } => report.hint("leave --media out"),
            ExportError::DatasetInfo { .. } => report.hint("write into another folder"),
            ExportError::File { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                report.hint("the folder it is to stand in must be there")
            }
            _ => report,
        }
    }
}
