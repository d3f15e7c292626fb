//! LLaMA-Factory's supervised rows: ShareGPT `{conversations: [{from, value}], system?, tools?, images?}` and Alpaca
//! `{instruction, input, output, system?, history?}`.

use serde_json::Value;

use super::chat_turns::{Speaker, Turn, turns};
use super::conversation::Conversation;
use super::json_field::{Rows, elements, field, filled, items, plain, text};
use super::openai_messages::{PICTURE_COLUMNS, chat_content};
use super::picture_field::PictureColumn;
use super::{Format, Layout, ReadError, RecordText, Sample};
use crate::domain::Content;

/// The row of `FORMATS`.
pub(super) const FORMAT: Format = Format {
    name: "llamafactory-sft",
    title: "LLaMA-Factory supervised rows (ShareGPT, Alpaca)",
    detect,
    read,
};

fn detect(sample: &Sample<'_>) -> Option<Layout> {
    let rows = Rows(sample);
    if rows.names("chosen") || rows.names("rejected") {
        return None;
    }
    let share_gpt = rows
        .get("conversations")
        .and_then(elements)
        .is_some_and(is_share_gpt);
    let alpaca = rows.get("instruction").is_some_and(Value::is_string)
        && rows.get("output").is_some_and(Value::is_string);
    (share_gpt || alpaca).then(|| rows.layout())
}

/// Whether the first turn that is not the system prompt has one of ShareGPT's own role names.
fn is_share_gpt(turns: &[Value]) -> bool {
    let mut roles = turns.iter().map(|turn| text(turn, "from"));
    let first = roles.find(|role| *role != Some("system")).flatten();
    matches!(
        first,
        Some("human" | "gpt" | "function_call" | "observation")
    )
}

fn read(record: &RecordText<'_>) -> Result<Content, ReadError> {
    let row: Value = serde_json::from_str(record.text)?;
    let mut problems = Vec::new();
    let mut column = PictureColumn::of(&row, &PICTURE_COLUMNS);
    let mut all = system_turn(&row);
    if let Some(conversations) = field(&row, "conversations").and_then(elements) {
        all.extend(turns(conversations, &mut column, &mut problems));
    } else if let Some(prompt) = alpaca_prompt(&row, &mut column) {
        all.extend(prompt);
        let reply = field(&row, "output").and_then(plain);
        all.extend(reply.map(|reply| Turn::of(Speaker::Assistant, reply)));
    } else {
        return Err(ReadError(
            "a supervised row needs `conversations` or `instruction`; this record has neither"
                .to_owned(),
        ));
    }
    let conversation = Conversation::of(all, record.interner, &mut problems);
    Ok(chat_content(
        &row,
        FORMAT.name,
        conversation,
        column,
        problems,
    ))
}

/// The row's `system` column.
pub(super) fn system_turn(row: &Value) -> Vec<Turn> {
    filled(row, "system")
        .map(|system| Turn::of(Speaker::System, system))
        .into_iter()
        .collect()
}

/// The turns before an Alpaca row's reply: `history` pairs, then instruction and input on lines of their own.
pub(super) fn alpaca_prompt(row: &Value, column: &mut PictureColumn) -> Option<Vec<Turn>> {
    let instruction = text(row, "instruction").or_else(|| text(row, "prompt"))?;
    let mut prompt: Vec<Turn> = Vec::new();
    let mut user = |said: String, prompt: &mut Vec<Turn>| {
        let pictures = column.for_marks(&said);
        prompt.push(Turn {
            has_marks: !pictures.is_empty(),
            pictures,
            ..Turn::of(Speaker::User, said)
        });
    };
    for exchange in items(row, "history") {
        if let Some([question, reply]) = elements(exchange) {
            user(plain(question).unwrap_or_default(), &mut prompt);
            prompt.push(Turn::of(
                Speaker::Assistant,
                plain(reply).unwrap_or_default(),
            ));
        }
    }
    let question = match filled(row, "input") {
        Some(input) if instruction.is_empty() => input.to_owned(),
        Some(input) => format!("{instruction}\n{input}"),
        None => instruction.to_owned(),
    };
    user(question, &mut prompt);
    Some(prompt)
}
