//! GAIA runs in the leaderboard's submission form: JSON lines `{task_id, model_answer, reasoning_trace?}`.

use serde_json::Value;

use super::json_field::{Rows, filled, identifier, plain_field};
use super::{Format, Layout, ReadError, RecordText, Sample};
use crate::domain::{Action, Benchmark, Content, Provenance, Role, Step, Task, Trajectory};

/// The row of `FORMATS`.
pub(super) const FORMAT: Format = Format {
    name: "gaia-predictions",
    title: "GAIA answers in the leaderboard's submission form",
    detect,
    read,
};

fn detect(sample: &Sample<'_>) -> Option<Layout> {
    let rows = Rows(sample);
    (rows.names("task_id") && rows.names("model_answer")).then(|| rows.layout())
}

fn read(record: &RecordText<'_>) -> Result<Content, ReadError> {
    let row: Value = serde_json::from_str(record.text)?;
    let key = identifier(&row, &["task_id"]).ok_or_else(|| {
        ReadError("a GAIA answer needs `task_id`; this record has none".to_owned())
    })?;
    let answer = plain_field(&row, "model_answer");
    // The trace is one text, so the run is one step: all the reasoning, then the answer.
    let step = Step {
        thought: plain_field(&row, "reasoning_trace").filter(|trace| !trace.trim().is_empty()),
        action: answer.clone().map(Action::Message),
        ..Step::default()
    };
    Ok(Content {
        natural_id: Some(key.clone()),
        trajectory: Some(Trajectory {
            task: Task {
                text: filled(&row, "Question")
                    .or_else(|| filled(&row, "question"))
                    .unwrap_or_default()
                    .to_owned(),
                ..Task::default()
            },
            steps: (step != Step::default())
                .then_some(step)
                .into_iter()
                .collect(),
            answer,
            provenance: Provenance {
                format: FORMAT.name.to_owned(),
                role: Role::Run,
                benchmark: Some(Benchmark::Gaia),
                task_key: Some(key),
                model: filled(&row, "model").map(str::to_owned),
                ..Provenance::default()
            },
            ..Trajectory::default()
        }),
        pairs: Vec::new(),
        problems: Vec::new(),
    })
}
