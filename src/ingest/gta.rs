//! GTA's `dataset.json` (paper §3e): `{"0": {tools, files, dialogs, gt_answer}}`, a task with its gold dialog each.

use serde_json::Value;

use super::chat_turns::{Speaker, Turn, marks_error, turns};
use super::conversation::Conversation;
use super::ground_truth::reference_answer;
use super::json_field::{elements, field, filled, items, plain_field, text};
use super::picture_field::PictureColumn;
use super::tool_schema::tools;
use super::{Format, Layout, ReadError, RecordText, Sample, Top};
use crate::domain::{
    Attachment, Benchmark, Content, PictureReference, Provenance, Role, Trajectory,
};

/// The row of `FORMATS`.
pub(super) const FORMAT: Format = Format {
    name: "gta",
    title: "GTA tasks with gold dialogs (dataset.json)",
    detect,
    read,
};

fn detect(sample: &Sample<'_>) -> Option<Layout> {
    let first = sample.values.first()?;
    let found = items(first, "dialogs").first()?.get("role").is_some()
        && first.get("tools").is_some()
        && (first.get("gt_answer").is_some() || first.get("files").is_some());
    let layout = match sample.top {
        Top::Object => Layout::Members,
        Top::Array | Top::Lines | Top::Rows => Layout::Elements,
    };
    found.then_some(layout)
}

fn read(record: &RecordText<'_>) -> Result<Content, ReadError> {
    let row: Value = serde_json::from_str(record.text)?;
    let dialogs = field(&row, "dialogs").and_then(elements).ok_or_else(|| {
        ReadError("a GTA task needs `dialogs`, a list of turns; this record has none".to_owned())
    })?;
    let mut problems = Vec::new();
    let conversation = Conversation::of(
        dialog_turns(dialogs, &mut problems),
        record.interner,
        &mut problems,
    );
    let key = record.key.map(str::to_owned);
    let mut task = conversation.task;
    task.attachments
        .extend(items(&row, "files").iter().filter_map(attachment));
    Ok(Content {
        natural_id: key.clone(),
        trajectory: Some(Trajectory {
            system_prompt: conversation.system_prompt,
            tools: field(&row, "tools").map(tools).unwrap_or_default(),
            task,
            steps: conversation.steps,
            answer: conversation.answer,
            reference_answer: field(&row, "gt_answer").and_then(reference_answer),
            verification: None,
            provenance: Provenance {
                format: FORMAT.name.to_owned(),
                role: Role::Gold,
                benchmark: Some(Benchmark::Gta),
                task_key: key,
                ..Provenance::default()
            },
            origin: None,
        }),
        pairs: Vec::new(),
        problems,
    })
}

/// `{type, path, url}`; the address is where the picture once came from, the path is the picture.
fn attachment(file: &Value) -> Option<Attachment> {
    let shown = text(file, "type").is_none_or(|kind| kind == "image");
    Some(Attachment::from_path(filled(file, "path")?, shown))
}

/// The turns of a dialog, gold or predicted: chat messages, but with typed contents of tools.
pub(super) fn dialog_turns(dialogs: &[Value], problems: &mut Vec<String>) -> Vec<Turn> {
    let mut column = PictureColumn::default();
    let mut read = Vec::with_capacity(dialogs.len());
    for message in dialogs {
        match field(message, "content") {
            Some(content @ Value::Object(_)) if text(message, "role") == Some("tool") => {
                read.push(tool_turn(filled(message, "name"), content));
            }
            _ => read.extend(turns(std::slice::from_ref(message), &mut column, problems)),
        }
    }
    read
}

/// `{type: text|image, content}`. A picture's path is what the tool printed, and the picture itself.
fn tool_turn(name: Option<&str>, content: &Value) -> Turn {
    let printed = plain_field(content, "content").unwrap_or_default();
    let kind = text(content, "type").unwrap_or("text");
    let is_picture = kind == "image" && !printed.is_empty();
    Turn {
        tool: name.map(str::to_owned),
        pictures: is_picture
            .then(|| PictureReference::from_text(&printed))
            .into_iter()
            .collect(),
        is_error: kind == "error" || marks_error(content),
        ..Turn::of(Speaker::Tool, printed)
    }
}
