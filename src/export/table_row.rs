//! Rows of trajectories and of preference pairs for tables in the layout of Hugging Face: typed columns, lists of
//! structures for steps. See docs/export.md for what is in each column.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::atif::reference_json;
use super::hugging_face::{Column, ColumnType};
use super::original::format_of;
use super::{Refusal, Rendered};
use crate::domain::{
    Action, Attachment, Candidate, Maker, Observation, PictureReference, PreferencePair, Record,
    ReferenceAnswer, Step, TargetId, Trajectory,
};

/// What the rows of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowKind {
    Trajectory,
    Pair,
}

impl RowKind {
    /// The kind of a record's rows: its trajectory, or else its pairs.
    pub fn of(record: &Record) -> Self {
        match record.content.trajectory {
            Some(_) => Self::Trajectory,
            None => Self::Pair,
        }
    }

    /// Why a record has no place in a table of this kind.
    pub fn refusal(self) -> Refusal {
        Refusal::new(match self {
            Self::Trajectory => {
                "it is a preference pair, and this table began with a trajectory: export the two apart, with `in:trajectory` and `in:pair`"
            }
            Self::Pair => {
                "it is a trajectory, and this table began with a preference pair: export the two apart, with `in:trajectory` and `in:pair`"
            }
        })
    }

    /// The columns.
    pub fn columns(self) -> Vec<Column> {
        let steps = ColumnType::Struct(step_columns());
        let mut columns = vec![
            Column::text("id"),
            Column::text("hash"),
            Column::text("format"),
            Column::text("system_prompt"),
            Column::text("task"),
            Column::text("prompt"),
            Column::new("attachments", ColumnType::Text.list()),
            Column::new("images", ColumnType::Picture.list()),
            Column::new("steps", steps.list()),
        ];
        match self {
            Self::Trajectory => columns.extend([
                Column::text("answer"),
                Column::text("reference_answer"),
                Column::text("verdict"),
                Column::text("reason"),
                Column::text("run"),
                Column::text("model"),
            ]),
            Self::Pair => {
                let mut candidate = step_columns();
                candidate.extend([
                    Column::text("reply"),
                    Column::text("maker"),
                    Column::new("score", ColumnType::Float),
                ]);
                let candidate = ColumnType::Struct(candidate);
                columns.extend([
                    Column::new("chosen", candidate.clone()),
                    Column::new("rejected", candidate),
                    Column::text("reason"),
                ]);
            }
        }
        columns
    }
}

fn step_columns() -> Vec<Column> {
    vec![
        Column::text("thought"),
        Column::text("code"),
        Column::text("tool_calls"),
        Column::text("message"),
        Column::text("observation"),
        Column::new("is_error", ColumnType::Boolean),
        Column::new("images", ColumnType::Picture.list()),
    ]
}

/// The rows of a record: of its trajectory, or else of its pairs.
pub(super) fn table_rows(record: &Record) -> Rendered {
    match &record.content.trajectory {
        Some(trajectory) => Rendered::one(Ok(trajectory_row(record, trajectory).to_string())),
        None => Rendered {
            rows: record
                .content
                .pairs
                .iter()
                .map(|pair| pair_row(record, pair).to_string())
                .collect(),
            refusals: Vec::new(),
        },
    }
}

fn trajectory_row(record: &Record, trajectory: &Trajectory) -> Value {
    let verification = trajectory.verification.as_ref();
    let reference = trajectory
        .reference_answer
        .as_ref()
        .map(|reference| match reference {
            ReferenceAnswer::Text(text) => text.clone(),
            lists => reference_json(lists).to_string(),
        });
    json!({
        "id": record.id.as_str(),
        "hash": record.hash.to_string(),
        "format": format_of(record),
        "system_prompt": trajectory.system_prompt,
        "task": trajectory.task.text,
        "prompt": trajectory.task.prompt,
        "attachments": attachments(&trajectory.task.attachments),
        "images": task_pictures(&trajectory.task.attachments),
        "steps": trajectory.steps.iter().map(step).collect::<Vec<_>>(),
        "answer": trajectory.answer,
        "reference_answer": reference,
        "verdict": verification.map(|v| v.verdict.name()),
        "reason": verification.and_then(|v| v.reason.as_deref()),
        "run": trajectory.provenance.run,
        "model": trajectory.provenance.model,
    })
}

