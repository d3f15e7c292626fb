//! retake's own lines: a record a line, with everything that its reader made of it and every edit. See docs/export.md.

use serde::Serialize;

use super::original::format_of;
use crate::domain::{PreferencePair, Record, Trajectory};
use crate::export::{Refusal, Rendered};

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    hash: String,
    format: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trajectory: Option<&'a Trajectory>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pairs: &'a [PreferencePair],
}

/// A record as one of retake's own lines.
pub(in crate::export) fn own_line(record: &Record) -> Rendered {
    let line = Line {
        id: record.id.as_str(),
        hash: record.hash.to_string(),
        format: format_of(record),
        trajectory: record.content.trajectory.as_ref(),
        pairs: &record.content.pairs,
    };
    Rendered::one(serde_json::to_string(&line).map_err(Refusal::from))
}
