//! Files to records: JSON arrays, objects and lines as byte spans, tables as rows, compressed files unpacked once.
//!
//! Nothing here holds a whole file: a scan hands records out one by one, and `read_at` fetches one by its location.
//! Files are read, never mapped: a mapping of a file that someone truncates kills the process. What a file says of
//! itself (lengths, counts, offsets) is checked before memory is taken for it.

mod arrow_message;
mod arrow_range;
mod arrow_rows;
mod compression;
mod content;
mod encoding;
mod error;
mod folder;
mod guard;
mod json_lines;
mod json_span;
mod parquet_rows;
mod row_text;
mod sample;
mod value_end;
mod window;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::Layout;

pub use compression::{Unpacked, unpack};
pub use error::ContainerError;
pub use folder::{FolderFile, data_endings, files_in};
pub use guard::is_guarded;
pub use json_lines::JsonLines;
pub use json_span::JsonSpans;
pub use sample::{OwnedSample, sample};

/// Where a record is in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Location {
    /// Bytes of a JSON file.
    Span {
        /// First byte.
        offset: u64,
        /// How many.
        length: u64,
    },
    /// A row of a table.
    Row {
        /// Parquet: the row group, from 0. Arrow: the byte at which the record batch's message starts, so that a
        /// row of a stream, which has no directory, is found without a walk over the batches before it.
        group: u64,
        /// Row inside it, from 0.
        row: u64,
    },
}

/// How a file holds its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContainerKind {
    /// One JSON value: an array, an object of records, or a single record.
    Json,
    /// JSON values, one a line.
    JsonLines,
    /// Parquet.
    Parquet,
    /// Arrow IPC, file form.
    ArrowFile,
    /// Arrow IPC, stream form.
    ArrowStream,
}

/// A file whose kind is known and which can be read at any place (a compressed file is already unpacked).
#[derive(Debug, Clone)]
pub struct ContainerFile {
    /// The plain file.
    pub path: PathBuf,
    /// How it holds its records.
    pub kind: ContainerKind,
}

/// One record, found by a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRecord {
    /// Its number in the file, from 0, counting records that turn out unreadable.
    pub number: u64,
    /// Where it is.
    pub location: Location,
    /// Its key in a file of `Layout::Members`.
    pub key: Option<String>,
    /// Its JSON text; not yet checked to be UTF-8.
    pub bytes: Vec<u8>,
}

/// What a scan hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A whole record.
    Record(FoundRecord),
    /// A place that could not be read; the scan goes on where that is possible.
    Problem(Problem),
}

/// A place in a file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Problem {
    /// The record's number in its file, from 0.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record: Option<u64>,
    /// The byte at which it was seen (JSON files).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub offset: Option<u64>,
    /// What is wrong, for a person.
    pub reason: String,
}

/// Where a scan starts: at the beginning, or where JSON lines were appended since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScanStart {
    /// The byte to start at, the end of a line.
    pub offset: u64,
    /// The number of the first record found there.
    pub number: u64,
}

/// How much memory and disk reading may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanLimits {
    /// The longest record, in bytes of its JSON text.
    pub record_bytes: u64,
    /// How much is read at once, in bytes.
    pub chunk_bytes: usize,
    /// The most that a compressed file may unpack to, in bytes.
    pub unpacked_bytes: u64,
}

impl Default for ScanLimits {
    fn default() -> Self {
        Self {
            record_bytes: 64 << 20,
            chunk_bytes: 1 << 20,
            unpacked_bytes: 32 << 30,
        }
    }
}

/// A file that can be scanned.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The file, unpacked if it was compressed.
    pub file: ContainerFile,
    /// What is wrong with the file as a whole, such as a cut compressed file.
    pub problems: Vec<Problem>,
}

