//! ms-swift's rows (`swift/dataset/preprocessor/core.py`, `swift/template/template_inputs.py`): `messages` with a mark for
//! each picture of `images`; of a pair the chosen reply last, and `rejected_response`.
//!
//! What is rejected stands for everything behind the last message of the user. Tools are not users, so after their
//! answers `rejected_response` repeats the steps that both sides share, before the rejected reply.

use serde_json::{Map, Value};

use super::ms_swift_rules::{LITERAL_MARKS, PICTURE_MARKS, REJECTED_TURNS, TURNS_ALTERNATE};
use crate::export::chats::chat::{CallForm, Chat, ChatSpeaker, ChatTurn, chat_of};
use crate::export::chats::chat_messages::{
    CallSpelling, MessageForm, PictureSpelling, RowPictures, messages, turn_messages,
};
use crate::export::chats::tool_text::tools_json;
use crate::export::pictures::{PictureUse, Pictures};
use crate::export::preflight::{
    EMPTY_SIDE, EQUAL_SIDES, MISSING_PICTURE, NO_REPLY, NO_SYSTEM_PROMPT, PASSED_OVER, ROW_COLUMNS,
    UNSEEN_MEDIA,
};
use crate::export::tables::hugging_face::{Column, ColumnType};
use crate::export::target::{BASE, Holds, Target};
use crate::export::token_limit::TOO_LONG;
use crate::export::{Outgoing, Refusal, Rendered};

/// The row of `TARGETS` for pairs.
pub(in crate::export) const PAIRS: Target = Target {
    name: "ms-swift",
    title: "preference pairs for ms-swift (messages, rejected_response)",
    extension: "jsonl",
    holds: Holds::Pairs,
    pictures: PictureUse::Column,
    rules: &[
        &TURNS_ALTERNATE,
        &REJECTED_TURNS,
        &EQUAL_SIDES,
        &PICTURE_MARKS,
        &LITERAL_MARKS,
        &EMPTY_SIDE,
        &MISSING_PICTURE,
        &NO_SYSTEM_PROMPT,
        &UNSEEN_MEDIA,
        &PASSED_OVER,
        &ROW_COLUMNS,
        &TOO_LONG,
    ],
    columns: Some(|_| columns(&[MESSAGES, REJECTED])),
    chat: Some(CallForm::Structured),
    render: |outgoing, pictures| {
        let mut rendered = Rendered::default();
        for pair in &outgoing.record.content.pairs {
            let part = pair.part.as_deref();
            rendered.add(part, None, preference(outgoing, part, pictures));
        }
        rendered
    },
    ..BASE
};

/// The row of `TARGETS` for trajectories.
pub(in crate::export) const TRAJECTORIES: Target = Target {
    name: "ms-swift-sft",
    title: "trajectories for ms-swift's supervised stage (messages)",
    extension: "jsonl",
    holds: Holds::Trajectories,
    pictures: PictureUse::Column,
    rules: &[
        &TURNS_ALTERNATE,
        &PICTURE_MARKS,
        &LITERAL_MARKS,
        &NO_REPLY,
        &MISSING_PICTURE,
        &NO_SYSTEM_PROMPT,
        &UNSEEN_MEDIA,
        &PASSED_OVER,
        &ROW_COLUMNS,
        &TOO_LONG,
    ],
    columns: Some(|_| columns(&[MESSAGES])),
    chat: Some(CallForm::Structured),
    render: |outgoing, pictures| Rendered::one(supervised(outgoing, pictures)),
    ..BASE
};

const MESSAGES: &str = "messages";
const REJECTED: &str = "rejected_response";

const FORM: MessageForm = MessageForm {
    calls: CallSpelling::Messages,
    pictures: PictureSpelling::Mark,
};

fn columns(messages: &[&'static str]) -> Vec<Column> {
    let message = || ColumnType::Struct(vec![Column::text("role"), Column::text("content")]);
    let named = messages
        .iter()
        .map(|name| Column::new(name, message().list()));
    let mut columns: Vec<Column> = named.collect();
    columns.push(Column::text("tools"));
    columns.push(Column::new("images", ColumnType::Picture.list()));
    columns
}

fn supervised(outgoing: &Outgoing, pictures: &mut Pictures) -> Result<String, Refusal> {
    let chat = chat_of(outgoing, None)?;
    let mut images = RowPictures::new(outgoing, pictures);
    let said = messages(&chat, chat.to_last_reply(), FORM, &mut images)?;
    let mut row = Map::new();
    row.insert(MESSAGES.to_owned(), said.into());
    Ok(finish(row, &chat, images.names))
}

fn preference(
    outgoing: &Outgoing,
    part: Option<&str>,
    pictures: &mut Pictures,
) -> Result<String, Refusal> {
    let chat = chat_of(outgoing, part)?;
    let [chosen, rejected] = chat.sides()?;
    let mut images = RowPictures::new(outgoing, pictures);
    let mut said = messages(&chat, &chat.turns, FORM, &mut images)?;
    let images = images.names;
    let is_user = |turn: &ChatTurn| turn.speaker == ChatSpeaker::User;
    let shared = chat.turns.iter().rposition(is_user).map_or(0, |at| at + 1);
    // The rejected side has the same pictures.
    let mut again = RowPictures::new(outgoing, pictures);
    let mut instead = turn_messages(&chat.turns[shared..], FORM, &mut again)?;
    instead.extend(turn_messages(
        std::slice::from_ref(rejected),
        FORM,
        &mut again,
    )?);
    said.extend(turn_messages(
        std::slice::from_ref(chosen),
        FORM,
        &mut again,
    )?);
    let mut row = Map::new();
    row.insert(MESSAGES.to_owned(), said.into());
    row.insert(REJECTED.to_owned(), instead.into());
    Ok(finish(row, &chat, images))
}

fn finish(mut row: Map<String, Value>, chat: &Chat, images: Vec<String>) -> String {
    row.insert("tools".to_owned(), tools_json(&chat.tools).into());
    row.insert("images".to_owned(), images.into());
    Value::Object(row).to_string()
}
