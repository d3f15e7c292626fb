//! What LLaMA-Factory demands of rows in its ShareGPT form (`src/llamafactory/data/converter.py`, `mm_plugin.py`), and the
//! entry that names a file of them (`data/dataset_info.json`).

use serde_json::{Value, json};

use crate::export::preflight::{PreflightRule, list};

/// The mark that stands for a picture.
pub(in crate::export) const PLACEHOLDER: &str = "<image>";

/// Its `cutoff_len` unless a person sets another: what is longer is cut without a word.
pub(in crate::export) const CUTOFF_LENGTH: usize = 2048;

/// Its `image_max_pixels`: larger pictures are shrunk before the model's own processor sees them.
pub(in crate::export) const MAX_PIXELS: u64 = 768 * 768;

/// Who may speak first, and at every second place from there.
const ODD: [&str; 2] = ["human", "observation"];
/// Who answers.
const EVEN: [&str; 2] = ["gpt", "function_call"];

/// The sides of a pair.
const SIDES: [&str; 2] = ["chosen", "rejected"];

/// The turns of a conversation without a first one of the system, which is taken out, each with its step.
fn turns(row: &Value) -> Vec<(Option<usize>, &Value)> {
    let all = list(row, "conversations");
    let rest = match all.first() {
        Some(first) if first["from"] == "system" => &all[1..],
        _ => all,
    };
    let mut replies = 0;
    let numbered = rest.iter().map(|turn| {
        replies += usize::from(is_reply(turn));
        ((replies > 0).then_some(replies), turn)
    });
    numbered.collect()
}

fn is_reply(turn: &Value) -> bool {
    turn["from"]
        .as_str()
        .is_some_and(|speaker| EVEN.contains(&speaker))
}

fn sides(row: &Value) -> impl Iterator<Item = (&'static str, &Value)> {
    SIDES
        .into_iter()
        .filter_map(|side| Some((side, row.get(side)?)))
}

/// Turns that LLaMA-Factory passes over.
pub(in crate::export) static TURNS_ALTERNATE: PreflightRule = PreflightRule {
    name: "turns-alternate",
    doc: "Turns of the person (or an observation) and of the controller do not alternate, or do not end where the \
          form wants it: LLaMA-Factory passes the row over with a warning.",
    check: |subject, found| {
        let turns = turns(subject.row);
        for (place, (step, turn)) in turns.iter().enumerate() {
            let wanted = if place % 2 == 0 { ODD } else { EVEN };
            let speaker = turn["from"].as_str().unwrap_or("nobody");
            if !wanted.contains(&speaker) {
                let turn = place + 1;
                let wanted = wanted.join(" or ");
                let message = format!("turn {turn} is of {speaker} where {wanted} must be");
                return subject.find_in(found, *step, message);
            }
        }
        // A pair goes on with its sides; anything else ends in an answer.
        let is_pair = subject.row.get(SIDES[0]).is_some();
        if turns.len() % 2 != usize::from(is_pair) {
            let count = turns.len();
            let wanted = if is_pair { "an odd" } else { "an even" };
            subject.find(
                found,
                format!("it has {count} turns where {wanted} number must be"),
            );
        }
    },
};

/// Sides that are no single reply.
pub(in crate::export) static SIDE_FORM: PreflightRule = PreflightRule {
    name: "side-form",
    doc: "A side is not one message of gpt or function_call: LLaMA-Factory passes the row over, stops, or learns from a turn \
          that is not the controller's.",
    check: |subject, found| {
        for side in SIDES {
            let message = &subject.row[side];
            if !message.is_object() || !is_reply(message) {
                subject.find(
                    found,
                    format!("{side} is not one message of gpt or function_call"),
                );
            }
        }
    },
};

/// Turns without text.
pub(in crate::export) static TURN_TEXTS: PreflightRule = PreflightRule {
    name: "turn-texts",
    doc: "A turn or side holds no text under `value`: LLaMA-Factory stops at it.",
    check: |subject, found| {
        for (step, turn) in turns(subject.row) {
            if !turn["value"].is_string() {
                subject.find_in(found, step, "a turn has no text");
            }
        }
        for (name, side) in sides(subject.row) {
            if !side["value"].is_string() {
                subject.find(found, format!("{name} has no text"));
            }
        }
    },
};

