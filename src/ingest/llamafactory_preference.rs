//! LLaMA-Factory's preference rows in the Alpaca form: `{instruction, input, chosen, rejected, system?, history?}`.

use serde_json::Value;

use super::chat_turns::{Speaker, Turn};
use super::json_field::{Rows, plain_field};
use super::llamafactory_sft::{alpaca_prompt, system_turn};
use super::openai_messages::PICTURE_COLUMNS;
use super::picture_field::PictureColumn;
use super::preference::{Sides, pair_content};
use super::{Format, Layout, ReadError, RecordText, Sample};
use crate::domain::Content;

/// The row of `FORMATS`.
pub(super) const FORMAT: Format = Format {
    name: "llamafactory-preference",
    title: "LLaMA-Factory preference rows (Alpaca)",
    detect,
    read,
};

fn detect(sample: &Sample<'_>) -> Option<Layout> {
    let rows = Rows(sample);
    let found = rows.get("instruction").is_some_and(Value::is_string)
        && rows.get("chosen").is_some_and(Value::is_string)
        && rows.get("rejected").is_some_and(Value::is_string);
    found.then(|| rows.layout())
}

fn read(record: &RecordText<'_>) -> Result<Content, ReadError> {
    let row: Value = serde_json::from_str(record.text)?;
    let mut column = PictureColumn::of(&row, &PICTURE_COLUMNS);
    let mut prompt = system_turn(&row);
    prompt.extend(alpaca_prompt(&row, &mut column).ok_or_else(|| {
        ReadError("an Alpaca row needs `instruction`; this record has none".to_owned())
    })?);
    let side = |key: &str| {
        let reply = plain_field(&row, key);
        reply
            .map(|reply| Turn::of(Speaker::Assistant, reply))
            .into_iter()
            .collect()
    };
    let sides = Sides {
        prompt,
        chosen: side("chosen"),
        rejected: side("rejected"),
    };
    Ok(pair_content(
        &row,
        FORMAT.name,
        sides,
        column,
        record.interner,
        Vec::new(),
    ))
}
