//! TRL's preference rows: `{prompt, chosen, rejected, images?, tools?}` with lists of messages or plain strings; without
//! `prompt`, chosen and rejected are whole conversations whose common beginning is the prompt.

use serde_json::Value;

use super::chat_turns::{Speaker, Turn, is_message, is_messages, turns};
use super::json_field::{Rows, elements, field};
use super::openai_messages::PICTURE_COLUMNS;
use super::picture_field::PictureColumn;
use super::preference::{Sides, pair_content};
use super::{Format, Layout, ReadError, RecordText, Sample};
use crate::domain::Content;

/// The row of `FORMATS`.
pub(super) const FORMAT: Format = Format {
    name: "trl-preference",
    title: "TRL preference rows (prompt, chosen, rejected)",
    detect,
    read,
};

fn detect(sample: &Sample<'_>) -> Option<Layout> {
    let rows = Rows(sample);
    let is_side = |value: &Value| value.is_string() || is_messages(value) || is_message(value);
    let found = rows.get("chosen").is_some_and(is_side)
        && rows.get("rejected").is_some_and(is_side)
        && !rows.names("conversations")
        && !rows.names("instruction");
    found.then(|| rows.layout())
}

fn read(record: &RecordText<'_>) -> Result<Content, ReadError> {
    let row: Value = serde_json::from_str(record.text)?;
    let side = |key: &str| {
        field(&row, key).ok_or_else(|| {
            ReadError(format!(
                "a preference row needs `chosen` and `rejected`; this record lacks `{key}`"
            ))
        })
    };
    let (chosen, rejected) = (side("chosen")?, side("rejected")?);
    // axolotl calls the prompt `messages`.
    let prompt = field(&row, "prompt").or_else(|| field(&row, "messages"));
    let mut problems = Vec::new();
    let mut column = PictureColumn::of(&row, &PICTURE_COLUMNS);
    let sides = match (chosen, rejected) {
        (Value::String(chosen), Value::String(rejected)) if prompt.is_none() => {
            let (prompt, chosen, rejected) = split_texts(chosen, rejected);
            Sides {
                prompt: vec![Turn::of(Speaker::User, prompt)],
                chosen: vec![Turn::of(Speaker::Assistant, chosen)],
                rejected: vec![Turn::of(Speaker::Assistant, rejected)],
            }
        }
        _ => {
            let (chosen_list, rejected_list) = (messages(chosen), messages(rejected));
            let shared = shared_turns(chosen_list, rejected_list);
            let mut list = |list: &[Value]| turns(list, &mut column, &mut problems);
            if shared > 0 {
                // Both sides repeat the prompt, so theirs is the whole one.
                Sides {
                    prompt: list(&chosen_list[..shared]),
                    chosen: list(&chosen_list[shared..]),
                    rejected: list(&rejected_list[shared..]),
                }
            } else {
                let mut read = |value: &Value, speaker| match value {
                    Value::String(text) => vec![Turn::of(speaker, text.clone())],
                    other => list(messages(other)),
                };
                Sides {
                    prompt: prompt.map(|p| read(p, Speaker::User)).unwrap_or_default(),
                    chosen: read(chosen, Speaker::Assistant),
                    rejected: read(rejected, Speaker::Assistant),
                }
            }
        }
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

/// The messages of a side, unless it is a plain text.
fn messages(side: &Value) -> &[Value] {
    elements(side).unwrap_or(if side.is_object() {
        std::slice::from_ref(side)
    } else {
        &[]
    })
}

/// How many messages two conversations share, if they are conversations and not bare replies. Equal conversations
/// share all but their last reply.
pub(super) fn shared_turns(chosen: &[Value], rejected: &[Value]) -> usize {
    let is_reply = |message: &Value| {
        let role = message.get("role").and_then(Value::as_str);
        matches!(
            role.and_then(Speaker::named),
            Some(Speaker::Assistant | Speaker::Call)
        )
    };
    if chosen.first().is_none_or(is_reply) || rejected.first().is_none_or(is_reply) {
        return 0;
    }
    let mut shared = chosen
        .iter()
        .zip(rejected)
        .take_while(|(a, b)| a == b)
        .count();
    let shorter = chosen.len().min(rejected.len());
    if shared == shorter {
        // Nothing is left of one side: go back to where a reply begins.
        shared = chosen[..shorter].iter().rposition(is_reply).unwrap_or(0);
    }
    shared
}

/// TRL's own rule for texts: the prompt is their common beginning, less a space at its end.
fn split_texts<'a>(chosen: &'a str, rejected: &'a str) -> (&'a str, &'a str, &'a str) {
    let mut at: usize = chosen
        .chars()
        .zip(rejected.chars())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    if at == chosen.len() || at == rejected.len() {
        at = 0;
    }
    let prompt = chosen.get(..at).unwrap_or_default();
    let prompt = prompt.strip_suffix(' ').unwrap_or(prompt);
    let rest = |text: &'a str| text.get(prompt.len()..).unwrap_or_default();
    (prompt, rest(chosen), rest(rejected))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_common_beginning_of_texts_is_the_prompt() {
        assert_eq!(
            split_texts("The sky is blue.", "The sky is green."),
            ("The sky is", " blue.", " green.")
        );
        assert_eq!(split_texts("für", "füß"), ("fü", "r", "ß"));
        assert_eq!(split_texts("same", "same"), ("", "same", "same"));
        assert_eq!(
            split_texts("one", "one and two"),
            ("", "one", "one and two")
        );
        assert_eq!(split_texts("", ""), ("", "", ""));
    }

    #[test]
    fn conversations_share_turns_up_to_where_they_part() {
        let user = json!({"role": "user", "content": "q"});
        let reply = |text: &str| json!({"role": "assistant", "content": text});
        let shared = |a: &[Value], b: &[Value]| shared_turns(a, b);
        assert_eq!(
            shared(&[user.clone(), reply("a")], &[user.clone(), reply("b")]),
            1
        );
        assert_eq!(shared(&[reply("a")], &[reply("b")]), 0);
        assert_eq!(
            shared(&[user.clone(), reply("a")], &[user.clone(), reply("a")]),
            1
        );
        let long = [user.clone(), reply("a"), user.clone(), reply("b")];
        assert_eq!(shared(&long[..2], &long), 1);
        assert_eq!(shared(&long[..1], &long[..1]), 0);
        assert_eq!(shared(&[], &long), 0);
    }
}
