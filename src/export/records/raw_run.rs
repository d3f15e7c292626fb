//! Raw runs of the M-TRACE pipeline (paper super::3a), from any trajectory.

use serde_json::{Value, json};

use super::code_turns::{Dialect, PictureMarks, picture_path};
use super::dialog::{DialogParts, edit_turns, write_turns};
use super::original::{as_read, trajectory_of, unsupported};
use crate::domain::{Record, Task, Trajectory};
use crate::export::json_text::RawObject;
use crate::export::{Refusal, Rendered};

const NAME: &str = "raw-run";

static DIALECT: Dialect = Dialect {
    speaker: "role",
    text: "content",
    person: "user",
    environment: "tool-response",
    controller: "assistant",
    ends_replies: true,
    pictures: PictureMarks::None,
};

/// A record as a raw run.
pub(in crate::export) fn raw_run(record: &Record) -> Rendered {
    Rendered::one(render(record))
}

fn render(record: &Record) -> Result<String, Refusal> {
    let new = trajectory_of(record)?;
    if new.provenance.format == NAME {
        let read = as_read(record)?;
        let old = read.trajectory.as_ref().ok_or_else(|| unsupported(NAME))?;
        return edit(&record.raw, old, new);
    }
    if new.steps.is_empty() {
        return Err(Refusal::new("the trajectory has no step"));
    }
    let mut row = RawObject::default();
    row.set("query", &new.task.text)?;
    row.set("tools", &tool_names(new))?;
    set_files(&mut row, &new.task)?;
    row.set("traj", &write_turns(parts(new), &DIALECT)?)?;
    row.set("answer", &new.answer)?;
    row.to_json()
}

fn edit(raw: &str, old: &Trajectory, new: &Trajectory) -> Result<String, Refusal> {
    let mut row = RawObject::parse(raw)?;
    let mut changed = false;
    if old.task.text != new.task.text && row.text("query").is_some_and(|q| !q.trim().is_empty()) {
        row.set("query", &new.task.text)?;
        changed = true;
    }
    if old.tools != new.tools {
        row.set("tools", &tool_names(new))?;
        changed = true;
    }
    if old.task.attachments != new.task.attachments {
        set_files(&mut row, &new.task)?;
        changed = true;
    }
    if !parts(old).says_the_same(&parts(new)) {
        let turns = row.get("traj").ok_or_else(|| unsupported(NAME))?;
        let turns = edit_turns(turns, parts(old), parts(new), &DIALECT)?;
        row.set("traj", &turns)?;
        changed = true;
    }
    if old.answer != new.answer {
        row.set("answer", &new.answer)?;
        changed = true;
    }
    if changed {
        row.to_json()
    } else {
        Ok(raw.to_owned())
    }
}

fn parts(trajectory: &Trajectory) -> DialogParts<'_> {
    DialogParts {
        system_prompt: trajectory.system_prompt.as_deref(),
        task: &trajectory.task,
        steps: &trajectory.steps,
        is_whole: true,
    }
}

fn tool_names(trajectory: &Trajectory) -> Vec<&str> {
    trajectory.tools.iter().map(|t| t.name.as_str()).collect()
}

/// `files`, their number, and their paths alone.
fn set_files(row: &mut RawObject, task: &Task) -> Result<(), Refusal> {
    let mut files = Vec::with_capacity(task.attachments.len());
    let mut names = Vec::with_capacity(task.attachments.len());
    for attachment in &task.attachments {
        let path = picture_path(&attachment.reference)?;
        let mut file = json!({"type": attachment.file_type(), "path": path});
        if let Some(caption) = &attachment.caption {
            file["caption"] = Value::from(caption.as_str());
        }
        files.push(file);
        names.push(path);
    }
    row.set("files", &files)?;
    row.set("file_num", &files.len())?;
    row.set("file_name", &names)
}
