//! OpenAI chat messages, also TRL's conversational rows: `{messages: [{role, content, tool_calls, …}], tools?, images?}`.

use serde_json::Value;

use super::chat_turns::{is_messages, turns};
use super::conversation::Conversation;
use super::json_field::{Rows, elements, field, filled, identifier};
use super::picture_field::PictureColumn;
use super::tool_schema::tools;
use super::{Format, Layout, ReadError, RecordText, Sample};
use crate::domain::{Content, Provenance, Trajectory};

/// The row of `FORMATS`.
pub(super) const FORMAT: Format = Format {
    name: "openai-messages",
    title: "chat messages of OpenAI and TRL",
    detect,
    read,
};

/// Columns that hold a chat row's pictures.
pub(super) const PICTURE_COLUMNS: [&str; 2] = ["images", "image"];

fn detect(sample: &Sample<'_>) -> Option<Layout> {
    let rows = Rows(sample);
    rows.get("messages")
        .is_some_and(is_messages)
        .then(|| rows.layout())
}

fn read(record: &RecordText<'_>) -> Result<Content, ReadError> {
    let row: Value = serde_json::from_str(record.text)?;
    read_messages(&row, FORMAT.name, record)
}

/// Reads a row with `messages` for the format of this name.
pub(super) fn read_messages(
    row: &Value,
    format: &str,
    record: &RecordText<'_>,
) -> Result<Content, ReadError> {
    let messages = field(row, "messages").and_then(elements).ok_or_else(|| {
        ReadError("a chat row needs `messages`, a list; this record has none".to_owned())
    })?;
    let mut problems = Vec::new();
    let mut column = PictureColumn::of(row, &PICTURE_COLUMNS);
    let turns = turns(messages, &mut column, &mut problems);
    let conversation = Conversation::of(turns, record.interner, &mut problems);
    Ok(chat_content(row, format, conversation, column, problems))
}

/// A trajectory of a conversation, with the row's tools, id, model and the pictures that no mark stands for.
pub(super) fn chat_content(
    row: &Value,
    format: &str,
    conversation: Conversation,
    column: PictureColumn,
    problems: Vec<String>,
) -> Content {
    let mut task = conversation.task;
    task.attachments.extend(column.rest());
    Content {
        natural_id: identifier(row, &["id"]),
        trajectory: Some(Trajectory {
            system_prompt: conversation.system_prompt,
            tools: field(row, "tools").map(tools).unwrap_or_default(),
            task,
            steps: conversation.steps,
            answer: conversation.answer,
            provenance: Provenance {
                format: format.to_owned(),
                model: filled(row, "model").map(str::to_owned),
                ..Provenance::default()
            },
            ..Trajectory::default()
        }),
        pairs: Vec::new(),
        problems,
    }
}
