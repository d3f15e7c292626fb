//! Pref-X in the LLaMA-Factory form for direct preference optimization (paper §3d): `{images, conversations:
//! [{from: human|gpt, value}], chosen: {from, value, observation}, rejected: {…}, system}`. A record is one pair.

use serde::Deserialize;
use serde_json::Value;

use super::attachments::picture_references;
use super::dialog::{read_dialog, reply_step};
use super::json_text::JsonText;
use super::observation_turn::plain_observation;
use super::task_turn::TaskTurn;
use super::turn::{Speaker, Turn, TurnContent};
use super::{Format, Layout, ReadError, RecordText, Sample};
use crate::domain::{Candidate, Content, Context, PreferencePair, Provenance};

const NAME: &str = "pref-x";

pub(super) const FORMAT: Format = Format {
    name: NAME,
    title: "Pref-X pairs in the LLaMA-Factory form",
    detect,
    read,
};

fn detect(sample: &Sample<'_>) -> Option<Layout> {
    let record = sample.first_element()?;
    let side = |key: &str| {
        record
            .get(key)
            .is_some_and(|side| side.get("value").is_some())
    };
    let fits = record.get("conversations").is_some_and(Value::is_array)
        && side("chosen")
        && side("rejected");
    fits.then_some(Layout::Elements)
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow, default)]
    id: JsonText<'a>,
    #[serde(default)]
    images: Value,
    #[serde(borrow)]
    conversations: Vec<Turn<'a>>,
    #[serde(borrow)]
    chosen: Side<'a>,
    #[serde(borrow)]
    rejected: Side<'a>,
    #[serde(borrow, default)]
    system: JsonText<'a>,
}

#[derive(Deserialize)]
struct Side<'a> {
    #[serde(borrow, alias = "content")]
    value: JsonText<'a>,
    #[serde(borrow, default)]
    observation: JsonText<'a>,
}

fn read(record: &RecordText<'_>) -> Result<Content, ReadError> {
    let row: Row<'_> = serde_json::from_str(record.text)?;
    let pictures = picture_references(&row.images);
    let placeholders: usize = row
        .conversations
        .iter()
        .filter(|turn| turn.speaker() == Some(Speaker::User))
        .map(|turn| placeholders(&turn.content))
        .sum();
    let shown = pictures.len();
    let ends_open = row.conversations.last().and_then(Turn::speaker) == Some(Speaker::User);
    let dialog = read_dialog(row.conversations, pictures, Vec::new(), record.interner);
    let mut problems = dialog.problems;
    if placeholders != shown {
        problems.push(format!(
            "{placeholders} <image> placeholders for {shown} images"
        ));
    }
    if !ends_open {
        problems.push("conversations does not end with a human turn".to_owned());
    }
    let system = row
        .system
        .filled()
        .map(|prompt| record.interner.intern(prompt));
    let pair = PreferencePair {
        context: Context {
            system_prompt: system.or(dialog.system_prompt),
            tools: Vec::new(),
            task: dialog.task,
            steps: dialog.steps,
        },
        chosen: candidate(row.chosen),
        rejected: candidate(row.rejected),
        reason: None,
        part: None,
        provenance: Provenance {
            format: NAME.to_owned(),
            ..Provenance::default()
        },
    };
    Ok(Content {
        natural_id: row.id.into_string().filter(|id| !id.is_empty()),
        trajectory: None,
        pairs: vec![pair],
        problems,
    })
}

fn placeholders(content: &TurnContent<'_>) -> usize {
    TaskTurn::parse(&content.text).placeholders
}

fn candidate(side: Side<'_>) -> Candidate {
    let step = reply_step(side.value.into_string().unwrap_or_default());
    Candidate {
        thought: step.thought,
        action: step.action,
        observation: side.observation.as_str().map(plain_observation),
        reply: step.reply,
        ..Candidate::default()
    }
}
