//! LLaMA-Factory's supervised rows in the ShareGPT form: `conversations`, `system`, `tools`, `images`.

use super::chat::{CallForm, chat_of};
use super::chat_messages::RowPictures;
use super::llama_factory::{
    CUTOFF_LENGTH, FUNCTION_CALLS, LITERAL_MARKS, MAX_PIXELS, PICTURE_MARKS, TURN_TEXTS,
    TURNS_ALTERNATE, conversations_info,
};
use super::pictures::{PictureUse, Pictures};
use super::preflight::{MISSING_PICTURE, NO_SYSTEM_PROMPT, PASSED_OVER, ROW_COLUMNS, UNSEEN_MEDIA};
use super::share_gpt::{columns, row};
use super::target::{BASE, Holds, Target, TargetKind};
use super::token_limit::TOO_LONG;
use super::{Outgoing, Refusal, Rendered};

/// The row of `TARGETS`.
pub(super) const TARGET: Target = Target {
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
