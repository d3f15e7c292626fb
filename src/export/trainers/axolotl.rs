//! axolotl's rows (`axolotl/prompt_strategies/dpo/chat_template.py`, `axolotl/processing_strategies.py`).
//!
//! Neither its preference pairs nor its rows with pictures keep structured calls, so calls are Python and tools are in the
//! system prompt. A column `images` would lose all but one picture: pictures are named in the messages.

use serde_json::{Map, Value, json};

use super::trl::contents;
use crate::export::chats::chat::{CallForm, ChatSpeaker, chat_in};
use crate::export::chats::chat_messages::{
    CallSpelling, MessageForm, PictureSpelling, RowPictures, messages, spell_as_parts,
};
use crate::export::pictures::{PictureUse, Pictures};
use crate::export::preflight::{
    EMPTY_SIDE, EQUAL_SIDES, LITERAL_MARKS, MISSING_PICTURE, NO_REPLY, NO_SYSTEM_PROMPT,
    PASSED_OVER, PreflightRule, ROW_COLUMNS, UNSEEN_MEDIA, UNSEEN_PICTURES, list,
};
use crate::export::tables::hugging_face::{Column, ColumnType};
use crate::export::target::{BASE, Contents, Holds, Target};
use crate::export::token_limit::TOO_LONG;
use crate::export::{Outgoing, Refusal, Rendered};

/// Its `sequence_len` unless a person sets another: what is longer is dropped.
const SEQUENCE_LENGTH: usize = 512;

/// The row of `TARGETS` for pairs.
pub(in crate::export) const PAIRS: Target = Target {
    name: "axolotl",
    title: "preference pairs for axolotl (type chat_template.default)",
    extension: "jsonl",
    holds: Holds::Pairs,
    pictures: PictureUse::Column,
    rules: &[
        &TEXT_ROLES,
        &SIDES_FOUND,
        &UNSEEN_PICTURES,
        &EQUAL_SIDES,
        &EMPTY_SIDE,
        &NO_SYSTEM_PROMPT,
        &UNSEEN_MEDIA,
        &PASSED_OVER,
        &ROW_COLUMNS,
        &TOO_LONG,
    ],
    max_tokens: Some(SEQUENCE_LENGTH),
    columns: Some(|_| {
        vec![
            Column::new(MESSAGES, message(Contents::default()).list()),
            Column::new("chosen", message(Contents::default())),
            Column::new("rejected", message(Contents::default())),
        ]
    }),
    chat: Some(CallForm::Code),
    render: |outgoing, _| {
        let mut rendered = Rendered::default();
        for pair in &outgoing.record.content.pairs {
            let part = pair.part.as_deref();
            rendered.add(part, None, preference(outgoing, part));
        }
        rendered
    },
    ..BASE
};

/// The row of `TARGETS` for trajectories.
pub(in crate::export) const TRAJECTORIES: Target = Target {
    name: "axolotl-sft",
    title: "trajectories for axolotl (type chat_template)",
    extension: "jsonl",
    holds: Holds::Trajectories,
    pictures: PictureUse::Column,
    rules: &[
        &NO_REPLY,
        &LITERAL_MARKS,
        &MISSING_PICTURE,
        &NO_SYSTEM_PROMPT,
        &UNSEEN_MEDIA,
        &PASSED_OVER,
        &ROW_COLUMNS,
        &TOO_LONG,
    ],
    max_tokens: Some(SEQUENCE_LENGTH),
    columns: Some(|file| vec![Column::new(MESSAGES, message(file).list())]),
    chat: Some(CallForm::Code),
    complete: Some(complete),
    render: |outgoing, pictures| {
        let mut rendered = Rendered::default();
        rendered.add_with(None, None, supervised(outgoing, pictures));
        rendered
    },
    ..BASE
};

const MESSAGES: &str = "messages";

/// Calls are Python, so their spelling makes no difference.
const FORM: MessageForm = MessageForm {
    calls: CallSpelling::Objects,
    pictures: PictureSpelling::Path,
};

fn message(file: Contents) -> ColumnType {
    let content = match file.pictures {
        true => {
            let part = vec![
                Column::text("type"),
                Column::text("text"),
                Column::text("path"),
            ];
            ColumnType::Struct(part).list()
        }
        false => ColumnType::Text,
    };
    ColumnType::Struct(vec![Column::text("role"), Column::new("content", content)])
}

fn complete(row: &mut Map<String, Value>, file: Contents) {
    if file.pictures {
        spell_as_parts(row, &[MESSAGES]);
    }
}

fn supervised(outgoing: &Outgoing, pictures: &mut Pictures) -> Result<(String, Contents), Refusal> {
    let chat = chat_in(CallForm::Code, outgoing, None)?;
    let turns = chat.to_last_reply();
    let mut pictures = RowPictures::new(outgoing, pictures);
    let mut row = Map::new();
    let said = messages(&chat, turns, FORM, &mut pictures)?;
    row.insert(MESSAGES.to_owned(), said.into());
    let contents = contents(&chat, turns);
    complete(&mut row, contents);
    Ok((Value::Object(row).to_string(), contents))
}

/// Text alone. A side is looked for in what the template makes of it, which may be without the blanks at its ends.
fn preference(outgoing: &Outgoing, part: Option<&str>) -> Result<String, Refusal> {
    let chat = chat_in(CallForm::Code, outgoing, part)?;
    let [chosen, rejected] = chat.sides()?;
    let message = |role: &str, text: &str| json!({"role": role, "content": text});
    let mut said = Vec::with_capacity(chat.turns.len() + 1);
    said.extend(chat.system.iter().map(|system| message("system", system)));
    for turn in &chat.turns {
        let role = match turn.speaker {
            ChatSpeaker::Assistant => "assistant",
            ChatSpeaker::User | ChatSpeaker::Tool => "user",
        };
        said.push(message(role, &turn.text()));
    }
    let row = json!({
        MESSAGES: said,
        "chosen": message("assistant", chosen.text().trim()),
        "rejected": message("assistant", rejected.text().trim()),
    });
    Ok(row.to_string())
}

/// Roles that axolotl's strategy for pairs knows.
const ROLES: [&str; 4] = ["system", "user", "assistant", "tool"];

/// Messages that are no text of a known role.
static TEXT_ROLES: PreflightRule = PreflightRule {
    name: "text-roles",
    doc: "A message or side is not text of system, user, assistant or tool: axolotl stops at it.",
    check: |subject, found| {
        let sides = ["chosen", "rejected"].map(|side| &subject.row[side]);
        let messages = list(subject.row, MESSAGES).iter();
        for message in messages.chain(sides) {
            let role = message["role"].as_str().unwrap_or("nobody");
            if !ROLES.contains(&role) || !message["content"].is_string() {
                subject.find(
                    found,
                    format!("a message of {role} is not text of a known role"),
                );
            }
        }
    },
};

/// Sides that axolotl does not find in what the template makes of them.
static SIDES_FOUND: PreflightRule = PreflightRule {
    name: "side-found",
    doc: "A side has blanks at its ends, or a thought in <think> marks: where the chat template takes these away, axolotl does \
          not find the side in the text and trains on its last letter alone.",
    check: |subject, found| {
        for side in ["chosen", "rejected"] {
            let text = subject.row[side]["content"].as_str().unwrap_or_default();
            if text.trim() != text {
                subject.find(found, format!("{side} begins or ends with a blank"));
            }
            if text.contains("<think>") || text.contains("</think>") {
                subject.find(found, format!("{side} holds a thought in marks"));
            }
        }
    },
};
