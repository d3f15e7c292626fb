//! retake's own lines, as `retake export jsonl` writes them: one record a line, in the words of the domain.

use serde::Deserialize;
use serde_json::Value;

use super::{Format, Layout, ReadError, RecordText, Sample};
use crate::domain::{Content, PreferencePair, Trajectory, percent_decode};

const NAME: &str = "retake";

pub(super) const FORMAT: Format = Format {
    name: NAME,
    title: "retake's own lines (`retake export jsonl`)",
    detect,
    read,
};

#[derive(Deserialize)]
struct Line {
    id: String,
    #[serde(default)]
    trajectory: Option<Trajectory>,
    #[serde(default)]
    pairs: Vec<PreferencePair>,
}

fn detect(sample: &Sample<'_>) -> Option<Layout> {
    let line = sample.first_element()?;
    let text = |key: &str| line.get(key).is_some_and(Value::is_string);
    let holds = line.get("trajectory").or(line.get("pairs")).is_some();
    (text("id") && text("hash") && text("format") && holds).then_some(Layout::Elements)
}

fn read(record: &RecordText<'_>) -> Result<Content, ReadError> {
    let mut line: Line = serde_json::from_str(record.text)?;
    let prompts = line.trajectory.iter_mut().map(|t| &mut t.system_prompt);
    let prompts = prompts.chain(line.pairs.iter_mut().map(|p| &mut p.context.system_prompt));
    for prompt in prompts.flatten() {
        *prompt = record.interner.intern(prompt);
    }
    // The record's text is in this form, whatever it was made from: writers go by that.
    let formats = line.trajectory.iter_mut().map(|t| &mut t.provenance.format);
    let formats = formats.chain(line.pairs.iter_mut().map(|p| &mut p.provenance.format));
    formats.for_each(|format| *format = NAME.to_owned());
    // The source in front of the id is that of the workspace it came from.
    let natural = line
        .id
        .split_once('/')
        .map_or(line.id.as_str(), |(_, record)| record);
    Ok(Content {
        natural_id: Some(percent_decode(natural)),
        trajectory: line.trajectory,
        pairs: line.pairs,
        problems: Vec::new(),
    })
}
