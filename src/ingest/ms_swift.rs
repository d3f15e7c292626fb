//! ms-swift preference rows: `{messages, rejected_response? | rejected_messages?, images?, tools?}`. The last reply of
//! `messages` is the chosen one. Rows with no rejected side are plain conversations.

use serde_json::Value;

use super::chat_turns::{Speaker, Turn, is_messages, turns};
use super::json_field::{Rows, elements, field, text};
use super::openai_messages::{PICTURE_COLUMNS, read_messages};
use super::picture_field::PictureColumn;
use super::preference::{Sides, pair_content};
use super::trl_preference::shared_turns;
use super::{Format, Layout, ReadError, RecordText, Sample};
use crate::domain::Content;

/// The row of `FORMATS`.
pub(super) const FORMAT: Format = Format {
    name: "ms-swift",
    title: "ms-swift preference rows (messages, rejected_response)",
    detect,
    read,
};

fn detect(sample: &Sample<'_>) -> Option<Layout> {
    let rows = Rows(sample);
    let found = rows.get("messages").is_some_and(is_messages)
        && (rows.names("rejected_response") || rows.names("rejected_messages"));
    found.then(|| rows.layout())
}

fn read(record: &RecordText<'_>) -> Result<Content, ReadError> {
    let row: Value = serde_json::from_str(record.text)?;
    let messages = field(&row, "messages").and_then(elements).ok_or_else(|| {
        ReadError("a chat row needs `messages`, a list; this record has none".to_owned())
    })?;
    let mut problems = Vec::new();
    let mut column = PictureColumn::of(&row, &PICTURE_COLUMNS);
    let mut read = |list: &[Value]| turns(list, &mut column, &mut problems);
    let sides = match (
        field(&row, "rejected_messages"),
        field(&row, "rejected_response"),
    ) {
        (Some(Value::Array(whole)), _) => {
            let shared = shared_turns(messages, whole);
            let prompt = read(&messages[..shared]);
            let chosen = read(&messages[shared..]);
            // The rejected conversation brings its own pictures.
            let mut own = PictureColumn::of(&row, &["rejected_images"]);
            turns(&whole[..shared], &mut own, &mut Vec::new());
            Sides {
                prompt,
                chosen,
                rejected: turns(&whole[shared..], &mut own, &mut problems),
            }
        }
        (_, Some(Value::Array(replies))) => {
            // It stands for all that follows the user's last message; what both begin with is the steps before.
            let at = after_last_user(messages);
            let whole: Vec<Value> = messages[..at].iter().chain(replies).cloned().collect();
            let shared = shared_turns(messages, &whole).max(at);
            Sides {
                prompt: read(&messages[..shared]),
                chosen: read(&messages[shared..]),
                rejected: read(&whole[shared..]),
            }
        }
        (_, Some(Value::String(reply))) => {
            let at = messages
                .len()
                .saturating_sub(usize::from(ends_with_reply(messages)));
            Sides {
                prompt: read(&messages[..at]),
                chosen: read(&messages[at..]),
                rejected: vec![Turn::of(Speaker::Assistant, reply.clone())],
            }
        }
        _ => return read_messages(&row, FORMAT.name, record),
    };
    Ok(pair_content(
        &row,
        FORMAT.name,
        sides,
        column,
        record.interner,
        problems,
    ))
}

fn speaker(message: &Value) -> Option<Speaker> {
    text(message, "role").and_then(Speaker::named)
}

fn ends_with_reply(messages: &[Value]) -> bool {
    messages.last().and_then(speaker) == Some(Speaker::Assistant)
}

/// The place after the last message of the user.
fn after_last_user(messages: &[Value]) -> usize {
    messages
        .iter()
        .rposition(|message| speaker(message) == Some(Speaker::User))
        .map_or(0, |at| at + 1)
}
