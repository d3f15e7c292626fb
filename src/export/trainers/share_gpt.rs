//! A chat as LLaMA-Factory's conversation: `{from, value}` with a mark for each picture, calls as `function_call`, what came
//! of a step as one `observation`.

use serde_json::{Map, Value, json};

use super::llama_factory::PLACEHOLDER;
use crate::export::Refusal;
use crate::export::chats::chat::{Chat, ChatSpeaker, ChatTurn};
use crate::export::chats::chat_assembly::thinking;
use crate::export::chats::chat_messages::{RowPictures, call_text};
use crate::export::chats::tool_text::tools_json;
use crate::export::tables::hugging_face::{Column, ColumnType};

/// A row: the turns up to a place in a chat, and what else it has.
pub(in crate::export) fn row(
    chat: &Chat,
    turns: impl IntoIterator<Item = impl std::borrow::Borrow<ChatTurn>>,
    mut pictures: RowPictures<'_>,
    more: Option<(&str, Value)>,
) -> Result<String, Refusal> {
    let mut conversation: Vec<Value> = Vec::new();
    let mut answered = false;
    for turn in turns {
        let turn = turn.borrow();
        let text = value(turn, &mut pictures)?;
        let is_answer = turn.speaker == ChatSpeaker::Tool;
        match conversation.last_mut().map(|last| &mut last["value"]) {
            // Turns alternate, so answers of several tools are one turn.
            Some(Value::String(last)) if is_answer && answered => {
                if !last.is_empty() && !text.is_empty() {
                    last.push('\n');
                }
                last.push_str(&text);
            }
            _ => conversation.push(json!({"from": speaker(turn), "value": text})),
        }
        answered = is_answer;
    }
    let mut row = Map::new();
    row.insert("conversations".to_owned(), conversation.into());
    if let Some((name, value)) = more {
        row.insert(name.to_owned(), value);
    }
    let system = chat.system.as_deref().unwrap_or_default();
    row.insert("system".to_owned(), system.into());
    let tools = match chat.tools.is_empty() {
        true => String::new(),
        false => tools_json(&chat.tools),
    };
    row.insert("tools".to_owned(), tools.into());
    row.insert("images".to_owned(), pictures.names.into());
    Ok(Value::Object(row).to_string())
}

fn speaker(turn: &ChatTurn) -> &'static str {
    match turn.speaker {
        ChatSpeaker::User => "human",
        ChatSpeaker::Assistant if turn.calls.is_empty() => "gpt",
        ChatSpeaker::Assistant => "function_call",
        ChatSpeaker::Tool => "observation",
    }
}

/// A call is nothing but JSON, save for a thought in its marks.
fn value(turn: &ChatTurn, pictures: &mut RowPictures<'_>) -> Result<String, Refusal> {
    for picture in turn.pictures() {
        pictures.name(picture)?;
    }
    if turn.calls.is_empty() {
        return Ok(turn.marked(PLACEHOLDER));
    }
    let marks = PLACEHOLDER.repeat(turn.pictures().count());
    let said = [
        turn.thought.as_deref().unwrap_or_default(),
        &turn.text(),
        &marks,
    ];
    let said: Vec<&str> = said.into_iter().filter(|text| !text.is_empty()).collect();
    let said = said.join("\n\n");
    let calls: Vec<String> = turn.calls.iter().map(call_text).collect();
    let calls = match calls.as_slice() {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    Ok(match said.is_empty() {
        true => calls,
        false => thinking(Some(&said), &calls),
    })
}

/// The columns, with one more behind the conversation.
pub(in crate::export) fn columns(more: Option<Column>) -> Vec<Column> {
    let turn = vec![Column::text("from"), Column::text("value")];
    let conversations = Column::new("conversations", ColumnType::Struct(turn).list());
    let mut columns = vec![conversations];
    columns.extend(more);
    columns.extend([
        Column::text("system"),
        Column::text("tools"),
        Column::new("images", ColumnType::Picture.list()),
    ]);
    columns
}
