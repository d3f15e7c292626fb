//! GAIA's `metadata.jsonl` (paper §3f): a question, its final answer, perhaps a file; no gold steps that could be
//! executed. What annotators wrote about their own way stays in the record.

use serde_json::Value;

use super::json_field::{Rows, field, filled, identifier, plain_field};
use super::{Format, Layout, ReadError, RecordText, Sample};
use crate::domain::{
    Attachment, Benchmark, Content, Provenance, ReferenceAnswer, Role, Task, Trajectory,
};

/// The row of `FORMATS`.
pub(super) const FORMAT: Format = Format {
    name: "gaia",
    title: "GAIA questions (metadata.jsonl)",
    detect,
    read,
};

fn detect(sample: &Sample<'_>) -> Option<Layout> {
    let rows = Rows(sample);
    let found = rows.names("task_id")
        && rows.names("Question")
        && (rows.names("Final answer") || rows.names("Level"));
    found.then(|| rows.layout())
}

fn read(record: &RecordText<'_>) -> Result<Content, ReadError> {
    let row: Value = serde_json::from_str(record.text)?;
    let question = plain_field(&row, "Question").ok_or_else(|| {
        ReadError("a GAIA task needs `Question`; this record has none".to_owned())
    })?;
    let mut problems = Vec::new();
    let key = identifier(&row, &["task_id"]);
    Ok(Content {
        natural_id: key.clone(),
        trajectory: Some(Trajectory {
            task: Task {
                text: question,
                prompt: None,
                attachments: attachment(&row).into_iter().collect(),
            },
            reference_answer: plain_field(&row, "Final answer")
                // The test split hides its answers behind a question mark.
                .filter(|answer| !answer.is_empty() && answer != "?")
                .map(ReferenceAnswer::Text),
            provenance: Provenance {
                format: FORMAT.name.to_owned(),
                role: Role::Gold,
                benchmark: Some(Benchmark::Gaia),
                task_key: key,
                level: level(&row, &mut problems),
                ..Provenance::default()
            },
            ..Trajectory::default()
        }),
        pairs: Vec::new(),
        problems,
    })
}

/// The task's file, under its bare name; tables also give its path in the repository.
fn attachment(row: &Value) -> Option<Attachment> {
    let path = filled(row, "file_path");
    let name = filled(row, "file_name").or(path)?;
    Some(Attachment {
        alias: path.filter(|path| *path != name).map(str::to_owned),
        // GAIA hands over a file; whether a controller sees its pixels is up to the harness.
        ..Attachment::from_path(name, false)
    })
}

/// 1 to 3, as a number or as text.
fn level(row: &Value, problems: &mut Vec<String>) -> Option<u8> {
    let written = field(row, "Level").and_then(super::json_field::plain)?;
    let level = written.trim().parse().ok();
    if level.is_none() {
        problems.push(format!("`Level` is no small number: {written}"));
    }
    level
}
