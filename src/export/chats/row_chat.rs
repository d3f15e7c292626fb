//! The conversations that a trainer's row says, as its chat template gets them: what counts for a length is what the row has,
//! not what it was made from.

use serde_json::{Map, Value};

use crate::export::trainers::llama_factory::PLACEHOLDER;
use crate::model::{ChatMessage, ChatPart, PictureSize};

/// A conversation of a row.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::export) struct RowChat {
    /// Its messages.
    pub messages: Vec<ChatMessage>,
    /// The tools that it declares.
    pub tools: Vec<Value>,
}

/// What a row says: one conversation, or one for each side of a pair. `pictures` are the sizes of its pictures, in order.
/// `None` for rows without messages, and where marks are more than pictures.
pub(in crate::export) fn conversations(
    row: &Value,
    pictures: &[PictureSize],
) -> Option<Vec<RowChat>> {
    let tools = match &row["tools"] {
        Value::Array(tools) => tools.clone(),
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        _ => Vec::new(),
    };
    let shared = ["conversations", "messages", "prompt"];
    let shared = shared.iter().find_map(|key| row[*key].as_array())?;
    let conversation = |turns: Vec<&Value>| {
        let mut sizes = pictures.iter();
        let system = row["system"].as_str().filter(|text| !text.is_empty());
        let system = system.map(|text| ChatMessage::text("system", text));
        let mut messages: Vec<ChatMessage> = system.into_iter().collect();
        for turn in turns {
            messages.push(message(turn, &mut sizes, !pictures.is_empty())?);
        }
        let tools = tools.clone();
        Some(RowChat { messages, tools })
    };
    let ends: Vec<Vec<&Value>> = if let Some(instead) = row.get("rejected_response") {
        // What it takes the place of is all that follows the last turn of the person.
        let last = shared.iter().rposition(|turn| turn["role"] == "user");
        let before = shared.iter().take(last.map_or(0, |at| at + 1));
        vec![
            shared.iter().collect(),
            before.chain(turns(instead)).collect(),
        ]
    } else {
        let sides = ["chosen", "rejected", "completion"];
        let sides: Vec<&Value> = sides.iter().filter_map(|key| row.get(*key)).collect();
        match sides.is_empty() {
            true => vec![shared.iter().collect()],
            false => sides
                .into_iter()
                .map(|side| shared.iter().chain(turns(side)).collect())
                .collect(),
        }
    };
    ends.into_iter().map(conversation).collect()
}

/// A side: a list of messages, or one.
fn turns(side: &Value) -> Vec<&Value> {
    match side {
        Value::Array(turns) => turns.iter().collect(),
        _ => vec![side],
    }
}

