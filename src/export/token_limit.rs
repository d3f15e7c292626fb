//! How many tokens a row takes, and whether its trainer would cut it.

use std::path::Path;

use serde_json::json;

use super::chats::chat::{Chat, ChatPart, ChatSpeaker, ChatTurn};
use super::chats::row_chat::conversations;
use super::chats::tool_text::tool_schemas;
use super::preflight::{PreflightRule, Subject};
use crate::domain::{Attachment, PictureReference};
use crate::media::{DecodeLimits, size};
use crate::model::{ChatMessage, ChatPart as CountedPart, ModelError, PictureSize, TokenCounter};

/// The most tokens that a row may take, counted as a model's processor does.
#[derive(Debug)]
pub struct TokenLimit {
    counter: TokenCounter,
    max_tokens: usize,
    model: String,
}

impl TokenLimit {
    /// Reads tokenizer, chat template and picture processor of a model's folder.
    pub fn open(folder: &Path, max_tokens: usize) -> Result<Self, ModelError> {
        let name = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        Ok(Self {
            counter: TokenCounter::open(folder)?,
            max_tokens,
            model: name
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        })
    }

    /// The most tokens.
    pub fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// The name of the model's folder.
    pub fn model(&self) -> &str {
        &self.model
    }
}

/// A row that the trainer would cut.
pub(super) static TOO_LONG: PreflightRule = PreflightRule {
    name: "too-long",
    doc: "With --tokenizer: the row takes more tokens than the limit, so that the trainer cuts or drops it; or they can't be \
          counted. The longer side of a pair counts.",
    check: |subject, found| {
        let (Some(limit), Some(chat)) = (subject.tokens, subject.chat) else {
            return;
        };
        match tokens(limit, chat, subject) {
            Ok(tokens) if tokens > limit.max_tokens => {
                let max_tokens = limit.max_tokens;
                subject.find(
                    found,
                    format!("it takes {tokens} tokens, and the limit is {max_tokens}"),
                );
            }
            Ok(_) => {}
            Err(reason) => subject.find(found, format!("its tokens can't be counted: {reason}")),
        }
    },
};

/// The tokens of a row; of a pair those of the longer of context with chosen and context with rejected.
fn tokens(limit: &TokenLimit, chat: &Chat, subject: &Subject<'_>) -> Result<usize, String> {
    let pictures = subject.said().into_iter().flat_map(ChatTurn::pictures);
    let sizes = pictures.map(|picture| size_of(picture, subject));
    let sizes: Vec<PictureSize> = sizes.collect::<Result<_, _>>()?;
    let Some(conversations) = conversations(subject.row, &sizes) else {
        return tokens_of_chat(limit, chat, subject);
    };
    let mut longest = 0;
    for conversation in conversations {
        let counted = limit
            .counter
            .count(&conversation.messages, &conversation.tools);
        longest = longest.max(counted.map_err(|error| error.to_string())?);
    }
    Ok(longest)
}

/// The tokens of what a row was made from, where it has no messages.
fn tokens_of_chat(limit: &TokenLimit, chat: &Chat, subject: &Subject<'_>) -> Result<usize, String> {
    let tools = tool_schemas(&chat.tools);
    let count = |turns: Vec<&ChatTurn>| -> Result<usize, String> {
        let system = chat
            .system
            .as_deref()
            .filter(|system| !system.trim().is_empty());
        let mut messages: Vec<ChatMessage> = Vec::with_capacity(turns.len() + 1);
        messages.extend(system.map(|system| ChatMessage::text("system", system)));
        for turn in turns {
            messages.push(message(turn, subject)?);
        }
        limit
            .counter
            .count(&messages, &tools)
            .map_err(|error| error.to_string())
    };
    let Some(sides) = chat.sides.as_deref() else {
        return count(subject.said());
    };
    let mut longest = 0;
    for side in sides {
        longest = longest.max(count(chat.turns.iter().chain([side]).collect())?);
    }
    Ok(longest)
}

fn message(turn: &ChatTurn, subject: &Subject<'_>) -> Result<ChatMessage, String> {
    let role = match turn.speaker {
        ChatSpeaker::User => "user",
        ChatSpeaker::Assistant => "assistant",
        ChatSpeaker::Tool => "tool",
    };
    let mut message = ChatMessage::text(role, "");
    message.content.clear();
    for part in turn.shown_parts() {
        message.content.push(match part {
            ChatPart::Text(text) => CountedPart::Text(text),
            ChatPart::Picture(picture) => CountedPart::Picture(size_of(&picture, subject)?),
        });
    }
    if !turn.calls.is_empty() {
        let calls = turn.calls.iter().map(|call| {
            let function = json!({"name": call.name, "arguments": call.arguments});
            json!({"id": call.id, "type": "function", "function": function})
        });
        message
            .fields
            .insert("tool_calls".to_owned(), calls.collect());
    }
    if let Some(answer) = &turn.answers {
        message.fields.insert("name".to_owned(), json!(answer.name));
        message
            .fields
            .insert("tool_call_id".to_owned(), json!(answer.id));
    }
    Ok(message)
}

/// A picture's size as the model's processor gets it: some trainers shrink large ones before.
fn size_of(picture: &Attachment, subject: &Subject<'_>) -> Result<PictureSize, String> {
    let roots = &subject.outgoing.roots;
    let limits = DecodeLimits::default();
    let own = size(&picture.reference, roots, &limits);
    let found = match (&picture.alias, own) {
        (Some(alias), Err(error)) => {
            let alias = PictureReference::Path(alias.clone());
            size(&alias, roots, &limits).map_err(|_| error)
        }
        (_, own) => own,
    };
    let (width, height) = found.map_err(|error| error.to_string())?;
    let size = PictureSize { width, height };
    Ok(match subject.target.max_pixels {
        Some(max_pixels) => size.at_most(max_pixels),
        None => size,
    })
}
