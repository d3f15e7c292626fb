//! What TRL demands of rows (`trl/data_utils.py`, `prepare_multimodal_messages`; `trl/trainer/dpo_trainer.py`).

use serde_json::Value;

use crate::export::preflight::{PreflightRule, list};

/// Columns of messages with the pictures of the row.
const SHOWN: [&str; 2] = ["messages", "prompt"];
/// Columns of messages that have none.
const SAID: [&str; 3] = ["chosen", "rejected", "completion"];

/// The pictures among a message's parts that the column is to fill.
fn places(message: &Value) -> usize {
    let parts = list(message, "content").iter();
    parts
        .filter(|part| part["type"] == "image" && part.get("image").is_none())
        .count()
}

/// Places for pictures that are not there, or pictures without a place.
pub(in crate::export) static PICTURE_MARKS: PreflightRule = PreflightRule {
    name: "picture-marks",
    doc: "There are not as many places for pictures among the messages as pictures: TRL stops when it comes to the row.",
    check: |subject, found| {
        let images = list(subject.row, "images").len();
        let shown = SHOWN.iter().flat_map(|name| list(subject.row, name));
        let places: usize = shown.filter(|m| m["role"] != "tool").map(places).sum();
        if places != images {
            subject.find(
                found,
                format!("it has {places} places for {images} pictures"),
            );
        }
    },
};

/// Pictures where TRL looks for none.
pub(in crate::export) static PICTURE_PLACES: PreflightRule = PreflightRule {
    name: "picture-places",
    doc: "A picture stands in a side or completion, where TRL stops at it, or in a message of a tool, where it is neither \
          counted nor filled.",
    check: |subject, found| {
        let said = SAID.iter().flat_map(|name| list(subject.row, name));
        let shown = SHOWN.iter().flat_map(|name| list(subject.row, name));
        let tools = shown.filter(|message| message["role"] == "tool");
        let count: usize = said.chain(tools).map(places).sum();
        if count > 0 {
            let message =
                format!("{count} pictures stand in a side, a completion or a tool's message");
            subject.find(found, message);
        }
    },
};

/// A prompt that the controller is to go on with.
pub(in crate::export) static PROMPT_END: PreflightRule = PreflightRule {
    name: "prompt-end",
    doc: "The prompt does not end with the person or a tool: TRL would have the sides continue what the controller last \
          said, or stop.",
    check: |subject, found| {
        let prompt = list(subject.row, "prompt");
        let step = prompt
            .iter()
            .filter(|message| message["role"] == "assistant")
            .count();
        let Some(last) = prompt.last() else {
            return subject.find(found, "its prompt is empty");
        };
        let role = last["role"].as_str().unwrap_or("nobody");
        if !["user", "tool"].contains(&role) {
            let step = (step > 0).then_some(step);
            subject.find_in(found, step, format!("its prompt ends with {role}"));
        }
    },
};
