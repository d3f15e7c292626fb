//! One file per format, from a record's JSON text to the domain. Found by content, listed in [`FORMATS`].
//!
//! `container/` finds records in files (as byte spans or rows) and hands out their text; a format only ever sees one
//! record. A reader never panics and never drops silently: what it cannot read is a [`ReadError`], what it passes over
//! inside a record is a line in `Content::problems`.

mod agent_x;
mod agent_x_predictions;
mod atif;
mod chat_turns;
pub mod container;
mod conversation;
mod format;
mod gaia;
mod gaia_predictions;
mod gta;
mod gta_predictions;
mod json_field;
mod llamafactory_preference;
mod llamafactory_sft;
mod ms_swift;
mod openai_messages;
mod picture_field;
mod preference;
mod tool_schema;
mod trl_preference;

pub use format::{Format, Layout, ReadError, RecordText, Sample, Top};

/// Every format, the more specific ones first: the first whose `detect` answers reads the file.
pub static FORMATS: &[Format] = &[
    gta::FORMAT,
    gta_predictions::FORMAT,
    gaia::FORMAT,
    gaia_predictions::FORMAT,
    agent_x::FORMAT,
    agent_x_predictions::FORMAT,
    atif::FORMAT,
    ms_swift::FORMAT,
    trl_preference::FORMAT,
    llamafactory_preference::FORMAT,
    llamafactory_sft::FORMAT,
    openai_messages::FORMAT,
];

/// The format with this name.
pub fn format_named(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
