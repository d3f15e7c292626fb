//! What comes before a step as one text that a person edits, and what they changed in it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::RerunError;
use crate::domain::review::{
    Change, ChangeKind, Edit, EditedStep, Field, Review, StepKey, TextHash, Timestamp, apply,
    step_text, trajectory_text,
};
use crate::domain::{Content, Trajectory};

/// A new text of the task or of an earlier step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepEdit {
    /// The step, from 0; `None`: the task.
    pub step: Option<usize>,
    /// Which text of it.
    pub field: Field,
    /// The new text.
    pub text: String,
}

/// Texts of a step, in the order in which they are edited.
const FIELDS: [Field; 3] = [Field::Thought, Field::Code, Field::Observation];

/// What is edited, in order.
fn places(step: usize) -> impl Iterator<Item = (Option<usize>, Field)> {
    let steps = (0..step).flat_map(|step| FIELDS.map(|field| (Some(step), field)));
    std::iter::once((None, Field::Task)).chain(steps)
}

fn text_of(trajectory: &Trajectory, (step, field): (Option<usize>, Field)) -> String {
    match step {
        None => trajectory_text(trajectory, field).to_owned(),
        Some(step) => {
            let step = trajectory.steps.get(step);
            step.map(|step| step_text(step, field).into_owned()).unwrap_or_default()
        }
    }
}

/// What comes before a step, from 0, as a text to be edited: each of its texts under a heading.
pub fn context_text(trajectory: &Trajectory, step: usize) -> String {
    let mark = mark(trajectory, step);
    let mut out = String::new();
    for place in places(step) {
        out.push_str(&heading(&mark, place));
        out.push('\n');
        out.push_str(&text_of(trajectory, place));
        out.push('\n');
    }
    out
}

/// What a person changed in the text of [`context_text`].
pub fn edits_of(
    trajectory: &Trajectory,
    step: usize,
    edited: &str,
) -> Result<Vec<StepEdit>, RerunError> {
    let mark = mark(trajectory, step);
    let headings: Vec<_> = places(step).map(|place| (heading(&mark, place), place)).collect();
    let mut found: Vec<Vec<&str>> = Vec::new();
    for line in edited.lines() {
        match headings.get(found.len()) {
            Some((heading, _)) if line == heading => found.push(Vec::new()),
            _ => match found.last_mut() {
                Some(text) => text.push(line),
                None if line.trim().is_empty() => {}
                None => return Err(missing(&headings[0].0)),
            },
        }
    }
    if let Some((heading, _)) = headings.get(found.len()) {
        return Err(missing(heading));
    }
    let edits = headings.iter().zip(found).filter_map(|((_, place), lines)| {
        let text = lines.join("\n");
        // Line ends of another system are no edit.
        let before = text_of(trajectory, *place);
        let is_same = before.lines().eq(text.lines()) && before.trim_end() == text.trim_end();
        (!is_same).then_some(StepEdit {
            step: place.0,
            field: place.1,
            text,
        })
    });
    Ok(edits.collect())
}

fn missing(heading: &str) -> RerunError {
    RerunError::Edited(format!("the line `{heading}` is missing, or is not in its place"))
}

fn heading(mark: &str, (step, field): (Option<usize>, Field)) -> String {
    match step {
        None => format!("{mark} {} {mark}", field.name()),
        Some(step) => format!("{mark} step {}: {} {mark}", step + 1, field.name()),
    }
}

/// A mark with which no line of the texts begins.
fn mark(trajectory: &Trajectory, step: usize) -> String {
    let mut width = 3;
    for place in places(step) {
        for line in text_of(trajectory, place).lines() {
            let own = line.chars().take_while(|character| *character == '=').count();
            width = width.max(own + 1);
        }
    }
    "=".repeat(width)
}

/// The steps whose observation is among the edits.
pub(super) fn observed(edits: &[StepEdit]) -> impl Iterator<Item = usize> {
    let observations = edits.iter().filter(|edit| edit.field == Field::Observation);
    observations.filter_map(|edit| edit.step)
}

/// A trajectory with edits, as the journal would show it.
pub fn apply_edits(trajectory: &Trajectory, edits: &[StepEdit]) -> Result<Trajectory, RerunError> {
    edited(trajectory, edits).map(|(trajectory, _)| trajectory)
}

