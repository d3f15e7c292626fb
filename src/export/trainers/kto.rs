//! Rows of single judgements for TRL's KTOTrainer: `prompt`, `completion`, `label`, with `images` and `tools` where there are
//! any.

use serde_json::{Map, Value};

use super::label_rules::{EMPTY_COMPLETION, LABEL_TYPE, LABELS_DISAGREE};
use super::labelled_replies::{LabelledReply, has_labels, labelled_rows};
use super::trl;
use super::trl::{FORM, MAX_LENGTH, contents, finish, message_column, optional_columns};
use super::trl_rules::{PICTURE_MARKS, PICTURE_PLACES, PROMPT_END};
use crate::export::chats::chat::CallForm;
use crate::export::chats::chat_messages::{RowPictures, messages, turn_messages};
use crate::export::pictures::{PictureUse, Pictures};
use crate::export::preflight::{
    EQUAL_SIDES, LITERAL_MARKS, MISSING_PICTURE, NO_SYSTEM_PROMPT, PASSED_OVER, ROW_COLUMNS,
    UNSEEN_MEDIA,
};
use crate::export::tables::hugging_face::{Column, ColumnType};
use crate::export::target::{BASE, Contents, Holds, Target};
use crate::export::token_limit::TOO_LONG;
use crate::export::{Outgoing, Refusal};

/// The row of `TARGETS`.
pub(in crate::export) const TARGET: Target = Target {
    name: "kto",
    title: "single judgements for TRL's KTOTrainer (prompt, completion, label)",
    extension: "jsonl",
    holds: Holds::Both,
    pictures: PictureUse::Column,
    rules: &[
        &PICTURE_MARKS,
        &PICTURE_PLACES,
        &PROMPT_END,
        &LABEL_TYPE,
        &LABELS_DISAGREE,
        &EMPTY_COMPLETION,
        &EQUAL_SIDES,
        &LITERAL_MARKS,
        &MISSING_PICTURE,
        &NO_SYSTEM_PROMPT,
        &UNSEEN_MEDIA,
        &PASSED_OVER,
        &ROW_COLUMNS,
        &TOO_LONG,
    ],
    max_tokens: Some(MAX_LENGTH),
    takes_rejected: true,
    columns: Some(|file| {
        let mut columns: Vec<_> = MESSAGES.map(|name| message_column(name, file)).into();
        columns.push(Column::new(LABEL, ColumnType::Boolean));
        columns.extend(optional_columns(file));
        columns
    }),
    chat: Some(CallForm::Structured),
    needs: has_labels,
    complete: Some(complete),
    render: |outgoing, pictures| {
        labelled_rows(outgoing, CallForm::Structured, |reply| {
            row(outgoing, reply, pictures)
        })
    },
    ..BASE
};

const MESSAGES: [&str; 2] = ["prompt", "completion"];
const LABEL: &str = "label";

fn complete(row: &mut Map<String, Value>, file: Contents) {
    trl::complete(row, file, &MESSAGES);
}

fn row(
    outgoing: &Outgoing,
    labelled: LabelledReply<'_>,
    pictures: &mut Pictures,
) -> Result<(String, Contents), Refusal> {
    let LabelledReply {
        chat,
        before,
        reply,
        label,
    } = labelled;
    let mut images = RowPictures::new(outgoing, pictures);
    let prompt = messages(chat, before, FORM, &mut images)?;
    let completion = turn_messages(std::slice::from_ref(reply), FORM, &mut images)?;
    let mut row = Map::new();
    row.insert(MESSAGES[0].to_owned(), prompt.into());
    row.insert(MESSAGES[1].to_owned(), completion.into());
    row.insert(LABEL.to_owned(), label.into());
    let contents = contents(chat, before.iter().chain([reply]));
    Ok(finish(row, chat, images.names, contents, complete))
}