fn pair_row(record: &Record, pair: &PreferencePair) -> Value {
    let id = TargetId {
        record: record.id.clone(),
        part: pair.part.clone(),
    };
    let context = &pair.context;
    json!({
        "id": id.to_string(),
        "hash": record.hash.to_string(),
        "format": format_of(record),
        "system_prompt": context.system_prompt,
        "task": context.task.text,
        "prompt": context.task.prompt,
        "attachments": attachments(&context.task.attachments),
        "images": task_pictures(&context.task.attachments),
        "steps": context.steps.iter().map(step).collect::<Vec<_>>(),
        "chosen": candidate(&pair.chosen),
        "rejected": candidate(&pair.rejected),
        "reason": pair.reason,
    })
}

/// Paths and addresses; bytes inside a record as a `data:` address.
fn attachments(attachments: &[Attachment]) -> Vec<String> {
    attachments
        .iter()
        .map(|attachment| match &attachment.reference {
            PictureReference::Path(path) | PictureReference::Url(path) => path.clone(),
            PictureReference::Inline(bytes) => {
                let media_type = bytes.media_type.as_deref().unwrap_or_default();
                format!("data:{media_type};base64,{}", bytes.base64)
            }
        })
        .collect()
}

/// The pictures among the files of a task.
fn task_pictures(attachments: &[Attachment]) -> Vec<Value> {
    let references = attachments.iter().map(|attachment| &attachment.reference);
    pictures(references.filter(|reference| reference.is_picture()))
}

/// Paths, addresses and bytes, as a column of pictures takes them; bytes that are no base64 are null.
fn pictures<'p>(references: impl Iterator<Item = &'p PictureReference>) -> Vec<Value> {
    references
        .map(|reference| match reference {
            PictureReference::Path(path) | PictureReference::Url(path) => json!(path),
            PictureReference::Inline(bytes) if STANDARD.decode(&*bytes.base64).is_ok() => {
                json!({"bytes": bytes.base64, "path": bytes.path})
            }
            PictureReference::Inline(_) => Value::Null,
        })
        .collect()
}

fn step(step: &Step) -> Value {
    parts(
        step.thought.as_deref(),
        step.action.as_ref(),
        step.observation.as_ref(),
        &step.pictures,
    )
}

fn candidate(candidate: &Candidate) -> Value {
    let mut row = parts(
        candidate.thought.as_deref(),
        candidate.action.as_ref(),
        candidate.observation.as_ref(),
        &[],
    );
    row["reply"] = json!(candidate.reply);
    row["maker"] = match &candidate.maker {
        Maker::Recorded => Value::Null,
        Maker::Controller(name) | Maker::Person(name) => json!(name),
    };
    row["score"] = json!(candidate.score);
    row
}

fn parts(
    thought: Option<&str>,
    action: Option<&Action>,
    observation: Option<&Observation>,
    own_pictures: &[PictureReference],
) -> Value {
    let observed = observation.map_or(&[][..], |o| &o.pictures);
    let (mut code, mut calls, mut message) = (None, None, None);
    match action {
        Some(Action::Code(text)) => code = Some(text),
        Some(Action::ToolCalls(list)) => calls = Some(json!(list).to_string()),
        Some(Action::Message(text)) => message = Some(text),
        None => {}
    }
    json!({
        "thought": thought,
        "code": code,
        "tool_calls": calls,
        "message": message,
        "observation": observation.map(|o| &o.text),
        "is_error": observation.map(|o| o.is_error),
        "images": pictures(own_pictures.iter().chain(observed)),
    })
}