fn message(
    turn: &Value,
    sizes: &mut std::slice::Iter<'_, PictureSize>,
    has_pictures: bool,
) -> Option<ChatMessage> {
    let role = turn["role"].as_str().or_else(|| turn["from"].as_str());
    let role = match role.unwrap_or("assistant") {
        "human" => "user",
        "gpt" | "function_call" | "tool_call" => "assistant",
        "observation" | "tool_response" => "tool",
        other => other,
    };
    let mut content = Vec::new();
    let said = turn.get("content").or_else(|| turn.get("value"));
    match said.unwrap_or(turn) {
        Value::String(text) if has_pictures => {
            for (place, piece) in text.split(PLACEHOLDER).enumerate() {
                if place > 0 {
                    content.push(ChatPart::Picture(*sizes.next()?));
                }
                if !piece.is_empty() {
                    content.push(ChatPart::Text(piece.to_owned()));
                }
            }
        }
        Value::String(text) => content.push(ChatPart::Text(text.clone())),
        Value::Array(parts) => {
            for part in parts {
                match part["type"].as_str() {
                    Some("image" | "image_url") => {
                        content.push(ChatPart::Picture(*sizes.next()?));
                    }
                    _ => {
                        let text = part["text"].as_str().unwrap_or_default();
                        content.push(ChatPart::Text(text.to_owned()));
                    }
                }
            }
        }
        _ => {}
    }
    let mut fields = Map::new();
    for name in ["name", "tool_calls", "tool_call_id"] {
        if let Some(value) = turn.get(name) {
            fields.insert(name.to_owned(), value.clone());
        }
    }
    Some(ChatMessage {
        role: role.to_owned(),
        content,
        fields,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SIZES: [PictureSize; 2] = [
        PictureSize {
            width: 4,
            height: 3,
        },
        PictureSize {
            width: 8,
            height: 6,
        },
    ];

    /// Roles with their texts, `#` for a picture.
    fn told(chat: &RowChat) -> Vec<(String, String)> {
        let part = |part: &ChatPart| match part {
            ChatPart::Text(text) => text.clone(),
            ChatPart::Picture(_) => "#".to_owned(),
        };
        let message = |m: &ChatMessage| (m.role.clone(), m.content.iter().map(part).collect());
        chat.messages.iter().map(message).collect()
    }

    fn all(row: &Value, sizes: &[PictureSize]) -> Vec<Vec<(String, String)>> {
        let found = conversations(row, sizes).unwrap();
        found.iter().map(told).collect()
    }

    fn said(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let pairs = pairs.iter();
        pairs
            .map(|(r, t)| ((*r).to_owned(), (*t).to_owned()))
            .collect()
    }

    #[test]
    fn rows_of_every_trainer_are_conversations() {
        let row = json!({
            "system": "s", "tools": "[{\"name\": \"t\"}]", "images": ["a", "b"],
            "conversations": [{"from": "human", "value": "<image>\nx<image>"}, {"from": "function_call", "value": "{}"}, {"from": "observation", "value": "o"}],
            "chosen": {"from": "gpt", "value": "c", "observation": "later"}, "rejected": {"from": "gpt", "value": "r"},
        });
        let before = [
            ("system", "s"),
            ("user", "#\nx#"),
            ("assistant", "{}"),
            ("tool", "o"),
        ];
        let with = |last: &str| said(&[&before[..], &[("assistant", last)]].concat());
        assert_eq!(all(&row, &SIZES), [with("c"), with("r")]);
        let found = conversations(&row, &SIZES).unwrap();
        assert_eq!(found[0].tools, [json!({"name": "t"})]);
        let pictures: Vec<_> = found[1]
            .messages
            .iter()
            .flat_map(ChatMessage::pictures)
            .collect();
        assert_eq!(pictures, SIZES);
        // More marks than pictures are nobody's conversation.
        assert_eq!(conversations(&row, &SIZES[..1]), None);

        let parts = json!({
            "prompt": [{"role": "user", "content": [{"type": "image", "text": null}, {"type": "text", "text": "<image>"}]}],
            "completion": [{"role": "assistant", "content": [{"type": "text", "text": "c"}]}], "label": true,
        });
        let expected = said(&[("user", "#<image>"), ("assistant", "c")]);
        assert_eq!(all(&parts, &SIZES[..1]), [expected]);

        let swift = json!({
            "messages": [
                {"role": "system", "content": "s"}, {"role": "user", "content": "<image>"}, {"role": "tool_call", "content": "{}"},
                {"role": "tool_response", "content": "o"}, {"role": "assistant", "content": "c"},
            ],
            "rejected_response": [{"role": "assistant", "content": "r"}],
        });
        let chosen = [
            ("system", "s"),
            ("user", "#"),
            ("assistant", "{}"),
            ("tool", "o"),
            ("assistant", "c"),
        ];
        let rejected = [("system", "s"), ("user", "#"), ("assistant", "r")];
        assert_eq!(all(&swift, &SIZES[..1]), [said(&chosen), said(&rejected)]);

        let calls = json!([{"type": "function", "function": {"name": "t", "arguments": {}}}]);
        let plain = json!({"messages": [
            {"role": "user", "content": "<image> is a word here"},
            {"role": "assistant", "content": "", "tool_calls": calls},
        ]});
        assert_eq!(all(&plain, &[])[0][0].1, "<image> is a word here");
        assert_eq!(
            conversations(&plain, &[]).unwrap()[0].messages[1].fields["tool_calls"],
            calls
        );
    }

    #[test]
    fn rows_without_messages_are_none() {
        let steps = json!({"prompt": "p", "completions": ["a"], "labels": [true]});
        assert_eq!(conversations(&steps, &[]), None);
        assert_eq!(conversations(&json!([]), &[]), None);
    }
}