/// Tells a file's kind by its content and unpacks it into the folder `cache` if it is compressed.
///
/// # Errors
/// When the file can't be read, is empty, in another encoding than UTF-8, of no known kind, or unpacks to too much.
/// Each is a [`Problem`] of the source, too: `Problem::from(&error)`.
pub fn open(path: &Path, cache: &Path, limits: &ScanLimits) -> Result<Opened, ContainerError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Some(unpacked) = unpack(path, cache, limits)? else {
        let kind = content::kind_of(path, &name, limits)?;
        let path = path.to_path_buf();
        return Ok(Opened {
            file: ContainerFile { path, kind },
            problems: Vec::new(),
        });
    };
    let problems = unpacked.problem.into_iter().collect();
    // The name inside: `records.jsonl.gz` unpacks to `records.jsonl`.
    let inner = name.rsplit_once('.').map_or(&*name, |(stem, _)| stem);
    let kind = content::kind_of(&unpacked.path, inner, limits).map_err(|e| e.of(path))?;
    let path = unpacked.path;
    Ok(Opened {
        file: ContainerFile { path, kind },
        problems,
    })
}

/// Finds a file's records, in order.
///
/// `Layout::Elements` of a file that holds one object gives that object. Tables and JSON lines always give their rows
/// and lines, whatever the layout.
///
/// # Errors
/// When the file can't be opened, a table's schema can't be read, or `start` is set for a file that isn't JSON lines.
pub fn scan(
    file: &ContainerFile,
    layout: Layout,
    start: ScanStart,
    limits: &ScanLimits,
) -> Result<Box<dyn Iterator<Item = Found> + Send>, ContainerError> {
    let path = &file.path;
    if start != ScanStart::default() && file.kind != ContainerKind::JsonLines {
        return Err(ContainerError::NotResumable { path: path.clone() });
    }
    let mut plain = open_plain(path)?;
    Ok(match file.kind {
        ContainerKind::Json => Box::new(JsonSpans::new(plain, layout, limits)),
        ContainerKind::JsonLines => {
            plain
                .seek(SeekFrom::Start(start.offset))
                .map_err(ContainerError::io(path))?;
            Box::new(JsonLines::new(plain, start, limits))
        }
        ContainerKind::Parquet => Box::new(parquet_rows::ParquetRows::open(path, plain, limits)?),
        ContainerKind::ArrowFile | ContainerKind::ArrowStream => {
            Box::new(arrow_rows::ArrowRows::open(path, plain, limits)?)
        }
    })
}

/// Opens a file. A pipe or a device, which may have taken the place of a file that was there before, is refused: reading it
/// might never end.
fn open_plain(path: &Path) -> Result<File, ContainerError> {
    let metadata = std::fs::metadata(path).map_err(ContainerError::io(path))?;
    if !metadata.is_file() {
        return Err(ContainerError::NotAFile {
            path: path.to_path_buf(),
        });
    }
    File::open(path).map_err(ContainerError::io(path))
}

/// Reads one record's JSON text by the location that a scan gave it.
///
/// # Errors
/// When the file can't be read, has shrunk, the location does not fit the file, or the record is over
/// `limits.record_bytes`.
pub fn read_at(
    file: &ContainerFile,
    location: Location,
    limits: &ScanLimits,
) -> Result<Vec<u8>, ContainerError> {
    let path = &file.path;
    let mut plain = open_plain(path)?;
    match (file.kind, location) {
        (ContainerKind::Json | ContainerKind::JsonLines, Location::Span { offset, length }) => {
            if length > limits.record_bytes {
                return Err(ContainerError::RecordTooBig {
                    path: path.clone(),
                    limit: limits.record_bytes,
                });
            }
            plain
                .seek(SeekFrom::Start(offset))
                .map_err(ContainerError::io(path))?;
            let moved = || ContainerError::Moved { path: path.clone() };
            let mut bytes = vec![0; usize::try_from(length).map_err(|_| moved())?];
            match plain.read_exact(&mut bytes) {
                Ok(()) => Ok(bytes),
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(moved()),
                Err(error) => Err(ContainerError::io(path)(error)),
            }
        }
        (ContainerKind::Parquet, Location::Row { group, row }) => {
            parquet_rows::read_row(path, plain, group, row, limits)
        }
        (ContainerKind::ArrowFile | ContainerKind::ArrowStream, Location::Row { group, row }) => {
            arrow_rows::read_row(path, plain, group, row, limits)
        }
        _ => Err(ContainerError::Moved { path: path.clone() }),
    }
}
