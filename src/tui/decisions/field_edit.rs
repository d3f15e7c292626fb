//! Edits of one field: which, in what editor, and what becomes stale.

use crate::corpus::decision::{self, Subject as ReviewSubject};
use crate::domain::review::{Field, Side};
use crate::tui::overlays::{Choice, Overlay};
use crate::tui::question::Question;
use crate::tui::subject::Subject;
use crate::tui::views::edit::{EditView, Purpose};

use super::{Asked, overlay};

/// A field that is edited.
#[derive(Debug, Clone)]
pub struct FieldEdit {
    /// Of what.
    pub subject: Subject,
    /// Which.
    pub field: Field,
    /// Of a pair: of which side, as it is shown now.
    pub side: Option<Side>,
}

/// Asks which field to edit.
pub(super) fn edit_choice(subject: &Subject) -> Asked {
    let fields: Vec<(Field, Option<Side>)> = match (subject.is_pair(), subject.step) {
        (true, _) => {
            let of = |side: Side| {
                [Field::Thought, Field::Code, Field::Observation].map(|field| (field, Some(side)))
            };
            let mut fields = of(Side::Chosen).to_vec();
            fields.extend(of(Side::Rejected));
            fields.push((Field::Task, None));
            fields
        }
        (false, Some(_)) => [Field::Thought, Field::Code, Field::Observation]
            .map(|field| (field, None))
            .to_vec(),
        (false, None) => [Field::Task, Field::Answer]
            .map(|field| (field, None))
            .to_vec(),
    };
    let name = |(field, side): &(Field, Option<Side>)| match side {
        Some(Side::Chosen) => format!("{} of the chosen side", field.name()),
        Some(Side::Rejected) => format!("{} of the rejected side", field.name()),
        None => field.name().to_owned(),
    };
    let options = fields.iter().map(name).collect();
    overlay(Overlay::Choice(Choice::new(
        "Edit",
        options,
        Question::EditField(fields),
    )))
}

/// An editor of a field, with its text as it is now.
pub fn field_editor(
    subject: &Subject,
    field: Field,
    side: Option<Side>,
) -> Result<EditView, String> {
    use crate::domain::review::{candidate_text, step_text, trajectory_text};
    let record = subject.record.as_ref().ok_or("open it first")?;
    let step = subject.step.filter(|_| field.is_of_step());
    let trajectory = record.current.content.trajectory.as_ref();
    let (text, is_code) = match (subject.pair(), side) {
        (Some(pair), Some(side)) => {
            let candidate = match side {
                Side::Chosen => &pair.chosen,
                Side::Rejected => &pair.rejected,
            };
            let is_code = matches!(
                candidate.action,
                Some(crate::domain::Action::Code(_)) | None
            );
            (candidate_text(candidate, field).into_owned(), is_code)
        }
        (Some(pair), None) => (pair.context.task.text.clone(), false),
        (None, _) => {
            let trajectory = trajectory.ok_or("it has nothing to edit")?;
            match step {
                Some(number) => {
                    let step = trajectory
                        .steps
                        .get(number.saturating_sub(1))
                        .ok_or("there is no such step")?;
                    let is_code =
                        matches!(step.action, Some(crate::domain::Action::Code(_)) | None);
                    (step_text(step, field).into_owned(), is_code)
                }
                None if field.is_of_step() => {
                    return Err("this is about a step: go to one".to_owned());
                }
                None => (trajectory_text(trajectory, field).to_owned(), false),
            }
        }
    };
    let of = match step {
        Some(step) => format!(" of step {step}"),
        None => String::new(),
    };
    let title = format!("The {}{of} of {}", field.name(), subject.id);
    let edit = FieldEdit {
        subject: subject.clone(),
        field,
        side,
    };
    let is_python = field == Field::Code && is_code;
    let mut view = EditView::new(title, &text, is_python, Purpose::Field(edit));
    view.stale = stale_words(subject, field, &text);
    Ok(view)
}

/// What an edit of a field makes stale.
fn stale_words(subject: &Subject, field: Field, before: &str) -> String {
    let Some(record) = subject.record.as_ref().filter(|_| !subject.is_pair()) else {
        return String::new();
    };
    let target = crate::domain::review::Target::new(subject.id.clone(), record.record.hash);
    let subject_then = ReviewSubject {
        record: record.record.clone(),
        current: record.current.clone(),
        target,
        step: None,
        kept: crate::workspace::KeptCandidates::default(),
    };
    let step = subject
        .step
        .filter(|_| field.is_of_step())
        .and_then(|step| u32::try_from(step).ok());
    // Any other text has the same consequences.
    let other = format!("{before}.");
    let decided = decision::edit_trajectory(&subject_then, field, step, &other);
    let Ok(Some((target, verb))) = decided else {
        return String::new();
    };
    let stale = decision::consequences(&subject_then, &target, &verb).unwrap_or_default();
    decision::in_words(&stale)
}
