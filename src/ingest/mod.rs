//! One file per format, from a record's JSON text to the domain. Found by content, listed in [`FORMATS`].
//!
//! `container/` finds records in files (as byte spans or rows) and hands out their text; a format only ever sees one
//! record. A reader never panics and never drops silently: what it cannot read is a [`ReadError`], what it passes over
//! inside a record is a line in `Content::problems`.

pub mod attachments;
pub mod beam_pairs;
pub mod code_reply;
pub mod container;
pub mod dialog;
mod evaluation_run;
mod format;
mod ground_truth;
mod json_text;
mod m_trace;
mod minicpm;
pub mod observation_turn;
mod pref_x;
mod pref_x_beam;
mod raw_run;
pub mod task_turn;
mod turn;
pub mod verdict;

pub use format::{Format, Layout, ReadError, RecordText, Sample, Top};
pub use ground_truth::reference_answer;
pub use json_text::JsonText;
pub use turn::{Speaker, Turn, TurnContent};

/// Every format, the more specific ones first: the first whose `detect` answers reads the file.
pub static FORMATS: &[Format] = &[
    pref_x_beam::FORMAT,
    pref_x::FORMAT,
    raw_run::FORMAT,
    m_trace::FORMAT,
    minicpm::FORMAT,
    evaluation_run::FORMAT,
];

/// The format with this name.
pub fn format_named(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// The folder that a record's file stands in; `None` for a file at the source's top.
fn parent_folder(path: &str) -> Option<&str> {
    path.rsplit('/').nth(1).filter(|folder| !folder.is_empty())
}
