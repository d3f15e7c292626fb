//! M-TRACE and its MiniCPM sibling (paper super::3a, super::3b), from any trajectory.
//!
//! Of a verdict that came with other data only verdict and reason are written, as the bare JSON that one verifier in
//! ten writes. Reference answers and candidates have no place here.

use serde_json::{Map, Value, json};

use super::code_turns::{Dialect, PictureMarks, picture_paths, placeholder, shown};
use super::dialog::{DialogParts, edit_turns, write_turns};
use super::original::{as_read, natural_id, trajectory_of, unsupported};
use crate::domain::{Record, Task, Trajectory, Verdict, Verification};
use crate::export::json_text::RawObject;
use crate::export::{Refusal, Rendered};

/// The two forms.
struct Form {
    format: &'static str,
    dialect: Dialect,
    /// Whether the system prompt is a field of its own.
    prompt_is_field: bool,
}

static M_TRACE: Form = Form {
    format: "m-trace",
    dialect: Dialect {
        speaker: "from",
        text: "value",
        person: "user",
        environment: "user",
        controller: "assistant",
        ends_replies: false,
        pictures: PictureMarks::Inline,
    },
    prompt_is_field: false,
};

static MINICPM: Form = Form {
    format: "minicpm",
    dialect: Dialect {
        speaker: "role",
        text: "content",
        person: "user",
        environment: "user",
        controller: "assistant",
        ends_replies: false,
        pictures: PictureMarks::Numbered,
    },
    prompt_is_field: true,
};

/// A record in the Qwen-VL form.
pub(in crate::export) fn m_trace(record: &Record) -> Rendered {
    Rendered::one(render(record, &M_TRACE))
}

/// A record in the MiniCPM form.
pub(in crate::export) fn minicpm(record: &Record) -> Rendered {
    Rendered::one(render(record, &MINICPM))
}

fn render(record: &Record, form: &Form) -> Result<String, Refusal> {
    let new = trajectory_of(record)?;
    if new.provenance.format == form.format {
        let read = as_read(record)?;
        let old = read
            .trajectory
            .as_ref()
            .ok_or_else(|| unsupported(form.format))?;
        return edit(&record.raw, old, new, form);
    }
    if new.steps.is_empty() {
        return Err(Refusal::new("the trajectory has no step"));
    }
    let field_prompt = new
        .system_prompt
        .as_deref()
        .filter(|_| form.prompt_is_field);
    let parts = DialogParts {
        system_prompt: new
            .system_prompt
            .as_deref()
            .filter(|_| !form.prompt_is_field),
        ..dialog_parts(new)
    };
    let turns = write_turns(parts, &form.dialect)?;
    let (correct, words) = verdict(new.verification.as_ref());
    let mut row = RawObject::default();
    row.set("id", &natural_id(record))?;
    row.set("image", &image(&new.task)?)?;
    if let Some(prompt) = field_prompt {
        row.set("system-prompt", prompt)?;
    }
    row.set("correct", &correct)?;
    row.set("answer", &new.answer)?;
    row.set("conversations", &turns)?;
    row.set("traj_verification", &words)?;
    row.to_json()
}

fn edit(raw: &str, old: &Trajectory, new: &Trajectory, form: &Form) -> Result<String, Refusal> {
    let mut row = RawObject::parse(raw)?;
    let mut changed = false;
    let (mut old_parts, mut new_parts) = (dialog_parts(old), dialog_parts(new));
    let is_field = row
        .text("system-prompt")
        .is_some_and(|prompt| !prompt.trim().is_empty());
    if is_field {
        if old.system_prompt != new.system_prompt {
            row.set("system-prompt", &new.system_prompt)?;
            changed = true;
        }
        (old_parts.system_prompt, new_parts.system_prompt) = (None, None);
    }
    if !old_parts.says_the_same(&new_parts) {
        let turns = row
            .get("conversations")
            .ok_or_else(|| unsupported(form.format))?;
        let turns = edit_turns(turns, old_parts, new_parts, &form.dialect)?;
        row.set("conversations", &turns)?;
        changed = true;
    }
    if !shown(&old.task).eq(shown(&new.task)) {
        row.set("image", &image(&new.task)?)?;
        changed = true;
    }
    if old.answer != new.answer {
        row.set("answer", &new.answer)?;
        changed = true;
    }
    if old.verification != new.verification {
        let (correct, words) = verdict(new.verification.as_ref());
        row.set("correct", &correct)?;
        row.set("traj_verification", &words)?;
        changed = true;
    }
    if changed {
        row.to_json()
    } else {
        Ok(raw.to_owned())
    }
}

fn dialog_parts(trajectory: &Trajectory) -> DialogParts<'_> {
    DialogParts {
        system_prompt: trajectory.system_prompt.as_deref(),
        task: &trajectory.task,
        steps: &trajectory.steps,
        is_whole: true,
    }
}

/// `{}`, one path, or `{"<image_00>": path, …}`.
fn image(task: &Task) -> Result<Value, Refusal> {
    let paths = picture_paths(task)?;
    Ok(match paths.as_slice() {
        [] => json!({}),
        [path] => json!(path),
        several => {
            let numbered = several.iter().enumerate();
            let members: Map<String, Value> = numbered
                .map(|(number, path)| (placeholder(number), json!(path)))
                .collect();
            Value::Object(members)
        }
    })
}

/// `correct` and `traj_verification`.
fn verdict(verification: Option<&Verification>) -> (Option<&'static str>, Option<String>) {
    let Some(verification) = verification else {
        return (None, None);
    };
    let correct = match verification.verdict {
        Verdict::Correct => "yes",
        Verdict::Incorrect => "no",
        Verdict::Unknown => "unknown",
    };
    let words = json!({"thought": verification.reason, "correct": correct});
    (Some(correct), Some(format!("{words:#}")))
}
