//! What ms-swift demands of rows (`swift/dataset/preprocessor/core.py`, `swift/template/template_inputs.py`).

use serde_json::Value;

use super::llama_factory::PLACEHOLDER;
use crate::export::preflight::{PreflightRule, list};

/// Who answers.
const REPLIES: [&str; 2] = ["assistant", "tool_call"];
/// Who speaks between replies.
const OTHERS: [&str; 3] = ["user", "tool", "tool_response"];

fn role(message: &Value) -> &str {
    message["role"].as_str().unwrap_or("nobody")
}

/// The messages without a first one of the system.
fn turns(row: &Value) -> &[Value] {
    match list(row, "messages") {
        [first, rest @ ..] if role(first) == "system" => rest,
        all => all,
    }
}

/// Messages in an order that ms-swift changes or refuses.
pub(in crate::export) static TURNS_ALTERNATE: PreflightRule = PreflightRule {
    name: "turns-alternate",
    doc: "Messages of the person or of tools and replies do not alternate, or the last is no reply: ms-swift joins texts \
          without a blank, puts empty turns between, or drops the row.",
    check: |subject, found| {
        let turns = turns(subject.row);
        let mut step = 0;
        let mut before = "nobody";
        for message in turns {
            let role = role(message);
            // A reply's words and its calls are messages of their own.
            let is_call = role == "tool_call" && REPLIES.contains(&before);
            let is_answer = matches!(role, "tool" | "tool_response") && before != "user";
            step += usize::from(REPLIES.contains(&role) && !is_call);
            let fits = match before {
                "nobody" => role == "user",
                _ if is_call => true,
                _ if REPLIES.contains(&before) => OTHERS.contains(&role),
                "user" => REPLIES.contains(&role),
                _ => REPLIES.contains(&role) || is_answer,
            };
            if !fits {
                let step = (step > 0).then_some(step);
                return subject.find_in(found, step, format!("{role} speaks after {before}"));
            }
            before = role;
        }
        if !REPLIES.contains(&before) {
            subject.find(found, format!("the last message is of {before}"));
        }
    },
};

/// A rejected answer that is not set against the chosen one.
pub(in crate::export) static REJECTED_TURNS: PreflightRule = PreflightRule {
    name: "rejected-turns",
    doc: "`rejected_response` stands for all messages behind the last of the user; it must repeat what both sides share of \
          them, and hold none of a user: ms-swift would compare other steps than meant, or drop the row.",
    check: |subject, found| {
        let turns = turns(subject.row);
        let last_user = turns.iter().rposition(|message| role(message) == "user");
        let chosen = &turns[last_user.map_or(0, |at| at + 1)..];
        let rejected = match &subject.row["rejected_response"] {
            Value::String(_) if chosen.len() == 1 => return,
            Value::Array(messages) if !messages.is_empty() => messages.as_slice(),
            _ => return subject.find(found, "its rejected side is no list of messages"),
        };
        if rejected.iter().any(|message| role(message) == "user") {
            subject.find(found, "its rejected side holds a message of the user");
        }
        let same = chosen
            .iter()
            .zip(rejected)
            .take_while(|(one, other)| one == other);
        let shared = same.count();
        let is_reply = |message: &Value| REPLIES.contains(&role(message));
        let own = |side: &[Value]| side.iter().skip(shared).all(is_reply);
        if !own(chosen) || !own(rejected) {
            subject.find(
                found,
                "its rejected side does not repeat the steps that both share",
            );
        }
    },
};

/// Marks for pictures that are not there, or pictures without a mark.
pub(in crate::export) static PICTURE_MARKS: PreflightRule = PreflightRule {
    name: "picture-marks",
    doc: "There are not as many marks <image> in the messages as pictures, also where a text holds the mark as a word: \
          ms-swift puts pictures in other places, or leaves the mark as text.",
    check: |subject, found| {
        let images = list(subject.row, "images").len();
        let marks = |messages: &[Value]| -> usize {
            let texts = messages
                .iter()
                .filter_map(|message| message["content"].as_str());
            texts.map(|text| text.matches(PLACEHOLDER).count()).sum()
        };
        let messages = list(subject.row, "messages");
        let last_user = messages.iter().rposition(|message| role(message) == "user");
        let mut counts = vec![marks(messages)];
        if let Value::Array(rejected) = &subject.row["rejected_response"] {
            let shared = &messages[..last_user.map_or(0, |at| at + 1)];
            counts.push(marks(shared) + marks(rejected));
        }
        if let Some(count) = counts.into_iter().find(|count| *count != images) {
            let message = format!("its text has {count} marks {PLACEHOLDER} for {images} pictures");
            subject.find(found, message);
        }
    },
};

/// Marks that ms-swift reads in texts.
pub(in crate::export) static LITERAL_MARKS: PreflightRule = PreflightRule {
    name: "literal-marks",
    doc: "A text holds <img>, which ms-swift reads as a picture in rows that have none, or what models take for one \
          (<|image_pad|>, …): the model would see another picture, or count one too many.",
    check: |subject, found| {
        subject.find_marks(found, &["<img>", "<|image_pad|>", "<|video_pad|>"]);
    },
};
