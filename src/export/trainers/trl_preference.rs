//! TRL's preference rows: `prompt`, `chosen`, `rejected`, with `images` and `tools` where there are any.

use serde_json::{Map, Value};

use super::trl;
use super::trl::{FORM, MAX_LENGTH, contents, finish, message_column, optional_columns};
use super::trl_rules::{PICTURE_MARKS, PICTURE_PLACES, PROMPT_END};
use crate::export::chats::chat::{CallForm, chat_of};
use crate::export::chats::chat_messages::{RowPictures, messages, turn_messages};
use crate::export::pictures::{PictureUse, Pictures};
use crate::export::preflight::{
    EMPTY_SIDE, EQUAL_SIDES, LITERAL_MARKS, MISSING_PICTURE, NO_SYSTEM_PROMPT, PASSED_OVER,
    ROW_COLUMNS, UNSEEN_MEDIA,
};
use crate::export::target::{BASE, Contents, Holds, Target};
use crate::export::token_limit::TOO_LONG;
use crate::export::{Outgoing, Refusal, Rendered};

/// The row of `TARGETS`.
pub(in crate::export) const TARGET: Target = Target {
    name: "trl-preference",
    title: "preference pairs for TRL's DPOTrainer (prompt, chosen, rejected)",
    extension: "jsonl",
    holds: Holds::Pairs,
    pictures: PictureUse::Column,
    rules: &[
        &PICTURE_MARKS,
        &PICTURE_PLACES,
        &PROMPT_END,
        &LITERAL_MARKS,
        &EQUAL_SIDES,
        &EMPTY_SIDE,
        &MISSING_PICTURE,
        &NO_SYSTEM_PROMPT,
        &UNSEEN_MEDIA,
        &PASSED_OVER,
        &ROW_COLUMNS,
        &TOO_LONG,
    ],
    max_tokens: Some(MAX_LENGTH),
    columns: Some(|file| {
        let mut columns: Vec<_> = MESSAGES.map(|name| message_column(name, file)).into();
        columns.extend(optional_columns(file));
        columns
    }),
    chat: Some(CallForm::Structured),
    complete: Some(complete),
    render: |outgoing, pictures| {
        let mut rendered = Rendered::default();
        for pair in &outgoing.record.content.pairs {
            let part = pair.part.as_deref();
            rendered.add_with(part, None, row(outgoing, part, pictures));
        }
        rendered
    },
    ..BASE
};

const MESSAGES: [&str; 3] = ["prompt", "chosen", "rejected"];

fn complete(row: &mut Map<String, Value>, file: Contents) {
    trl::complete(row, file, &MESSAGES);
}

fn row(
    outgoing: &Outgoing,
    part: Option<&str>,
    pictures: &mut Pictures,
) -> Result<(String, Contents), Refusal> {
    let chat = chat_of(outgoing, part)?;
    let mut images = RowPictures::new(outgoing, pictures);
    let prompt = messages(&chat, &chat.turns, FORM, &mut images)?;
    let sides = chat.sides()?;
    let mut row = Map::new();
    let [name, chosen, rejected] = MESSAGES;
    row.insert(name.to_owned(), prompt.into());
    for (name, side) in [(chosen, &sides[0]), (rejected, &sides[1])] {
        let said = turn_messages(std::slice::from_ref(side), FORM, &mut images)?;
        row.insert(name.to_owned(), said.into());
    }
    let contents = contents(&chat, chat.turns.iter().chain(sides));
    Ok(finish(row, &chat, images.names, contents, complete))
}
