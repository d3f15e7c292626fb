//! Chat messages of every dialect as [`Turn`]s: OpenAI and TRL (`role`/`content`, tool calls, content parts), ms-swift
//! (`tool_call`, `tool_response`) and ShareGPT (`from`/`value`). `conversation` makes steps of them.

use serde_json::Value;

use super::json_field::{elements, field, filled, items, plain, text};
use super::picture_field::{PictureColumn, picture};
use crate::domain::{PictureReference, ToolCall};

/// Who speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Speaker {
    System,
    #[default]
    User,
    Assistant,
    /// A turn that is nothing but the assistant's call (`function_call`, `tool_call`).
    Call,
    /// What a call returned.
    Tool,
}

impl Speaker {
    /// The speaker behind a role name of any dialect.
    pub fn named(role: &str) -> Option<Self> {
        Some(match role {
            "system" | "developer" => Self::System,
            "user" | "human" => Self::User,
            "assistant" | "gpt" | "model" => Self::Assistant,
            "function_call" | "tool_call" => Self::Call,
            "tool" | "function" | "observation" | "tool_response" => Self::Tool,
            _ => return None,
        })
    }
}

/// One message.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Turn {
    pub speaker: Speaker,
    /// What was said, without thoughts that the turn sets apart.
    pub text: String,
    /// The thought that the turn sets apart from its text.
    pub thought: Option<String>,
    /// The whole reply, where `text` is only a part of it.
    pub reply: Option<String>,
    pub calls: Vec<ToolCall>,
    /// The id of the call that a tool's turn answers.
    pub call_id: Option<String>,
    /// The tool that a tool's turn speaks for.
    pub tool: Option<String>,
    pub pictures: Vec<PictureReference>,
    /// Whether picture marks in `text` stand for `pictures`.
    pub has_marks: bool,
    /// Whether the data marks the turn as an error.
    pub is_error: bool,
}

impl Turn {
    /// A turn of plain text.
    pub fn of(speaker: Speaker, text: impl Into<String>) -> Self {
        Self {
            speaker,
            text: text.into(),
            ..Self::default()
        }
    }
}

/// Whether a value looks like a list of `role`/`content` messages.
pub(super) fn is_messages(value: &Value) -> bool {
    elements(value)
        .and_then(<[Value]>::first)
        .is_some_and(is_message)
}

/// Whether a value looks like one `role`/`content` message.
pub(super) fn is_message(value: &Value) -> bool {
    text(value, "role").is_some()
}

/// Reads a list of messages, either dialect; a message of an unknown role is a problem.
pub(super) fn turns(
    messages: &[Value],
    column: &mut PictureColumn,
    problems: &mut Vec<String>,
) -> Vec<Turn> {
    let mut turns = Vec::with_capacity(messages.len());
    for (n, message) in messages.iter().enumerate() {
        let role = text(message, "role").or_else(|| text(message, "from"));
        match role.and_then(Speaker::named) {
            Some(speaker) => turns.push(turn(speaker, message, column, problems)),
            None => problems.push(format!(
                "message {} is passed over: {}",
                n + 1,
                role.map_or("it has no role".to_owned(), |r| format!(
                    "unknown role `{r}`"
                ))
            )),
        }
    }
    turns
}

fn turn(
    speaker: Speaker,
    message: &Value,
    column: &mut PictureColumn,
    problems: &mut Vec<String>,
) -> Turn {
    let content = field(message, "content").or_else(|| field(message, "value"));
    let (said, pictures, has_marks) = content
        .map(|content| read_content(content, column, problems))
        .unwrap_or_default();
    let mut turn = Turn {
        speaker,
        text: said,
        pictures,
        has_marks,
        ..Turn::default()
    };
    match speaker {
        Speaker::Assistant => {
            turn.thought = ["reasoning_content", "thought", "thinking", "reasoning"]
                .iter()
                .find_map(|key| filled(message, key))
                .map(str::to_owned);
            split_thinking(&mut turn);
            let legacy = field(message, "function_call");
            turn.calls = items(message, "tool_calls")
                .iter()
                .chain(legacy)
                .filter_map(tool_call)
                .collect();
        }
        Speaker::Call => {
            split_thinking(&mut turn);
            turn.calls = calls_in_text(&turn.text);
        }
        Speaker::Tool => {
            turn.call_id = filled(message, "tool_call_id").map(str::to_owned);
            turn.tool = filled(message, "name").map(str::to_owned);
            turn.is_error = marks_error(message);
        }
        Speaker::System | Speaker::User => {}
    }
    turn
}

/// The text and pictures of a message's content: a string, or a list of parts.
pub(super) fn read_content(
    content: &Value,
    column: &mut PictureColumn,
    problems: &mut Vec<String>,
) -> (String, Vec<PictureReference>, bool) {
    let Some(parts) = elements(content) else {
        let said = plain(content).unwrap_or_default();
        let pictures = column.for_marks(&said);
        let has_marks = !pictures.is_empty();
        return (said, pictures, has_marks);
    };
    let mut said: Vec<&str> = Vec::new();
    let mut pictures = Vec::new();
    for part in parts {
        let kind = text(part, "type").unwrap_or("text");
        match kind {
            _ if part.is_string() => said.extend(part.as_str()),
            "text" | "input_text" | "output_text" => said.extend(text(part, "text")),
            "image" | "image_url" | "input_image" => {
                match picture(part).or_else(|| column.next()) {
                    Some(found) => pictures.push(found),
                    None => problems.push("a picture part names no picture".to_owned()),
                }
            }
            other => problems.push(format!("a content part of type `{other}` is not shown")),
        }
    }
    (said.join("\n"), pictures, false)
}

