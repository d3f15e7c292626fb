//! The chat of an item: what every trainer's rows say, before a trainer's own names and marks. [`chat_of`] makes it of a
//! trajectory or a pair; writers make rows of it, preflight rules look at it, and tokens are counted in it.

use std::sync::Arc;

use serde_json::Value;

use super::chat_assembly::{Item, Style, assemble};
use crate::domain::{Attachment, ToolDefinition};
use crate::export::{Outgoing, Refusal};

/// What a controller is told and says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chat {
    /// The system prompt.
    pub system: Option<Arc<str>>,
    /// Tools that are declared apart from the system prompt.
    pub tools: Vec<ToolDefinition>,
    /// The task, then replies and what they led to; of a pair what both sides go on from.
    pub turns: Vec<ChatTurn>,
    /// Of a pair the chosen and the rejected reply.
    pub sides: Option<Box<[ChatTurn; 2]>>,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChatSpeaker {
    /// The person, or what runs a code agent's code.
    User,
    /// The controller.
    Assistant,
    /// A tool that was called by name.
    Tool,
}

/// One turn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ChatTurn {
    /// Who speaks.
    pub speaker: ChatSpeaker,
    /// The step that the turn is of, from 1; `None` for the task.
    pub step: Option<usize>,
    /// What is said, with the pictures in their places.
    pub parts: Vec<ChatPart>,
    /// Whether the data says where in the text pictures stand; else they stand before or behind it.
    pub is_inline: bool,
    /// Why the controller makes its calls. Of a reply without calls the thought is in the text.
    pub thought: Option<String>,
    /// The whole text of a reply with calls as it was written, its thought included, where that is kept.
    pub written: Option<String>,
    /// Calls that the controller makes, beside what it says.
    pub calls: Vec<ChatCall>,
    /// Of a tool's turn: what it answers.
    pub answers: Option<ChatAnswer>,
}

/// A piece of a turn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ChatPart {
    /// Words.
    Text(String),
    /// A picture that the controller gets as pixels.
    Picture(Attachment),
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ChatCall {
    /// Its id, which no other call of the chat has.
    pub id: String,
    /// The tool.
    pub name: String,
    /// An object.
    pub arguments: Value,
}

/// The call that a tool's turn answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChatAnswer {
    /// Its id.
    pub id: String,
    /// The tool.
    pub name: String,
}

/// How a chat spells structured calls of tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallForm {
    /// As calls, with tools declared and answers of tools.
    Structured,
    /// As the Python that a code agent would write, with tools described in the system prompt; for trainers without calls.
    Code,
}

/// The chat of a record's trajectory, or of its pair with this part, tool calls as such.
pub(crate) fn chat_of(outgoing: &Outgoing, part: Option<&str>) -> Result<Chat, Refusal> {
    chat_in(CallForm::Structured, outgoing, part)
}

/// The same with tool calls in this form. Code agents (M-TRACE) are text in both.
pub(crate) fn chat_in(
    form: CallForm,
    outgoing: &Outgoing,
    part: Option<&str>,
) -> Result<Chat, Refusal> {
    let content = &outgoing.record.content;
    let pair = || match part {
        Some(_) => content
            .pairs
            .iter()
            .find(|pair| pair.part.as_deref() == part),
        None => content.pairs.first(),
    };
    let trajectory = content.trajectory.as_ref().filter(|_| part.is_none());
    let item = trajectory.map(Item::of_trajectory);
    let item = item.or_else(|| pair().map(Item::of_pair));
    let item = item.ok_or_else(|| Refusal::new("there is no such item in the record"))?;
    let style = match (form, item.style()) {
        (CallForm::Code, Style::Calls) => Style::Code,
        (_, style) => style,
    };
    assemble(&item, style)
}

impl Chat {
    /// The sides of a pair.
    pub fn sides(&self) -> Result<&[ChatTurn; 2], Refusal> {
        let sides = self.sides.as_deref();
        sides.ok_or_else(|| Refusal::new("it is no preference pair"))
    }

    /// Its turns without what follows the last reply, from which nothing is learnt.
    pub fn to_last_reply(&self) -> &[ChatTurn] {
        let is_reply = |turn: &ChatTurn| turn.speaker == ChatSpeaker::Assistant;
        let end = self.turns.iter().rposition(is_reply);
        let kept = end.map_or(self.turns.len(), |at| at + 1);
        &self.turns[..kept]
    }

    /// The turns before the reply of a step, and the reply.
    pub fn at_step(&self, step: usize) -> Option<(&[ChatTurn], &ChatTurn)> {
        let is_reply =
            |turn: &ChatTurn| turn.speaker == ChatSpeaker::Assistant && turn.step == Some(step);
        let at = self.turns.iter().position(is_reply)?;
        Some((&self.turns[..at], &self.turns[at]))
    }
}

impl ChatTurn {
    /// Its pictures, in order.
    pub fn pictures(&self) -> impl Iterator<Item = &Attachment> {
        self.parts.iter().filter_map(|part| match part {
            ChatPart::Picture(attachment) => Some(attachment),
            ChatPart::Text(_) => None,
        })
    }

    /// Its words, without pictures and without a thought that is apart.
    pub fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            ChatPart::Text(text) => Some(text.as_str()),
            ChatPart::Picture(_) => None,
        });
        texts.collect()
    }

    /// What a row says of it: its parts, or of a reply with calls its pictures, its thought and its words.
    pub fn shown_parts(&self) -> Vec<ChatPart> {
        if self.thought.is_none() && self.written.is_none() {
            return self.parts.clone();
        }
        let pictures = self.pictures().cloned().map(ChatPart::Picture);
        pictures.chain([ChatPart::Text(self.said())]).collect()
    }

    /// What a row says of it as one text, with a mark for each picture. Between the text and pictures whose place the data
    /// does not say is a line feed.
    pub fn marked(&self, mark: &str) -> String {
        let mut marked = String::new();
        let mut after_picture = None;
        for part in self.shown_parts() {
            let is_picture = matches!(part, ChatPart::Picture(_));
            if after_picture.is_some_and(|after| after != is_picture) && !self.is_inline {
                marked.push('\n');
            }
            marked.push_str(match &part {
                ChatPart::Text(text) => text,
                ChatPart::Picture(_) => mark,
            });
            after_picture = Some(is_picture);
        }
        marked
    }

    /// What a reply says beside its calls: as it was written, or else its thought and its words.
    pub fn said(&self) -> String {
        if let Some(written) = &self.written {
            return written.clone();
        }
        let text = self.text();
        match &self.thought {
            Some(thought) if text.is_empty() => thought.clone(),
            Some(thought) => format!("{thought}\n\n{text}"),
            None => text,
        }
    }

    /// Every text in it.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let parts = self.parts.iter().filter_map(|part| match part {
            ChatPart::Text(text) => Some(text.as_str()),
            ChatPart::Picture(_) => None,
        });
        parts
            .chain(self.thought.as_deref())
            .chain(self.written.as_deref())
    }

    /// Whether nothing is said, shown or called.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
            && self.pictures().next().is_none()
            && self.texts().all(|text| text.trim().is_empty())
    }

    /// Whether it says and calls the same as another; white space at the ends and the ids of calls make no difference.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let calls = |turn: &Self| -> Vec<(String, Value)> {
            let calls = turn.calls.iter();
            calls
                .map(|call| (call.name.clone(), call.arguments.clone()))
                .collect()
        };
        self.said().trim() == other.said().trim() && calls(self) == calls(other)
    }
}
