//! Chat messages as OpenAI's interface takes them, and many others: `messages`, `tools`; calls with ids, pictures as
//! addresses. A content is text unless it holds a picture.

use serde_json::{Map, Value};

use super::trl::contents;
use crate::export::chats::chat::{CallForm, chat_of};
use crate::export::chats::chat_messages::{
    CallSpelling, MessageForm, PictureSpelling, RowPictures, messages, spell_as_parts,
};
use crate::export::chats::tool_text::tool_schemas;
use crate::export::pictures::{PictureUse, Pictures};
use crate::export::preflight::{
    NO_REPLY, NO_SYSTEM_PROMPT, PASSED_OVER, PreflightRule, UNSEEN_MEDIA, list,
};
use crate::export::tables::hugging_face::{Column, ColumnType};
use crate::export::target::{BASE, Contents, Holds, Target};
use crate::export::token_limit::TOO_LONG;
use crate::export::{Outgoing, Refusal, Rendered};

/// The row of `TARGETS`.
pub(in crate::export) const TARGET: Target = Target {
    name: "openai-messages",
    title: "trajectories as OpenAI chat messages, with tool calls",
    extension: "jsonl",
    holds: Holds::Trajectories,
    pictures: PictureUse::Column,
    rules: &[
        &PICTURE_PLACES,
        &PICTURE_FILES,
        &NO_REPLY,
        &NO_SYSTEM_PROMPT,
        &UNSEEN_MEDIA,
        &PASSED_OVER,
        &TOO_LONG,
    ],
    columns: Some(columns),
    complete_table: Some(complete_table),
    chat: Some(CallForm::Structured),
    render: |outgoing, pictures| {
        let mut rendered = Rendered::default();
        rendered.add_with(None, None, row(outgoing, pictures));
        rendered
    },
    ..BASE
};

const MESSAGES: &str = "messages";

const FORM: MessageForm = MessageForm {
    calls: CallSpelling::Identified,
    pictures: PictureSpelling::Address,
};

fn row(outgoing: &Outgoing, pictures: &mut Pictures) -> Result<(String, Contents), Refusal> {
    let chat = chat_of(outgoing, None)?;
    let turns = chat.to_last_reply();
    let mut pictures = RowPictures::new(outgoing, pictures);
    let mut row = Map::new();
    let said = messages(&chat, turns, FORM, &mut pictures)?;
    row.insert(MESSAGES.to_owned(), said.into());
    // An empty list of tools is an error to OpenAI.
    if !chat.tools.is_empty() {
        row.insert("tools".to_owned(), tool_schemas(&chat.tools).into());
    }
    let contents = contents(&chat, turns);
    Ok((Value::Object(row).to_string(), contents))
}

/// With pictures in any row every content is a list of parts.
fn complete_table(row: &mut Map<String, Value>, file: Contents) {
    if file.pictures {
        spell_as_parts(row, &[MESSAGES]);
    }
}

fn columns(file: Contents) -> Vec<Column> {
    let mut message = vec![Column::text("role")];
    message.push(match file.pictures {
        true => {
            let address = ColumnType::Struct(vec![Column::text("url")]);
            let part = vec![
                Column::text("type"),
                Column::text("text"),
                Column::new("image_url", address),
            ];
            Column::new("content", ColumnType::Struct(part).list())
        }
        false => Column::text("content"),
    });
    if file.calls {
        let function = vec![Column::text("name"), Column::text("arguments")];
        let call = vec![
            Column::text("id"),
            Column::text("type"),
            Column::new("function", ColumnType::Struct(function)),
        ];
        message.push(Column::text("tool_call_id"));
        message.push(Column::new("tool_calls", ColumnType::Struct(call).list()));
    }
    let mut columns = vec![Column::new(MESSAGES, ColumnType::Struct(message).list())];
    if file.tools {
        columns.push(Column::new("tools", ColumnType::Json));
    }
    columns
}

/// Pictures where only text may stand.
static PICTURE_PLACES: PreflightRule = PreflightRule {
    name: "picture-places",
    doc: "A picture stands in a message that is not the user's: OpenAI's interface refuses it.",
    check: |subject, found| {
        let others = list(subject.row, MESSAGES)
            .iter()
            .filter(|m| m["role"] != "user");
        let parts = others.flat_map(|message| list(message, "content"));
        let count = parts.filter(|part| part["type"] == "image_url").count();
        if count > 0 {
            subject.find(
                found,
                format!("{count} pictures stand in messages that are not the user's"),
            );
        }
    },
};

/// Pictures that are not there; addresses are fetched.
static PICTURE_FILES: PreflightRule = PreflightRule {
    name: "missing-picture",
    doc: "A picture of the row is not there.",
    check: |subject, found| subject.find_missing_pictures(found, true),
};
