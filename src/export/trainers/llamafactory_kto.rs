//! Rows of single judgements for LLaMA-Factory's KTO stage: a conversation whose last turn is judged, and `kto_tag`.

use super::label_rules::{EMPTY_COMPLETION, LABEL_TYPE, LABELS_DISAGREE};
use super::labelled_replies::{LabelledReply, has_labels, labelled_rows};
use super::llama_factory::{
    CUTOFF_LENGTH, FUNCTION_CALLS, LITERAL_MARKS, MAX_PIXELS, PICTURE_MARKS, TURN_TEXTS,
    TURNS_ALTERNATE, conversations_info,
};
use super::share_gpt::{columns, row};
use crate::export::chats::chat::CallForm;
use crate::export::chats::chat_messages::RowPictures;
use crate::export::pictures::{PictureUse, Pictures};
use crate::export::preflight::{
    EQUAL_SIDES, MISSING_PICTURE, NO_SYSTEM_PROMPT, PASSED_OVER, ROW_COLUMNS, UNSEEN_MEDIA,
};
use crate::export::tables::hugging_face::{Column, ColumnType};
use crate::export::target::{BASE, Contents, Holds, Target, TargetKind};
use crate::export::token_limit::TOO_LONG;
use crate::export::{Outgoing, Refusal};

const TAG: &str = "kto_tag";

/// The row of `TARGETS`.
pub(in crate::export) const TARGET: Target = Target {
    name: "llamafactory-kto",
    title: "single judgements for LLaMA-Factory's KTO stage (ShareGPT, kto_tag)",
    extension: "json",
    kind: TargetKind::JsonArray,
    holds: Holds::Both,
    pictures: PictureUse::Column,
    rules: &[
        &TURNS_ALTERNATE,
        &TURN_TEXTS,
        &FUNCTION_CALLS,
        &PICTURE_MARKS,
        &LITERAL_MARKS,
        &LABEL_TYPE,
        &LABELS_DISAGREE,
        &EMPTY_COMPLETION,
        &EQUAL_SIDES,
        &MISSING_PICTURE,
        &NO_SYSTEM_PROMPT,
        &UNSEEN_MEDIA,
        &PASSED_OVER,
        &ROW_COLUMNS,
        &TOO_LONG,
    ],
    max_tokens: Some(CUTOFF_LENGTH),
    max_pixels: Some(MAX_PIXELS),
    dataset_info: Some(|file| conversations_info(file, Some(TAG))),
    takes_rejected: true,
    columns: Some(|_| columns(Some(Column::new(TAG, ColumnType::Boolean)))),
    chat: Some(CallForm::Structured),
    needs: has_labels,
    render: |outgoing, pictures| {
        labelled_rows(outgoing, CallForm::Structured, |reply| {
            let row = labelled(outgoing, reply, pictures)?;
            Ok((row, Contents::default()))
        })
    },
    ..BASE
};

fn labelled(
    outgoing: &Outgoing,
    labelled: LabelledReply<'_>,
    pictures: &mut Pictures,
) -> Result<String, Refusal> {
    let turns = labelled.before.iter().chain([labelled.reply]);
    let pictures = RowPictures::new(outgoing, pictures);
    row(
        labelled.chat,
        turns,
        pictures,
        Some((TAG, labelled.label.into())),
    )
}
