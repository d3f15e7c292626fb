//! What the M-TRACE pipeline saves of its runs (paper §3a): `{query, tools: [name], files: [{type, path}], file_name,
//! traj: [{role, content}], answer}`. GTA-like runs add `caption` to files; runs without files have `[]` or no key.

use serde::Deserialize;
use serde_json::Value;

use super::attachments::picture_reference;
use super::dialog::read_dialog;
use super::json_text::JsonText;
use super::turn::Turn;
use super::{Format, Layout, ReadError, RecordText, Sample};
use crate::domain::{Attachment, Content, Provenance, Task, ToolDefinition, Trajectory};

const NAME: &str = "raw-run";

pub(super) const FORMAT: Format = Format {
    name: NAME,
    title: "raw runs of the M-TRACE pipeline (gaia_traj_*.json)",
    detect,
    read,
};

fn detect(sample: &Sample<'_>) -> Option<Layout> {
    let record = sample.first_element()?;
    let fits = record.get("query").is_some() && record.get("traj").is_some_and(Value::is_array);
    fits.then_some(Layout::Elements)
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow, default)]
    id: JsonText<'a>,
    #[serde(borrow, default)]
    query: JsonText<'a>,
    #[serde(default)]
    tools: Value,
    #[serde(default)]
    files: Value,
    #[serde(default)]
    file_name: Value,
    #[serde(borrow)]
    traj: Vec<Turn<'a>>,
    #[serde(borrow, default)]
    answer: JsonText<'a>,
}

fn read(record: &RecordText<'_>) -> Result<Content, ReadError> {
    let row: Row<'_> = serde_json::from_str(record.text)?;
    let mut dialog = read_dialog(
        row.traj,
        Vec::new(),
        files(&row.files, &row.file_name),
        record.interner,
    );
    // The query is the question itself; the task turn wraps it.
    if let Some(query) = row.query.filled() {
        let turn = dialog.task.prompt.take();
        let turn = turn.unwrap_or_else(|| std::mem::take(&mut dialog.task.text));
        dialog.task = Task {
            text: query.trim().to_owned(),
            prompt: (turn != query.trim() && !turn.is_empty()).then_some(turn),
            attachments: dialog.task.attachments,
        };
    }
    let trajectory = Trajectory {
        system_prompt: dialog.system_prompt,
        tools: tools(&row.tools),
        task: dialog.task,
        steps: dialog.steps,
        answer: row.answer.into_string(),
        provenance: Provenance {
            format: NAME.to_owned(),
            ..Provenance::default()
        },
        ..Trajectory::default()
    };
    Ok(Content {
        natural_id: row.id.into_string().filter(|id| !id.is_empty()),
        trajectory: Some(trajectory),
        pairs: Vec::new(),
        problems: dialog.problems,
    })
}

/// `files`, or else the bare paths of `file_name`. None of them is shown: the agent gets text alone.
fn files(files: &Value, names: &Value) -> Vec<Attachment> {
    let list = match files {
        Value::Array(list) if !list.is_empty() => files,
        _ => names,
    };
    let entries = match list {
        Value::Array(entries) => entries.as_slice(),
        single => std::slice::from_ref(single),
    };
    entries
        .iter()
        .filter_map(|entry| {
            Some(Attachment {
                reference: picture_reference(entry)?,
                alias: None,
                caption: entry
                    .get("caption")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
                shown: false,
            })
        })
        .collect()
}

fn tools(tools: &Value) -> Vec<ToolDefinition> {
    tools
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|tool| tool.as_str().or_else(|| tool.get("name")?.as_str()))
        .map(|name| ToolDefinition {
            name: name.to_owned(),
            ..ToolDefinition::default()
        })
        .collect()
}
