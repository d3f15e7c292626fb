//! What TRL's rows have in common (`trl/data_utils.py`, `trl/trainer/*_trainer.py`, 1.16): messages whose pictures are in a
//! column `images`.
//!
//! A column of that name makes a data set one of pictures, whose rows take another path: contents are lists of parts, and
//! tools do not reach the chat template. So files without pictures have no such column, and in files with pictures the
//! tools are in the system prompt.

use serde_json::{Map, Value, json};

use crate::export::chats::chat::{Chat, ChatTurn};
use crate::export::chats::chat_messages::{
    CallSpelling, MessageForm, PictureSpelling, spell_as_parts,
};
use crate::export::chats::tool_text::{declared_tools, tools_json};
use crate::export::tables::hugging_face::{Column, ColumnType};
use crate::export::target::Contents;

/// Its `max_length` unless a person sets another.
pub(in crate::export) const MAX_LENGTH: usize = 1024;

/// How its messages are spelled.
pub(in crate::export) const FORM: MessageForm = MessageForm {
    calls: CallSpelling::Objects,
    pictures: PictureSpelling::Column,
};

/// What rows of these turns hold.
pub(in crate::export) fn contents<'a>(
    chat: &Chat,
    turns: impl IntoIterator<Item = &'a ChatTurn>,
) -> Contents {
    let mut contents = Contents {
        tools: !chat.tools.is_empty(),
        ..Contents::default()
    };
    for turn in turns {
        contents.pictures |= turn.pictures().next().is_some();
        contents.calls |= !turn.calls.is_empty();
    }
    contents
}

/// Adds the columns that only some rows have, and gives the row the form of a file of its own.
pub(in crate::export) fn finish(
    mut row: Map<String, Value>,
    chat: &Chat,
    images: Vec<String>,
    contents: Contents,
    complete: fn(&mut Map<String, Value>, Contents),
) -> (String, Contents) {
    if !chat.tools.is_empty() {
        row.insert(TOOLS.to_owned(), tools_json(&chat.tools).into());
    }
    if !images.is_empty() {
        row.insert(IMAGES.to_owned(), images.into());
    }
    complete(&mut row, contents);
    (Value::Object(row).to_string(), contents)
}

const TOOLS: &str = "tools";
const IMAGES: &str = "images";

/// Gives a row the form of a file with these contents; `messages` are its columns of messages, the first of which has the
/// system prompt.
pub(in crate::export) fn complete(row: &mut Map<String, Value>, file: Contents, messages: &[&str]) {
    if file.pictures {
        if let Some(Value::String(tools)) = row.shift_remove(TOOLS) {
            let tools: Vec<Value> = serde_json::from_str(&tools).unwrap_or_default();
            let first = messages.first().and_then(|key| row.get_mut(*key));
            if let Some(Value::Array(first)) = first {
                tell_tools(first, &declared_tools(&tools));
            }
        }
        spell_as_parts(row, messages);
        row.entry(IMAGES).or_insert_with(|| json!([]));
    } else if file.tools {
        row.entry(TOOLS).or_insert_with(|| "[]".into());
    }
}

/// Adds words to the system prompt of messages.
fn tell_tools(messages: &mut Vec<Value>, words: &str) {
    let system = messages
        .first_mut()
        .filter(|first| first["role"] == "system");
    match system.map(|message| &mut message["content"]) {
        Some(Value::String(prompt)) => prompt.push_str(&format!("\n\n{words}")),
        Some(Value::Array(parts)) => {
            parts.push(json!({"type": "text", "text": format!("\n\n{words}")}));
        }
        _ => messages.insert(0, json!({"role": "system", "content": words})),
    }
}

/// A column of messages.
pub(in crate::export) fn message_column(name: &'static str, file: Contents) -> Column {
    Column::new(name, ColumnType::Struct(message_members(file)).list())
}

fn message_members(file: Contents) -> Vec<Column> {
    let content = match file.pictures {
        true => {
            let part = vec![Column::text("type"), Column::text("text")];
            ColumnType::Struct(part).list()
        }
        false => ColumnType::Text,
    };
    let mut members = vec![Column::text("role"), Column::new("content", content)];
    if file.calls {
        let arguments = Column::new("arguments", ColumnType::Json);
        let function = vec![Column::text("name"), arguments];
        let call = vec![
            Column::text("type"),
            Column::new("function", ColumnType::Struct(function)),
        ];
        members.push(Column::text("name"));
        members.push(Column::new("tool_calls", ColumnType::Struct(call).list()));
    }
    members
}

/// The columns that only some files have.
pub(in crate::export) fn optional_columns(file: Contents) -> Vec<Column> {
    if file.pictures {
        vec![Column::new(IMAGES, ColumnType::Picture.list())]
    } else if file.tools {
        vec![Column::text(TOOLS)]
    } else {
        Vec::new()
    }
}
