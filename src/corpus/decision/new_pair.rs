use crate::domain::review::{
    CreatedPair, Draft, Edited, Field, NewPair, Orientation, ReviewRecord, Side, StepKey, Target,
    Timestamp, Verb, candidate_text, created_pair,
};
use crate::domain::{Candidate, TargetId};

use super::{Decided, DecisionError, Subject, draft};

/// Makes a pair of two candidates for a step, by its number as it is shown now.
pub fn new_pair(subject: &Subject, step: u32, pair: &NewPair) -> Result<Decided, DecisionError> {
    if subject.is_pair() {
        return Err(DecisionError::PairOfPair(subject.id().clone()));
    }
    let step = subject.step_key(step)?;
    check(subject, step, pair)?;
    let target = subject.target.with_step(step);
    Ok(Some((target, Verb::PairNew(Box::new(pair.clone())))))
}

/// The acceptance of a pair that was made with this record, to be undone together with it.
pub fn accept_new_pair(subject: &Subject, made: &ReviewRecord) -> Result<Draft, DecisionError> {
    let id = TargetId {
        record: subject.record.id.clone(),
        part: Some(made.id.to_string()),
    };
    let target = Target::new(id.clone(), subject.record.hash);
    let as_made = Verb::AcceptPair(Orientation::open(false));
    Ok(draft(&id, target, as_made)?.joining(made.batch_id()))
}

/// What can't be made, or prefers nothing to nothing, is refused before it is saved.
fn check(subject: &Subject, step: StepKey, pair: &NewPair) -> Result<(), DecisionError> {
    let created = CreatedPair {
        id: uuid::Uuid::nil(),
        annotator: std::sync::Arc::from(""),
        time: Timestamp::from_milliseconds(0),
        step,
        pair: Box::new(pair.clone()),
    };
    let edited = Edited {
        content: subject.current.content.clone(),
        steps: subject.current.steps.clone(),
        conflicts: Vec::new(),
    };
    let made = created_pair(&created, &edited, |hash| subject.kept.find(hash));
    let made = made.map_err(|reason| DecisionError::Pair {
        id: subject.id().clone(),
        reason,
    })?;
    // What a controller writes; an observation comes from elsewhere.
    let reply = |candidate: &Candidate| {
        [Field::Thought, Field::Code]
            .map(|field| candidate_text(candidate, field).trim().to_owned())
    };
    let (chosen, rejected) = (reply(&made.chosen), reply(&made.rejected));
    for (side, texts) in [(Side::Chosen, &chosen), (Side::Rejected, &rejected)] {
        if texts.iter().all(String::is_empty) {
            return Err(DecisionError::EmptySide(side));
        }
    }
    match chosen == rejected {
        true => Err(DecisionError::SameSides),
        false => Ok(()),
    }
}
