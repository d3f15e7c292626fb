//! Agent-X runs (paper §3g): a list of `{"0": {query, filename, reasoning_steps, final_answer}}`, one key an element.
//!
//! Models malform many of these (177 to 828 of 828), so nothing in a prediction is an error but a missing key.

use serde_json::Value;

use super::agent_x::{files, run};
use super::json_field::plain_field;
use super::{Format, Layout, ReadError, RecordText, Sample, Top};
use crate::domain::{Benchmark, Content, Provenance, Role, Task, Trajectory};

/// The row of `FORMATS`.
pub(super) const FORMAT: Format = Format {
    name: "agent-x-predictions",
    title: "Agent-X runs",
    detect,
    read,
};

fn detect(sample: &Sample<'_>) -> Option<Layout> {
    let mut values = sample.values.iter();
    let (found, layout) = match sample.top {
        Top::Object => (values.any(is_prediction), Layout::Members),
        Top::Array | Top::Lines | Top::Rows => {
            let member = |value| only_member(value).is_some_and(|(_, value)| is_prediction(value));
            (values.any(member), Layout::Elements)
        }
    };
    found.then_some(layout)
}

fn is_prediction(value: &Value) -> bool {
    let names = |key| value.get(key).is_some();
    names("query") && (names("reasoning_steps") || names("final_answer"))
}

fn only_member(value: &Value) -> Option<(&String, &Value)> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object.iter().next()
}

fn read(record: &RecordText<'_>) -> Result<Content, ReadError> {
    let value: Value = serde_json::from_str(record.text)?;
    let (key, prediction) = match (record.key, only_member(&value)) {
        (Some(key), _) => (key, &value),
        (None, Some((key, prediction))) => (key.as_str(), prediction),
        (None, None) => {
            return Err(ReadError(
                "an Agent-X prediction is an object with the task's key as its only field"
                    .to_owned(),
            ));
        }
    };
    let mut problems = Vec::new();
    let run = run(prediction, &mut problems);
    let mut attachments = files(prediction, "filename");
    if attachments.is_empty() {
        attachments = files(prediction, "file_path");
    }
    Ok(Content {
        natural_id: Some(key.to_owned()),
        trajectory: Some(Trajectory {
            task: Task {
                text: plain_field(prediction, "query").unwrap_or_default(),
                prompt: None,
                attachments,
            },
            steps: run.steps,
            answer: run.answer,
            provenance: Provenance {
                format: FORMAT.name.to_owned(),
                role: Role::Run,
                benchmark: Some(Benchmark::AgentX),
                task_key: Some(key.to_owned()),
                ..Provenance::default()
            },
            ..Trajectory::default()
        }),
        pairs: Vec::new(),
        problems,
    })
}
