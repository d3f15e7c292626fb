//! M-TRACE and MAT training data in the Qwen-VL/ShareGPT form (paper §3b):
//! `{id, image, correct, answer, conversations: [{from: system|user|assistant, value}], traj_verification}`.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::attachments::picture_references;
use super::dialog::read_dialog;
use super::json_text::JsonText;
use super::turn::Turn;
use super::verdict::read_verification;
use super::{Format, Layout, ReadError, RecordText, Sample};
use crate::domain::{Content, Provenance, Trajectory};

const NAME: &str = "m-trace";

pub(super) const FORMAT: Format = Format {
    name: NAME,
    title: "M-TRACE / MAT trajectories in the Qwen-VL (ShareGPT) form",
    detect,
    read: |record| read_row(record, NAME),
};

/// Keys that tell this data from any other ShareGPT file.
const OWN_KEYS: [&str; 5] = [
    "traj_verification",
    "correct",
    "answer",
    "image",
    "system-prompt",
];

fn detect(sample: &Sample<'_>) -> Option<Layout> {
    let speakers = ["system", "user", "assistant"];
    detect_rows(sample, "from", &speakers)
}

/// Whether the first record has `conversations` whose turns name one of `speakers` under `key`, and a key of our own.
pub(super) fn detect_rows(sample: &Sample<'_>, key: &str, speakers: &[&str]) -> Option<Layout> {
    let record = sample.first_element()?;
    let turns = record.get("conversations")?.as_array()?;
    let speaks = |turn: &Value| {
        let speaker = turn.get(key).and_then(Value::as_str);
        speaker.is_some_and(|speaker| speakers.contains(&speaker))
    };
    let own = OWN_KEYS.iter().any(|own| record.get(own).is_some());
    (own && !turns.is_empty() && turns.iter().all(speaks)).then_some(Layout::Elements)
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow, default)]
    id: JsonText<'a>,
    #[serde(borrow, default)]
    image: Option<&'a RawValue>,
    #[serde(borrow, default)]
    correct: JsonText<'a>,
    #[serde(borrow, default)]
    answer: JsonText<'a>,
    #[serde(borrow, default, rename = "system-prompt")]
    system_prompt: JsonText<'a>,
    #[serde(borrow)]
    conversations: Vec<Turn<'a>>,
    #[serde(borrow, default)]
    traj_verification: JsonText<'a>,
}

/// Reads a record of this form or of its MiniCPM sibling.
pub(super) fn read_row(record: &RecordText<'_>, format: &str) -> Result<Content, ReadError> {
    let row: Row<'_> = serde_json::from_str(record.text)?;
    let pictures = match row.image {
        Some(image) => picture_references(&serde_json::from_str::<Value>(image.get())?),
        None => Vec::new(),
    };
    let dialog = read_dialog(row.conversations, pictures, Vec::new(), record.interner);
    let mut problems = dialog.problems;
    if dialog.steps.is_empty() {
        problems.push("no assistant turn".to_owned());
    }
    let verification = read_verification(
        row.correct.filled(),
        row.traj_verification.filled(),
        &mut problems,
    );
    let own_prompt = row.system_prompt.filled();
    let trajectory = Trajectory {
        system_prompt: dialog
            .system_prompt
            .or_else(|| own_prompt.map(|prompt| record.interner.intern(prompt))),
        task: dialog.task,
        steps: dialog.steps,
        answer: row.answer.into_string(),
        verification,
        provenance: Provenance {
            format: format.to_owned(),
            ..Provenance::default()
        },
        ..Trajectory::default()
    };
    Ok(Content {
        natural_id: row.id.into_string().filter(|id| !id.is_empty()),
        trajectory: Some(trajectory),
        pairs: Vec::new(),
        problems,
    })
}
