//! Step labels for TRL's PRMTrainer (0.13 to 1.13) and axolotl's `stepwise_supervised`: `prompt`, `completions`, `labels`.
//!
//! The trainer tokenizes plain text, so the prompt is the system prompt and the task, and a completion is a step: what the
//! controller says, and what came of it, as annotators and judges saw it. A row ends before the first step that is
//! labelled neither right nor wrong: the trainer knows no third label.

use serde_json::{Value, json};

use super::label_rules::{LABEL_COUNT, LABELS_DISAGREE, STEP_WITHOUT_LABEL};
use super::step_labels::{StepVotes, step_votes};
use super::trl::MAX_LENGTH;
use crate::export::chats::chat::{CallForm, Chat, chat_in};
use crate::export::pictures::PictureUse;
use crate::export::preflight::{
    NO_SYSTEM_PROMPT, PASSED_OVER, ROW_COLUMNS, UNSEEN_MEDIA, UNSEEN_PICTURES,
};
use crate::export::tables::hugging_face::{Column, ColumnType};
use crate::export::target::{BASE, Holds, Target};
use crate::export::token_limit::TOO_LONG;
use crate::export::{Outgoing, Refusal, Rendered};

/// The row of `TARGETS`.
pub(in crate::export) const TARGET: Target = Target {
    name: "trl-prm",
    title: "step labels for TRL's PRMTrainer (prompt, completions, labels)",
    extension: "jsonl",
    holds: Holds::Trajectories,
    pictures: PictureUse::Column,
    rules: &[
        &LABEL_COUNT,
        &LABELS_DISAGREE,
        &STEP_WITHOUT_LABEL,
        &UNSEEN_PICTURES,
        &NO_SYSTEM_PROMPT,
        &UNSEEN_MEDIA,
        &PASSED_OVER,
        &ROW_COLUMNS,
        &TOO_LONG,
    ],
    max_tokens: Some(MAX_LENGTH),
    takes_rejected: true,
    columns: Some(|_| {
        vec![
            Column::text("prompt"),
            Column::new("completions", ColumnType::Text.list()),
            Column::new("labels", ColumnType::Boolean.list()),
        ]
    }),
    chat: Some(CallForm::Code),
    needs: |outgoing| step_votes(outgoing).iter().any(|votes| !votes.is_empty()),
    render: |outgoing, _| Rendered::one(row(outgoing)),
    ..BASE
};

fn row(outgoing: &Outgoing) -> Result<String, Refusal> {
    let chat = chat_in(CallForm::Code, outgoing, None)?;
    let labels: Vec<bool> = step_votes(outgoing)
        .into_iter()
        .map_while(StepVotes::verdict)
        .collect();
    if labels.is_empty() {
        return Err(Refusal::new(
            "its first step is labelled neither right nor wrong",
        ));
    }
    let completions: Vec<String> = (1..=labels.len())
        .map(|step| step_text(&chat, step))
        .collect();
    let row = json!({"prompt": prompt(&chat), "completions": completions, "labels": labels});
    Ok(Value::to_string(&row))
}

/// What is said before the first step.
fn prompt(chat: &Chat) -> String {
    let task = chat.turns.iter().filter(|turn| turn.step.is_none());
    let task = task.map(|turn| turn.text());
    let texts: Vec<String> = chat
        .system
        .iter()
        .map(|s| s.to_string())
        .chain(task)
        .collect();
    texts.join("\n\n")
}

fn step_text(chat: &Chat, step: usize) -> String {
    let turns = chat.turns.iter().filter(|turn| turn.step == Some(step));
    let texts: Vec<String> = turns.map(|turn| turn.text()).collect();
    texts.join("\n")
}