/// Moves a leading `<think>…</think>` of reasoning models to the thought.
fn split_thinking(turn: &mut Turn) {
    let Some((thought, rest)) = turn
        .text
        .trim_start()
        .strip_prefix("<think>")
        .and_then(|inner| inner.split_once("</think>"))
    else {
        return;
    };
    let (thought, rest) = (thought.trim().to_owned(), rest.trim_start().to_owned());
    if turn.thought.is_none() && !thought.is_empty() {
        turn.thought = Some(thought);
    }
    turn.reply = Some(std::mem::replace(&mut turn.text, rest));
}

/// One call: `{id, function: {name, arguments}}`, or `{name, arguments}`. Arguments that are JSON text become the
/// object they spell.
pub(super) fn tool_call(call: &Value) -> Option<ToolCall> {
    let function = field(call, "function").unwrap_or(call);
    let name = filled(function, "name").or_else(|| filled(function, "function_name"))?;
    let arguments = field(function, "arguments").or_else(|| field(function, "parameters"));
    Some(ToolCall {
        id: filled(call, "id")
            .or_else(|| filled(call, "tool_call_id"))
            .map(str::to_owned),
        name: name.to_owned(),
        arguments: arguments.map_or(Value::Null, |arguments| match arguments {
            Value::String(written) => serde_json::from_str::<Value>(written)
                .ok()
                .filter(Value::is_object)
                .unwrap_or_else(|| arguments.clone()),
            other => other.clone(),
        }),
        result: None,
    })
}

/// The calls that a text spells as JSON: one, or a list.
fn calls_in_text(text: &str) -> Vec<ToolCall> {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(calls)) => calls.iter().filter_map(tool_call).collect(),
        Ok(call) => tool_call(&call).into_iter().collect(),
        Err(_) => Vec::new(),
    }
}

/// Whether an object carries one of the usual error marks: `is_error`, `error`, `status`.
pub(super) fn marks_error(object: &Value) -> bool {
    let error = match field(object, "error") {
        Some(Value::Bool(yes)) => *yes,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Object(error)) => !error.is_empty(),
        _ => false,
    };
    error
        || object.get("is_error").and_then(Value::as_bool) == Some(true)
        || matches!(text(object, "status"), Some("error" | "failed" | "failure"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(messages: &Value) -> (Vec<Turn>, Vec<String>) {
        let mut problems = Vec::new();
        let list = messages.as_array().expect("array");
        let turns = turns(list, &mut PictureColumn::default(), &mut problems);
        (turns, problems)
    }

    #[test]
    fn calls_are_read_in_every_spelling() {
        let arguments = json!({"x": 1});
        let spellings = [
            json!([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{\"x\":1}"}}]}]),
            json!([{"role": "assistant", "tool_calls": [{"name": "f", "arguments": {"x": 1}}], "content": null}]),
            json!([{"role": "assistant", "function_call": {"name": "f", "arguments": "{\"x\":1}"}}]),
            json!([{"from": "function_call", "value": "{\"name\": \"f\", \"arguments\": {\"x\": 1}}"}]),
            json!([{"role": "tool_call", "content": "[{\"name\": \"f\", \"arguments\": {\"x\": 1}}]"}]),
        ];
        for spelling in spellings {
            let (turns, problems) = read(&spelling);
            assert!(problems.is_empty());
            assert_eq!(turns[0].calls.len(), 1, "{spelling}");
            assert_eq!(turns[0].calls[0].name, "f");
            assert_eq!(turns[0].calls[0].arguments, arguments, "{spelling}");
        }
    }

    #[test]
    fn arguments_that_are_no_object_stay_text() {
        let call = tool_call(&json!({"function": {"name": "f", "arguments": "{\"x\": "}}));
        assert_eq!(call.expect("call").arguments, json!("{\"x\": "));
    }

    #[test]
    fn thinking_is_set_apart_and_the_whole_reply_is_kept() {
        let whole = "<think>\nTwo and two.\n</think>\n\nFour.";
        let (turns, _) = read(&json!([{"role": "assistant", "content": whole}]));
        assert_eq!(turns[0].thought.as_deref(), Some("Two and two."));
        assert_eq!(turns[0].text, "Four.");
        assert_eq!(turns[0].reply.as_deref(), Some(whole));
    }

    #[test]
    fn unknown_roles_and_parts_are_problems() {
        let (turns, problems) = read(&json!([
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "audio"}, {"type": "image"}]},
            {"role": "narrator", "content": "b"},
            {"content": "c"}, 7
        ]));
        assert_eq!(turns.len(), 1);
        assert_eq!(turns[0].text, "a");
        assert_eq!(problems.len(), 5, "{problems:?}");
    }
}
