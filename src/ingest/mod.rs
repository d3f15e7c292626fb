//! One file per format, from a record's JSON text to the domain. Found by content, listed in [`FORMATS`].
//!
//! `container/` finds records in files (as byte spans or rows) and hands out their text; a format only ever sees one
//! record. A reader never panics and never drops silently: what it cannot read is a [`ReadError`], what it passes over
//! inside a record is a line in `Content::problems`.

mod agent_x;
mod agent_x_predictions;
mod atif;
pub mod attachments;
pub mod beam_pairs;
mod chat_turns;
pub mod code_reply;
pub mod container;
mod conversation;
mod detection;
pub mod dialog;
mod evaluation_run;
mod format;
mod gaia;
mod gaia_predictions;
mod ground_truth;
mod gta;
mod gta_predictions;
mod json_field;
mod json_text;
mod llamafactory_preference;
mod llamafactory_sft;
mod m_trace;
mod minicpm;
mod ms_swift;
pub mod observation_turn;
mod openai_messages;
mod picture_field;
mod pref_x;
mod pref_x_beam;
mod preference;
mod raw_run;
mod retake;
pub mod task_turn;
pub mod tool_schema;
mod trl_preference;
mod turn;
pub mod verdict;

pub use detection::{Detected, DetectionError, detect, detect_as};
pub use format::{Format, Layout, ReadError, RecordText, Sample, Top};
pub use ground_truth::reference_answer;
pub use json_text::JsonText;
pub use turn::{Speaker, Turn, TurnContent};

/// Every format, the more specific ones first: the first whose `detect` answers reads the file.
pub static FORMATS: &[Format] = &[
    retake::FORMAT,
    pref_x_beam::FORMAT,
    pref_x::FORMAT,
    raw_run::FORMAT,
    m_trace::FORMAT,
    minicpm::FORMAT,
    evaluation_run::FORMAT,
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

/// The folder that a record's file stands in; `None` for a file at the source's top.
fn parent_folder(path: &str) -> Option<&str> {
    path.rsplit('/').nth(1).filter(|folder| !folder.is_empty())
}
