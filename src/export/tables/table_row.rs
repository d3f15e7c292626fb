//! Rows of trajectories and of preference pairs for tables in the layout of Hugging Face: typed columns, lists of
//! structures for steps. See docs/export.md for what is in each column.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::hugging_face::{Column, ColumnType};
use crate::domain::{
    Action, Attachment, Candidate, Maker, Observation, PictureReference, PreferencePair, Record,
    ReferenceAnswer, Step, TargetId, Trajectory,
};
use crate::export::pictures::{Media, Pictures};
use crate::export::records::atif::reference_json;
use crate::export::records::original::format_of;
use crate::export::{Outgoing, Refusal, Rendered};
use crate::media::PictureRoots;

/// What the rows of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::export) enum RowKind {
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
pub(in crate::export) fn table_rows(outgoing: &Outgoing, pictures: &mut Pictures) -> Rendered {
    let record = &outgoing.record;
    let mut writer = RowWriter {
        record,
        roots: &outgoing.roots,
        pictures,
    };
    let mut rendered = Rendered::default();
    match &record.content.trajectory {
        Some(trajectory) => rendered.add(None, None, writer.trajectory(trajectory)),
        None => {
            for pair in &record.content.pairs {
                rendered.add(pair.part.as_deref(), None, writer.pair(pair));
            }
        }
    }
    rendered
}

struct RowWriter<'a> {
    record: &'a Record,
    roots: &'a PictureRoots,
    pictures: &'a mut Pictures,
}

impl RowWriter<'_> {
    fn trajectory(&mut self, trajectory: &Trajectory) -> Result<String, Refusal> {
        let record = self.record;
        let verification = trajectory.verification.as_ref();
        let reference = trajectory
            .reference_answer
            .as_ref()
            .map(|reference| match reference {
                ReferenceAnswer::Text(text) => text.clone(),
                lists => reference_json(lists).to_string(),
            });
        let row = json!({
            "id": record.id.as_str(),
            "hash": record.hash.to_string(),
            "format": format_of(record),
            "system_prompt": trajectory.system_prompt,
            "task": trajectory.task.text,
            "prompt": trajectory.task.prompt,
            "attachments": attachments(&trajectory.task.attachments),
            "images": self.task_pictures(&trajectory.task.attachments)?,
            "steps": self.steps(&trajectory.steps)?,
            "answer": trajectory.answer,
            "reference_answer": reference,
            "verdict": verification.map(|v| v.verdict.name()),
            "reason": verification.and_then(|v| v.reason.as_deref()),
            "run": trajectory.provenance.run,
            "model": trajectory.provenance.model,
        });
        Ok(row.to_string())
    }

    fn pair(&mut self, pair: &PreferencePair) -> Result<String, Refusal> {
        let record = self.record;
        let id = TargetId {
            record: record.id.clone(),
            part: pair.part.clone(),
        };
        let context = &pair.context;
        let row = json!({
            "id": id.to_string(),
            "hash": record.hash.to_string(),
            "format": format_of(record),
            "system_prompt": context.system_prompt,
            "task": context.task.text,
            "prompt": context.task.prompt,
            "attachments": attachments(&context.task.attachments),
            "images": self.task_pictures(&context.task.attachments)?,
            "steps": self.steps(&context.steps)?,
            "chosen": self.candidate(&pair.chosen)?,
            "rejected": self.candidate(&pair.rejected)?,
            "reason": pair.reason,
        });
        Ok(row.to_string())
    }

    /// The pictures among the files of a task.
    fn task_pictures(&mut self, attachments: &[Attachment]) -> Result<Vec<Value>, Refusal> {
        let all = attachments.iter();
        all.filter(|attachment| attachment.reference.is_picture())
            .map(|attachment| self.picture(&attachment.reference, attachment.alias.as_deref()))
            .collect()
    }

    /// A name, or bytes as a column of pictures takes them.
    fn picture(
        &mut self,
        reference: &PictureReference,
        alias: Option<&str>,
    ) -> Result<Value, Refusal> {
        match reference {
            PictureReference::Inline(bytes) if self.pictures.media() != Media::Copy => {
                Ok(match STANDARD.decode(&*bytes.base64) {
                    Ok(_) => json!({"bytes": bytes.base64, "path": bytes.path}),
                    Err(_) => Value::Null,
                })
            }
            _ => Ok(json!(self.pictures.name_of(reference, alias, self.roots)?)),
        }
    }

    fn steps(&mut self, steps: &[Step]) -> Result<Vec<Value>, Refusal> {
        let parts = steps.iter().map(|step| {
            self.parts(
                step.thought.as_deref(),
                step.action.as_ref(),
                step.observation.as_ref(),
                &step.pictures,
            )
        });
        parts.collect()
    }

    fn candidate(&mut self, candidate: &Candidate) -> Result<Value, Refusal> {
        let mut row = self.parts(
            candidate.thought.as_deref(),
            candidate.action.as_ref(),
            candidate.observation.as_ref(),
            &[],
        )?;
        row["reply"] = json!(candidate.reply);
        row["maker"] = match &candidate.maker {
            Maker::Recorded => Value::Null,
            Maker::Controller(name) | Maker::Person(name) => json!(name),
        };
        row["score"] = json!(candidate.score);
        Ok(row)
    }

    fn parts(
        &mut self,
        thought: Option<&str>,
        action: Option<&Action>,
        observation: Option<&Observation>,
        own_pictures: &[PictureReference],
    ) -> Result<Value, Refusal> {
        let observed = observation.map_or(&[][..], |o| &o.pictures);
        let pictures = own_pictures.iter().chain(observed);
        let pictures: Vec<Value> = pictures
            .map(|reference| self.picture(reference, None))
            .collect::<Result<_, _>>()?;
        let (mut code, mut calls, mut message) = (None, None, None);
        match action {
            Some(Action::Code(text)) => code = Some(text),
            Some(Action::ToolCalls(list)) => calls = Some(json!(list).to_string()),
            Some(Action::Message(text)) => message = Some(text),
            None => {}
        }
        Ok(json!({
            "thought": thought,
            "code": code,
            "tool_calls": calls,
            "message": message,
            "observation": observation.map(|o| &o.text),
            "is_error": observation.map(|o| o.is_error),
            "images": pictures,
        }))
    }
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
