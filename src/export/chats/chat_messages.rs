//! A chat as messages of `role` and `content`, which most trainers take, each in a spelling of its own.

use serde_json::{Map, Value, json};

use super::chat::{Chat, ChatCall, ChatPart, ChatSpeaker, ChatTurn};
use crate::domain::Attachment;
use crate::export::pictures::Pictures;
use crate::export::trainers::llama_factory::PLACEHOLDER;
use crate::export::{Outgoing, Refusal};
use crate::media::PictureRoots;

/// How a trainer spells messages.
#[derive(Debug, Clone, Copy)]
pub(in crate::export) struct MessageForm {
    /// How calls of tools are spelled.
    pub calls: CallSpelling,
    /// How pictures are spelled.
    pub pictures: PictureSpelling,
}

/// How a message spells calls of tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::export) enum CallSpelling {
    /// `tool_calls` whose arguments are objects, as chat templates take them; tools answer as `tool`, by name.
    Objects,
    /// `tool_calls` with ids, whose arguments are JSON text; tools answer by id.
    Identified,
    /// A message of `tool_call` for each call, JSON text; tools answer as `tool_response`.
    Messages,
}

/// How a message spells pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::export) enum PictureSpelling {
    /// `{"type": "image"}` among the parts of the content, for the next picture of the row's `images`.
    Column,
    /// `{"type": "image", "path": …}` among the parts.
    Path,
    /// `{"type": "image_url", "image_url": {"url": …}}` among the parts.
    Address,
    /// `<image>` in the text, for the next picture of the row's `images`.
    Mark,
}

impl PictureSpelling {
    /// Whether a message of a tool can hold pictures.
    fn fits_tools(self) -> bool {
        self == Self::Mark
    }
}

/// Names the pictures of a row and keeps those that belong in its column.
pub(in crate::export) struct RowPictures<'a> {
    pictures: &'a mut Pictures,
    roots: &'a PictureRoots,
    /// The names of the pictures that were spelled, in order.
    pub names: Vec<String>,
}

impl<'a> RowPictures<'a> {
    pub fn new(outgoing: &'a Outgoing, pictures: &'a mut Pictures) -> Self {
        Self {
            pictures,
            roots: &outgoing.roots,
            names: Vec::new(),
        }
    }

    /// What the row says for a picture.
    pub fn name(&mut self, attachment: &Attachment) -> Result<String, Refusal> {
        let name = self.pictures.name(attachment, self.roots)?;
        self.names.push(name.clone());
        Ok(name)
    }
}

/// The messages of a chat up to a place in it: its system prompt and these turns.
pub(in crate::export) fn messages(
    chat: &Chat,
    turns: &[ChatTurn],
    form: MessageForm,
    pictures: &mut RowPictures<'_>,
) -> Result<Vec<Value>, Refusal> {
    let mut messages = Vec::with_capacity(turns.len() + 1);
    if let Some(system) = &chat.system {
        messages.push(json!({"role": "system", "content": &**system}));
    }
    messages.extend(turn_messages(turns, form, pictures)?);
    Ok(messages)
}

/// The messages of turns alone.
pub(in crate::export) fn turn_messages(
    turns: &[ChatTurn],
    form: MessageForm,
    pictures: &mut RowPictures<'_>,
) -> Result<Vec<Value>, Refusal> {
    let mut messages = Vec::with_capacity(turns.len());
    for turn in turns {
        add_turn(turn, form, pictures, &mut messages)?;
    }
    Ok(messages)
}

