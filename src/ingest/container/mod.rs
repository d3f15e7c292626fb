//! Files to records: JSON arrays, objects and lines as byte spans, tables as rows, compressed files unpacked once.
//!
//! Nothing here holds a whole file: a scan hands records out one by one, and `read_at` fetches one by its location.

use std::path::PathBuf;

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
        /// Row group (Parquet) or record batch (Arrow), from 0.
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
#[derive(Debug)]
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