/// The same, with what becomes stale.
pub(super) fn edited(
    trajectory: &Trajectory,
    edits: &[StepEdit],
) -> Result<(Trajectory, Vec<EditedStep>), RerunError> {
    let change = |edit: &StepEdit| Change {
        record: Uuid::nil(),
        annotator: Arc::from(""),
        time: Timestamp::from_milliseconds(0),
        step: edit.step.and_then(|step| u32::try_from(step + 1).ok()).map(StepKey::Source),
        kind: ChangeKind::Edit(Edit {
            field: edit.field,
            side: None,
            text: edit.text.clone(),
            against: TextHash::of(&text_of(trajectory, (edit.step, edit.field))),
        }),
    };
    let review = Review {
        changes: edits.iter().map(change).collect(),
        ..Review::default()
    };
    let content = Content {
        trajectory: Some(trajectory.clone()),
        ..Content::default()
    };
    let applied = apply(&review, &content);
    let refused = applied.conflicts.iter().find(|conflict| !conflict.reason.is_applied());
    if let Some(conflict) = refused {
        return Err(RerunError::Edited(conflict.reason.to_string()));
    }
    match applied.content.trajectory {
        Some(trajectory) => Ok((trajectory, applied.steps)),
        None => Err(RerunError::Edited("there is no trajectory".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::review::Staleness;
    use crate::domain::{Action, Observation, Step, Task};

    fn trajectory() -> Trajectory {
        let step = |thought: &str, code: &str, observation: &str| Step {
            thought: Some(thought.to_owned()),
            action: Some(Action::Code(code.to_owned())),
            observation: Some(Observation {
                text: observation.to_owned(),
                ..Observation::default()
            }),
            ..Step::default()
        };
        Trajectory {
            task: Task {
                text: "Count the cats.\n==== not a heading".to_owned(),
                ..Task::default()
            },
            steps: vec![
                step("I look.", "print(1)\n", "1"),
                step("I count.", "print(2)", ""),
                step("I know.", "final_answer(2)", ""),
            ],
            ..Trajectory::default()
        }
    }

    #[test]
    fn a_text_that_nobody_changed_is_no_edit() {
        let trajectory = trajectory();
        for step in 0..3 {
            let text = context_text(&trajectory, step);
            assert!(edits_of(&trajectory, step, &text).expect("read").is_empty(), "{text}");
        }
        let text = context_text(&trajectory, 1);
        assert!(text.starts_with("===== task =====\nCount the cats.\n==== not a heading\n"));
        assert!(text.contains("===== step 1: code =====\nprint(1)\n\n===== step 1: observation"));
    }

    #[test]
    fn what_is_changed_is_an_edit_that_makes_later_steps_stale() {
        let trajectory = trajectory();
        let text = context_text(&trajectory, 2);
        let changed = text.replace("print(2)", "print(20)").replace("I look.", "I look twice.\nThen I see.");
        let edits = edits_of(&trajectory, 2, &changed).expect("read");
        let named: Vec<_> = edits.iter().map(|e| (e.step, e.field, e.text.as_str())).collect();
        assert_eq!(
            named,
            [
                (Some(0), Field::Thought, "I look twice.\nThen I see."),
                (Some(1), Field::Code, "print(20)"),
            ]
        );
        let (edited, steps) = edited(&trajectory, &edits).expect("applied");
        assert_eq!(edited.steps[1].code(), Some("print(20)"));
        assert_eq!(edited.steps[0].thought.as_deref(), Some("I look twice.\nThen I see."));
        assert_eq!(steps[0].stale, Some(Staleness::Observation));
        assert_eq!(steps[2].stale, Some(Staleness::Step));
    }

    #[test]
    fn a_heading_that_is_gone_is_told() {
        let trajectory = trajectory();
        let text = context_text(&trajectory, 1);
        for broken in [text.replace("===== step 1: code =====", ""), String::new(), format!("x\n{text}")] {
            assert!(matches!(edits_of(&trajectory, 1, &broken), Err(RerunError::Edited(_))));
        }
    }
}
