//! LLaMA-Factory's supervised rows in the ShareGPT form: `conversations`, `system`, `tools`, `images`.

use super::llama_factory::{
    CUTOFF_LENGTH, FUNCTION_CALLS, LITERAL_MARKS, MAX_PIXELS, PICTURE_MARKS, TURN_TEXTS,
    TURNS_ALTERNATE, conversations_info,
};
use super::share_gpt::{columns, row};
use crate::export::chats::chat::{CallForm, chat_of};
use crate::export::chats::chat_messages::RowPictures;
use crate::export::pictures::{PictureUse, Pictures};
use crate::export::preflight::{
    MISSING_PICTURE, NO_SYSTEM_PROMPT, PASSED_OVER, ROW_COLUMNS, UNSEEN_MEDIA,
};
use crate::export::target::{BASE, Holds, Target, TargetKind};
use crate::export::token_limit::TOO_LONG;
use crate::export::{Outgoing, Refusal, Rendered};

/// The row of `TARGETS`.
pub(in crate::export) const TARGET: Target = Target {
    name: "llamafactory-sft",
    title: "trajectories for LLaMA-Factory's supervised stage (ShareGPT)",
    extension: "json",
    kind: TargetKind::JsonArray,
    holds: Holds::Trajectories,
    pictures: PictureUse::Column,
    rules: &[
        &TURNS_ALTERNATE,
        &TURN_TEXTS,
        &FUNCTION_CALLS,
        &PICTURE_MARKS,
        &LITERAL_MARKS,
        &MISSING_PICTURE,
        &NO_SYSTEM_PROMPT,
        &UNSEEN_MEDIA,
        &PASSED_OVER,
        &ROW_COLUMNS,
        &TOO_LONG,
    ],
    max_tokens: Some(CUTOFF_LENGTH),
    max_pixels: Some(MAX_PIXELS),
    dataset_info: Some(|file| conversations_info(file, None)),
    columns: Some(|_| columns(None)),
    chat: Some(CallForm::Structured),
    render: |outgoing, pictures| Rendered::one(trajectory(outgoing, pictures)),
    ..BASE
};

fn trajectory(outgoing: &Outgoing, pictures: &mut Pictures) -> Result<String, Refusal> {
    let chat = chat_of(outgoing, None)?;
    let pictures = RowPictures::new(outgoing, pictures);
    row(&chat, chat.to_last_reply(), pictures, None)
}
