//! TRL's supervised rows: `messages`, with `images` and `tools` where there are any.

use serde_json::{Map, Value};

use super::trl;
use super::trl::{FORM, MAX_LENGTH, contents, finish, message_column, optional_columns};
use super::trl_rules::{PICTURE_MARKS, PICTURE_PLACES};
use crate::export::chats::chat::{CallForm, chat_of};
use crate::export::chats::chat_messages::{RowPictures, messages};
use crate::export::pictures::{PictureUse, Pictures};
use crate::export::preflight::{
    LITERAL_MARKS, MISSING_PICTURE, NO_REPLY, NO_SYSTEM_PROMPT, PASSED_OVER, ROW_COLUMNS,
    UNSEEN_MEDIA,
};
use crate::export::target::{BASE, Contents, Holds, Target};
use crate::export::token_limit::TOO_LONG;
use crate::export::{Outgoing, Refusal, Rendered};

/// The row of `TARGETS`.
pub(in crate::export) const TARGET: Target = Target {
    name: "trl-sft",
    title: "trajectories for TRL's SFTTrainer (messages)",
    extension: "jsonl",
    holds: Holds::Trajectories,
    pictures: PictureUse::Column,
    rules: &[
        &PICTURE_MARKS,
        &PICTURE_PLACES,
        &LITERAL_MARKS,
        &NO_REPLY,
        &MISSING_PICTURE,
        &NO_SYSTEM_PROMPT,
        &UNSEEN_MEDIA,
        &PASSED_OVER,
        &ROW_COLUMNS,
        &TOO_LONG,
    ],
    max_tokens: Some(MAX_LENGTH),
    columns: Some(|file| {
        let mut columns = vec![message_column(MESSAGES, file)];
        columns.extend(optional_columns(file));
        columns
    }),
    chat: Some(CallForm::Structured),
    complete: Some(complete),
    render: |outgoing, pictures| {
        let mut rendered = Rendered::default();
        rendered.add_with(None, None, row(outgoing, pictures));
        rendered
    },
    ..BASE
};

const MESSAGES: &str = "messages";

fn complete(row: &mut Map<String, Value>, file: Contents) {
    trl::complete(row, file, &[MESSAGES]);
}

fn row(outgoing: &Outgoing, pictures: &mut Pictures) -> Result<(String, Contents), Refusal> {
    let chat = chat_of(outgoing, None)?;
    let turns = chat.to_last_reply();
    let mut images = RowPictures::new(outgoing, pictures);
    let said = messages(&chat, turns, FORM, &mut images)?;
    let mut row = Map::new();
    row.insert(MESSAGES.to_owned(), said.into());
    let contents = contents(&chat, turns);
    Ok(finish(row, &chat, images.names, contents, complete))
}
