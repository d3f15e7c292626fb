//! One file per format, from a record's JSON text to the domain. Found by content, listed in [`FORMATS`].
//!
//! `container/` finds records in files (as byte spans or rows) and hands out their text; a format only ever sees one
//! record. A reader never panics and never drops silently: what it cannot read is a [`ReadError`], what it passes over
//! inside a record is a line in `Content::problems`.

pub mod container;
mod detection;
mod format;

pub use detection::{Detected, DetectionError, detect, detect_as};
pub use format::{Format, Layout, ReadError, RecordText, Sample, Top};

/// Every format, the more specific ones first: the first whose `detect` answers reads the file.
pub static FORMATS: &[Format] = &[];

/// The format with this name.
pub fn format_named(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
