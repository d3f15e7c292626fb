use serde_json::Value;

use crate::domain::{Content, Interner};

/// A row of [`super::FORMATS`].
pub struct Format {
    /// The stable name: `--as`, `format:` and provenance use it.
    pub name: &'static str,
    /// One line for a person.
    pub title: &'static str,
    /// Whether a file's first records look like this format, and how its records lie in the file.
    pub detect: fn(&Sample<'_>) -> Option<Layout>,
    /// Reads one record.
    pub read: fn(&RecordText<'_>) -> Result<Content, ReadError>,
}

/// How records lie in a JSON file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Each element of the top array, each line of a JSONL file, each row of a table.
    Elements,
    /// Each value of the top object; its key is handed on as [`RecordText::key`].
    Members,
    /// The whole file is one record.
    Whole,
}

/// What stands at the top of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Top {
    /// One JSON array.
    Array,
    /// One JSON object.
    Object,
    /// Several JSON values, one a line (a lone object on one line is offered as `Object` first, then as `Lines`).
    Lines,
    /// A table: Parquet or Arrow.
    Rows,
}

/// The beginning of a file, for detection.
#[derive(Debug)]
pub struct Sample<'a> {
    /// What stands at its top.
    pub top: Top,
    /// For `Object`: the top object's first keys, in order, one for each of `values`. Else empty.
    pub keys: &'a [String],
    /// The first elements, lines or rows; for `Object` the values of `keys`.
    pub values: &'a [Value],
    /// The file's name, without folders. Only to tell formats apart whose content is equal.
    pub file_name: &'a str,
}

impl<'a> Sample<'a> {
    /// The first element, line or row, if the file is a list of records.
    pub fn first_element(&self) -> Option<&'a Value> {
        match self.top {
            Top::Array | Top::Lines | Top::Rows => self.values.first(),
            Top::Object => None,
        }
    }

    /// The value under a key of the top object.
    pub fn member(&self, key: &str) -> Option<&'a Value> {
        let at = self.keys.iter().position(|k| k == key)?;
        self.values.get(at).filter(|_| self.top == Top::Object)
    }
}

/// One record, to be read.
pub struct RecordText<'a> {
    /// Its JSON text.
    pub text: &'a str,
    /// Its key, in a file of [`Layout::Members`].
    pub key: Option<&'a str>,
    /// Its file's path inside the source, with `/` between folders (a file source: the file's name).
    pub path: &'a str,
    /// Shares system prompts.
    pub interner: &'a Interner,
}

/// Why a record could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReadError(pub String);

impl From<serde_json::Error> for ReadError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}