/// Calls that are not JSON.
pub(in crate::export) static FUNCTION_CALLS: PreflightRule = PreflightRule {
    name: "function-calls",
    doc: "A turn or side of function_call is not JSON with `name` and `arguments`, or a list of such, behind a thought in \
          <think> marks at most: LLaMA-Factory stops at it.",
    check: |subject, found| {
        let sides = sides(subject.row).map(|(_, side)| (None, side));
        for (step, turn) in turns(subject.row).into_iter().chain(sides) {
            let text = turn["value"].as_str().unwrap_or_default();
            if turn["from"] == "function_call" && !holds_calls(text) {
                subject.find_in(
                    found,
                    step,
                    "a function call is not JSON with a name and arguments",
                );
            }
        }
    },
};

fn holds_calls(text: &str) -> bool {
    let thought = text.find("<think>").zip(text.find("</think>"));
    let rest = match thought {
        Some((begin, end)) if begin < end => {
            format!("{}{}", &text[..begin], &text[end + "</think>".len()..])
        }
        _ => text.to_owned(),
    };
    let is_call = |call: &Value| call.get("name").is_some() && call.get("arguments").is_some();
    match serde_json::from_str::<Value>(&rest) {
        Ok(Value::Array(calls)) => calls.iter().all(is_call),
        Ok(call) => is_call(&call),
        Err(_) => false,
    }
}

/// Marks for pictures that are not there, or pictures without a mark.
pub(in crate::export) static PICTURE_MARKS: PreflightRule = PreflightRule {
    name: "picture-marks",
    doc: "There are not as many marks <image> in the text as pictures, also where a text holds the mark as a word: \
          LLaMA-Factory stops at the row.",
    check: |subject, found| {
        let images = list(subject.row, "images").len();
        let marks = |turn: &Value| {
            let text = turn["value"].as_str().unwrap_or_default();
            text.matches(PLACEHOLDER).count()
        };
        let before: usize = turns(subject.row).iter().map(|(_, turn)| marks(turn)).sum();
        // Chosen and rejected are counted each for itself.
        let mut counts: Vec<usize> = sides(subject.row)
            .map(|(_, side)| before + marks(side))
            .collect();
        if counts.is_empty() {
            counts.push(before);
        }
        if let Some(count) = counts.into_iter().find(|count| *count != images) {
            let message = format!("its text has {count} marks {PLACEHOLDER} for {images} pictures");
            subject.find(found, message);
        }
    },
};

/// Marks of other media.
pub(in crate::export) static LITERAL_MARKS: PreflightRule = PreflightRule {
    name: "literal-marks",
    doc: "A text holds <video> or <audio>, or what models take for a picture (<|image_pad|>, …): LLaMA-Factory looks for \
          the file and stops, or the model counts one picture too many.",
    check: |subject, found| {
        subject.find_marks(
            found,
            &["<video>", "<audio>", "<|image_pad|>", "<|video_pad|>"],
        );
    },
};

/// The entry of a file of pairs.
pub(in crate::export) fn pairs_info(file: &str) -> Value {
    json!({
        "file_name": file,
        "formatting": "sharegpt",
        "ranking": true,
        "columns": {
            "messages": "conversations",
            "chosen": "chosen",
            "rejected": "rejected",
            "images": "images",
            "system": "system",
        },
    })
}

/// The entry of a file of conversations, with the column of labels if they are judged.
pub(in crate::export) fn conversations_info(file: &str, tag: Option<&str>) -> Value {
    let mut info = json!({
        "file_name": file,
        "formatting": "sharegpt",
        "columns": {
            "messages": "conversations",
            "system": "system",
            "tools": "tools",
            "images": "images",
        },
    });
    if let Some(tag) = tag {
        info["columns"]["kto_tag"] = tag.into();
    }
    info
}
