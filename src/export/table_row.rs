//! Rows of trajectories and of preference pairs for tables in the layout of Hugging Face: typed columns, lists of
//! structures for steps. See docs/export.md for what is in each column.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema};
use serde_json::{Value, json};

use super::atif::reference_json;
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
    pub fn schema(self) -> Schema {
        let steps = list(DataType::Struct(step_fields().into()));
        let mut columns = vec![
            text("id"),
            text("hash"),
            text("format"),
            text("system_prompt"),
            text("task"),
            text("prompt"),
            Field::new("attachments", list(DataType::Utf8), true),
            Field::new("steps", steps, true),
        ];
        match self {
            Self::Trajectory => columns.extend([
                text("answer"),
                text("reference_answer"),
                text("verdict"),
                text("reason"),
                text("run"),
                text("model"),
            ]),
            Self::Pair => {
                let mut candidate = step_fields();
                candidate.extend([
                    text("reply"),
                    text("maker"),
                    Field::new("score", DataType::Float64, true),
                ]);
                let candidate = DataType::Struct(candidate.into());
                columns.extend([
                    Field::new("chosen", candidate.clone(), true),
                    Field::new("rejected", candidate, true),
                    text("reason"),
                ]);
            }
        }
        Schema::new(Fields::from(columns))
    }
}

fn step_fields() -> Vec<Field> {
    vec![
        text("thought"),
        text("code"),
        text("tool_calls"),
        text("message"),
        text("observation"),
        Field::new("is_error", DataType::Boolean, true),
    ]
}

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, true)
}

/// A list whose elements are called `item`, as Arrow's own tools call them.
pub(super) fn list(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", element, true)))
}

/// The rows of a record: of its trajectory, or else of its pairs.
pub(super) fn table_rows(record: &Record) -> Rendered {
    match &record.content.trajectory {
        Some(trajectory) => Rendered::one(Ok(trajectory_row(record, trajectory).to_string())),
        None => {
            let mut rendered = Rendered::default();
            for pair in &record.content.pairs {
                let row = pair_row(record, pair).to_string();
                rendered.add(pair.part.as_deref(), None, Ok(row));
            }
            rendered
        }
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

fn step(step: &Step) -> Value {
    parts(
        step.thought.as_deref(),
        step.action.as_ref(),
        step.observation.as_ref(),
    )
}

fn candidate(candidate: &Candidate) -> Value {
    let mut row = parts(
        candidate.thought.as_deref(),
        candidate.action.as_ref(),
        candidate.observation.as_ref(),
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
) -> Value {
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
    })
}
