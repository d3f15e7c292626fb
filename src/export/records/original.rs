//! A record as its source has it, to tell what people have edited since.

use crate::domain::{Content, Interner, PreferencePair, Record, Trajectory};
use crate::export::{Refusal, Rendered};
use crate::ingest::{RecordText, format_named};

/// The format that a record was read as.
pub(in crate::export) fn format_of(record: &Record) -> &str {
    let provenance = record.content.trajectory.as_ref().map(|t| &t.provenance);
    provenance
        .or_else(|| Some(&record.content.pairs.first()?.provenance))
        .map_or("", |provenance| provenance.format.as_str())
}

/// What the record's own text says.
pub(in crate::export) fn as_read(record: &Record) -> Result<Content, Refusal> {
    read_as(format_of(record), &record.raw, record.key.as_deref())
}

/// What a text says to the reader of a format.
pub(in crate::export) fn read_as(
    format: &str,
    text: &str,
    key: Option<&str>,
) -> Result<Content, Refusal> {
    let format = format_named(format).ok_or_else(|| {
        Refusal::new(format!(
            "its format `{format}` is not one that retake reads"
        ))
    })?;
    let text = RecordText {
        text,
        key,
        path: "",
        interner: &Interner::default(),
    };
    (format.read)(&text).map_err(|error| Refusal::new(error.to_string()))
}

/// The record's trajectory, or why a target for trajectories cannot hold it.
pub(in crate::export) fn trajectory_of(record: &Record) -> Result<&Trajectory, Refusal> {
    record.content.trajectory.as_ref().ok_or_else(|| {
        Refusal::new(
            "it is a preference pair, and this target holds trajectories: see `in:trajectory`",
        )
    })
}

/// The id to write where a format has one: the data's own, else the part that the workspace gave it.
pub(in crate::export) fn natural_id(record: &Record) -> String {
    let own = record.content.natural_id.clone();
    own.unwrap_or_else(|| crate::domain::percent_decode(record.id.record()))
}

/// A record of this format whose text is not as its reader left it.
pub(in crate::export) fn unsupported(format: &str) -> Refusal {
    Refusal::new(format!("its text is no longer a whole `{format}` record"))
}

/// The record's own JSON, with the edits of people in it.
pub(in crate::export) fn own_json(record: &Record) -> Result<String, Refusal> {
    let format = format_of(record);
    if is_unedited(record)? {
        return Ok(record.raw.to_string());
    }
    let writer = WRITERS.iter().find(|(name, _)| *name == format);
    let Some((_, write)) = writer else {
        return Err(Refusal::new(format!(
            "it was edited, and edits cannot be written back into `{format}`: use the target `jsonl`"
        )));
    };
    let mut rendered = write(record);
    match (rendered.rows.pop(), rendered.refusals.pop()) {
        (Some(row), None) if rendered.rows.is_empty() => Ok(row.json),
        (_, Some(refused)) => Err(refused.refusal),
        _ => Err(unsupported(format)),
    }
}

type Write = fn(&Record) -> Rendered;

/// The formats into which edits can be written.
static WRITERS: &[(&str, Write)] = &[
    ("m-trace", super::m_trace::m_trace),
    ("minicpm", super::m_trace::minicpm),
    ("raw-run", super::raw_run::raw_run),
    ("pref-x", crate::export::trainers::pref_x::own_row),
    ("pref-x-beam", super::pref_x_beam::pref_x_beam),
    ("atif", super::atif::atif),
];

fn is_unedited(record: &Record) -> Result<bool, Refusal> {
    let read = as_read(record)?;
    Ok(match (&read.trajectory, &record.content.trajectory) {
        (Some(old), Some(new)) => same_trajectory(old, new),
        // Pairs that the record's candidates imply are no part of its text.
        (Some(_), None) => true,
        (None, _) => {
            let (old, new) = (&read.pairs, &record.content.pairs);
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| same_pair(old, new))
        }
    })
}

/// Where a trajectory came from and what it is compared with may be known from elsewhere; the rest is its text.
fn same_trajectory(old: &Trajectory, new: &Trajectory) -> bool {
    old.system_prompt == new.system_prompt
        && old.tools == new.tools
        && old.task == new.task
        && old.steps == new.steps
        && old.answer == new.answer
        && old.verification == new.verification
}

fn same_pair(old: &PreferencePair, new: &PreferencePair) -> bool {
    old.context == new.context && old.chosen == new.chosen && old.rejected == new.rejected
}
