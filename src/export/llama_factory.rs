//! What LLaMA-Factory demands of rows in its ShareGPT form (`src/llamafactory/data/converter.py`, `mm_plugin.py`), and the
//! entry that names a file of them (`data/dataset_info.json`).

use serde_json::{Value, json};

use super::preflight::PreflightRule;

/// The mark that stands for a picture.
pub(super) const PLACEHOLDER: &str = "<image>";

/// Its `cutoff_len` unless a person sets another: what is longer is cut without a word.
pub(super) const CUTOFF_LENGTH: usize = 2048;

/// Who may speak first, and at every second place from there.
const ODD: [&str; 2] = ["human", "observation"];
/// Who answers.
const EVEN: [&str; 2] = ["gpt", "function_call"];

/// Turns that LLaMA-Factory passes over.
pub(super) static TURNS_ALTERNATE: PreflightRule = PreflightRule {
    name: "turns-alternate",
    doc: "Turns of the person (or an observation) and of the controller do not alternate, or do not end where the \
          form wants it: LLaMA-Factory passes the row over with a warning.",
    check: |subject, found| {
        let turns = subject.row["conversations"].as_array();
        let turns = turns.map_or(&[][..], Vec::as_slice);
        for (place, turn) in turns.iter().enumerate() {
            let wanted = if place % 2 == 0 { ODD } else { EVEN };
            let speaker = turn["from"].as_str().unwrap_or("nobody");
            if !wanted.contains(&speaker) {
                let turn = place + 1;
                let wanted = wanted.join(" or ");
                subject.find(
                    found,
                    format!("turn {turn} is of {speaker} where {wanted} must be"),
                );
                return;
            }
        }
        // A pair goes on with its sides; anything else ends in an answer.
        let is_pair = subject.row.get("chosen").is_some();
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

/// Marks for pictures that are not there, or pictures without a mark.
pub(super) static PICTURE_MARKS: PreflightRule = PreflightRule {
    name: "picture-marks",
    doc: "There are not as many marks <image> in the text as pictures: LLaMA-Factory stops at the row.",
    check: |subject, found| {
        let row = subject.row;
        let images = row["images"].as_array().map_or(0, Vec::len);
        let marks = |value: &Value| {
            value
                .as_str()
                .map_or(0, |text| text.matches(PLACEHOLDER).count())
        };
        let turns = row["conversations"].as_array();
        let before: usize = turns
            .into_iter()
            .flatten()
            .map(|turn| marks(&turn["value"]))
            .sum();
        let sides =
            ["chosen", "rejected"].map(|side| row.get(side).map(|side| marks(&side["value"])));
        let counts: Vec<usize> = match sides {
            [None, None] => vec![before],
            sides => sides
                .iter()
                .map(|side| before + side.unwrap_or(0))
                .collect(),
        };
        if let Some(count) = counts.into_iter().find(|count| *count != images) {
            subject.find(
                found,
                format!("its text has {count} marks {PLACEHOLDER} for {images} pictures"),
            );
        }
    },
};

/// The entry of a file of pairs.
pub(super) fn pairs_info(file: &str) -> Value {
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