fn add_turn(
    turn: &ChatTurn,
    form: MessageForm,
    pictures: &mut RowPictures<'_>,
    messages: &mut Vec<Value>,
) -> Result<(), Refusal> {
    let message = |role: &str, content: Value| json!({"role": role, "content": content});
    match turn.speaker {
        ChatSpeaker::User => messages.push(message("user", content(turn, form, pictures)?)),
        ChatSpeaker::Assistant if form.calls == CallSpelling::Messages => {
            let said = content(turn, form, pictures)?;
            if turn.calls.is_empty() || said != "" {
                messages.push(message("assistant", said));
            }
            let calls = turn.calls.iter();
            messages.extend(calls.map(|call| message("tool_call", call_text(call).into())));
        }
        ChatSpeaker::Assistant => {
            let mut reply = message("assistant", content(turn, form, pictures)?);
            if !turn.calls.is_empty() {
                let calls = turn.calls.iter().map(|call| spelled(call, form.calls));
                reply["tool_calls"] = calls.collect();
            }
            messages.push(reply);
        }
        ChatSpeaker::Tool => {
            let is_shown = turn.pictures().next().is_some();
            let said = match form.pictures.fits_tools() {
                true => content(turn, form, pictures)?,
                false => Value::from(turn.text()),
            };
            messages.push(answer(turn, form.calls, said));
            // What a tool shows is seen only in a turn of the person.
            if is_shown && !form.pictures.fits_tools() {
                let shown = turn.pictures().map(|picture| part(picture, form, pictures));
                let shown: Vec<Value> = shown.collect::<Result<_, _>>()?;
                messages.push(message("user", shown.into()));
            }
        }
    }
    Ok(())
}

fn answer(turn: &ChatTurn, calls: CallSpelling, said: Value) -> Value {
    let answered = turn.answers.as_ref();
    let mut message = Map::new();
    let role = match calls {
        CallSpelling::Messages => "tool_response",
        CallSpelling::Objects | CallSpelling::Identified => "tool",
    };
    message.insert("role".to_owned(), role.into());
    match (calls, answered) {
        (CallSpelling::Objects, Some(answered)) => {
            message.insert("name".to_owned(), answered.name.as_str().into());
        }
        (CallSpelling::Identified, Some(answered)) => {
            message.insert("tool_call_id".to_owned(), answered.id.as_str().into());
        }
        _ => {}
    }
    message.insert("content".to_owned(), said);
    message.into()
}

fn spelled(call: &ChatCall, calls: CallSpelling) -> Value {
    let mut function = json!({"name": call.name, "arguments": call.arguments});
    match calls {
        CallSpelling::Identified => {
            function["arguments"] = call.arguments.to_string().into();
            json!({"id": call.id, "type": "function", "function": function})
        }
        CallSpelling::Objects | CallSpelling::Messages => {
            json!({"type": "function", "function": function})
        }
    }
}

/// A call as the JSON that models write.
pub(in crate::export) fn call_text(call: &ChatCall) -> String {
    json!({"name": call.name, "arguments": call.arguments}).to_string()
}

/// A text, or a list of parts if there are pictures among them.
fn content(
    turn: &ChatTurn,
    form: MessageForm,
    pictures: &mut RowPictures<'_>,
) -> Result<Value, Refusal> {
    if form.pictures == PictureSpelling::Mark {
        for picture in turn.pictures() {
            pictures.name(picture)?;
        }
        return Ok(turn.marked(PLACEHOLDER).into());
    }
    if turn.pictures().next().is_none() {
        return Ok(turn.said().into());
    }
    let parts = turn.shown_parts();
    let spelled = parts.iter().map(|shown| match shown {
        ChatPart::Text(text) => Ok(text_part(text)),
        ChatPart::Picture(picture) => part(picture, form, pictures),
    });
    spelled.collect::<Result<Vec<Value>, _>>().map(Value::from)
}

fn text_part(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn part(
    picture: &Attachment,
    form: MessageForm,
    pictures: &mut RowPictures<'_>,
) -> Result<Value, Refusal> {
    let name = pictures.name(picture)?;
    Ok(match form.pictures {
        PictureSpelling::Path => json!({"type": "image", "path": name}),
        PictureSpelling::Address => json!({"type": "image_url", "image_url": {"url": name}}),
        PictureSpelling::Column | PictureSpelling::Mark => json!({"type": "image"}),
    })
}

/// Gives messages of a row that are text the form of those with pictures: one column holds one type.
pub(in crate::export) fn spell_as_parts(row: &mut Map<String, Value>, keys: &[&str]) {
    for key in keys {
        let messages = row.get_mut(*key).and_then(Value::as_array_mut);
        for message in messages.into_iter().flatten() {
            if let Some(Value::String(text)) = message.get("content") {
                message["content"] = json!([text_part(text)]);
            }
        }
    }
}
