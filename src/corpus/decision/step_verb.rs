//! Verbs of steps; a number is a step's as it is shown now.

use crate::domain::review::{LiteralCandidate, NewStep, Place, StepKey, StepLabel, Verb};

use super::{Decided, DecisionError, Subject, is_empty_candidate};

/// Labels a step for process reward.
pub fn label(
    subject: &Subject,
    step: u32,
    value: StepLabel,
    annotator: &str,
) -> Result<Decided, DecisionError> {
    let target = subject.step_target(step)?;
    let labels = target
        .step
        .and_then(|step| subject.review().labels.get(&step));
    let own = labels.and_then(|labels| labels.get(annotator));
    Ok((own != Some(&value)).then_some((target, Verb::Label(value))))
}

/// Calls a step the first that went wrong.
pub fn first_wrong_step(
    subject: &Subject,
    step: u32,
    annotator: &str,
) -> Result<Decided, DecisionError> {
    let target = subject.step_target(step)?;
    let own = subject.review().first_wrong_steps.get(annotator).copied();
    Ok((own != target.step).then_some((target, Verb::FirstWrongStep)))
}

/// Adds a step behind the one with this number, 0 for the first place; without a number behind the last.
pub fn add_step(
    subject: &Subject,
    after: Option<u32>,
    texts: &LiteralCandidate,
) -> Result<Decided, DecisionError> {
    if is_empty_candidate(texts) {
        return Err(DecisionError::EmptyCandidate);
    }
    let after = match after {
        Some(number) => step_before(subject, number)?,
        None => subject.current.steps.last().map(|step| step.key),
    };
    let texts = texts.clone();
    let new = Verb::AddStep(Box::new(NewStep { after, texts }));
    Ok(Some((subject.target.clone(), new)))
}

/// Leaves a step out.
pub fn remove_step(subject: &Subject, step: u32) -> Result<Decided, DecisionError> {
    Ok(Some((subject.step_target(step)?, Verb::RemoveStep)))
}

/// Puts a step behind the one with the number `after`, 0 for the first place.
pub fn move_step(subject: &Subject, step: u32, after: u32) -> Result<Decided, DecisionError> {
    let target = subject.step_target(step)?;
    let after = step_before(subject, after)?;
    // Behind itself or behind the one that it follows already: it stays where it is.
    let own = target.step.and_then(|key| subject.place_of(key));
    let behind = after.map_or(Some(0), |key| subject.place_of(key).map(|at| at + 1));
    let stays = own == behind || after == target.step;
    Ok((!stays).then_some((target, Verb::MoveStep(Place { after }))))
}

/// Says that a stale step holds.
pub fn confirm_step(subject: &Subject, step: u32) -> Result<Decided, DecisionError> {
    let target = subject.step_target(step)?;
    let mut steps = subject.current.steps.iter();
    let is_stale = steps.any(|step| Some(step.key) == target.step && step.stale.is_some());
    Ok(is_stale.then_some((target, Verb::Fresh)))
}

/// The step before a place that is named by a number; 0 is the first place.
fn step_before(subject: &Subject, number: u32) -> Result<Option<StepKey>, DecisionError> {
    match number {
        0 => Ok(None),
        number => subject.step_key(number).map(Some),
    }
}
