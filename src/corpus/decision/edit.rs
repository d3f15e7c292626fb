use std::borrow::Cow;

use crate::domain::review::{
    Edit, Field, Side, Target, TextHash, Verb, candidate_text, step_text, trajectory_text,
};

use super::consequences::other;
use super::{Decided, DecisionError, Subject};

/// Gives a field of a trajectory, or of its step with this number as it is shown now, a new text.
pub fn edit_trajectory(
    subject: &Subject,
    field: Field,
    step: Option<u32>,
    text: &str,
) -> Result<Decided, DecisionError> {
    let Some(trajectory) = &subject.current.content.trajectory else {
        return Err(DecisionError::NothingToEdit(subject.id().clone()));
    };
    if !field.is_of_step() {
        if step.is_some() {
            return Err(DecisionError::FieldOfWhole(field));
        }
        let shown = trajectory_text(trajectory, field);
        return Ok(edit(field, subject.target.clone(), None, shown, text));
    }
    let target = subject.step_target(step.ok_or(DecisionError::NeedsStep)?)?;
    let place = target.step.and_then(|key| subject.place_of(key));
    let step = place.and_then(|place| trajectory.steps.get(place));
    let shown = step.map_or(Cow::Borrowed(""), |step| step_text(step, field));
    Ok(edit(field, target, None, &shown, text))
}

/// Gives a field of a pair a new text: the task, or a field of one candidate, by its side as it is shown now.
pub fn edit_pair(
    subject: &Subject,
    field: Field,
    side: Option<Side>,
    text: &str,
) -> Result<Decided, DecisionError> {
    let id = || subject.id().clone();
    let pair = subject
        .pair()
        .ok_or_else(|| DecisionError::StepOfPairGone(id()))?;
    let shown = match (field, side) {
        (Field::Task, None) => Cow::Borrowed(pair.context.task.text.as_str()),
        (Field::Answer, _) => return Err(DecisionError::NoAnswerOfPair(id())),
        (Field::Task, Some(_)) => return Err(DecisionError::TaskOfSide),
        (_, None) => return Err(DecisionError::NeedsSide(id())),
        (field, Some(Side::Chosen)) => candidate_text(&pair.chosen, field),
        (field, Some(Side::Rejected)) => candidate_text(&pair.rejected, field),
    };
    // Records name sides as the pair was made.
    let side = side.map(|side| match subject.review().swapped {
        true => other(side),
        false => side,
    });
    Ok(edit(field, subject.target.clone(), side, &shown, text))
}

fn edit(field: Field, target: Target, side: Option<Side>, shown: &str, text: &str) -> Decided {
    let edit = Edit {
        field,
        side,
        text: text.to_owned(),
        against: TextHash::of(shown),
    };
    (shown != text).then_some((target, Verb::Edit(edit)))
}
