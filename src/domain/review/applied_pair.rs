use super::applied::{literal_step, set_task};
use super::field_text::{CallsError, Parts};
use super::{
    CandidateReference, Change, ChangeKind, Conflict, ConflictReason, CreatedPair, Edit, Edited,
    Field, Review, Side, StepKey, TextHash,
};
use crate::domain::{
    Action, Candidate, ContentHash, Context, Maker, PreferencePair, Step,
};

/// A pair with what people changed in it.
#[derive(Debug, Clone, PartialEq)]
pub struct EditedPair {
    /// The pair as it is shown and exported: chosen and rejected are exchanged if it was swapped.
    pub pair: PreferencePair,
    /// What could not be changed, and what was changed although it was not what the annotator had seen.
    pub conflicts: Vec<Conflict>,
}

/// Applies the review of a pair to the pair as it was made: edits of its task and candidates, and its orientation.
pub fn apply_to_pair(review: &Review, pair: &PreferencePair) -> EditedPair {
    let mut pair = pair.clone();
    let mut conflicts = Vec::new();
    for change in &review.changes {
        let result = match &change.kind {
            ChangeKind::Edit(edit) => edit_pair(&mut pair, edit),
            _ => Err(ConflictReason::NotApplicable),
        };
        conflicts.extend(conflict(change, result));
    }
    if review.swapped {
        std::mem::swap(&mut pair.chosen, &mut pair.rejected);
    }
    EditedPair { pair, conflicts }
}

fn conflict(
    change: &Change,
    result: Result<Option<ConflictReason>, ConflictReason>,
) -> Option<Conflict> {
    let reason = result.unwrap_or_else(Some)?;
    Some(Conflict {
        record: change.record,
        step: change.step,
        reason,
    })
}

fn edit_pair(
    pair: &mut PreferencePair,
    edit: &Edit,
) -> Result<Option<ConflictReason>, ConflictReason> {
    let is_as_seen = match (edit.field, edit.side) {
        (Field::Task, None) => {
            let task = &mut pair.context.task;
            let old = TextHash::of(&task.text);
            if task.text != edit.text {
                set_task(task, &edit.text);
            }
            old == edit.against
        }
        (Field::Thought | Field::Code | Field::Observation, Some(side)) => {
            let calls_tools = calls_tools(&pair.context.steps);
            let candidate = match side {
                Side::Chosen => &mut pair.chosen,
                Side::Rejected => &mut pair.rejected,
            };
            let mut parts = Parts {
                thought: &mut candidate.thought,
                action: &mut candidate.action,
                observation: &mut candidate.observation,
                calls_tools,
            };
            let old = parts.text(edit.field);
            let is_as_seen = TextHash::of(&old) == edit.against;
            if old != edit.text {
                parts.set(edit.field, &edit.text)?;
            }
            is_as_seen
        }
        _ => return Err(ConflictReason::NotApplicable),
    };
    Ok((!is_as_seen).then_some(ConflictReason::OtherText(edit.field)))
}

fn calls_tools(steps: &[Step]) -> bool {
    let mut actions = steps.iter().filter_map(|step| step.action.as_ref());
    actions
        .clone()
        .any(|action| matches!(action, Action::ToolCalls(_)))
        && !actions.any(|action| matches!(action, Action::Code(_)))
}

/// Why a pair that a person made can't be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairError {
    /// The step that it is for is gone.
    #[error("step {0} of the pair is not there")]
    NoStep(StepKey),
    /// The step has no such candidate.
    #[error("step {0} has no candidate {1}")]
    NoCandidate(StepKey, u32),
    /// No run holds the candidate.
    #[error("no run holds the candidate {0}")]
    NotGenerated(ContentHash),
    /// A candidate's tool calls.
    #[error(transparent)]
    Calls(#[from] CallsError),
}

/// The pair that a person made of a trajectory's step, with the context as it is now. The pair's own review is not in it
/// ([`apply_to_pair`]). `generated` finds candidates that controllers made.
pub fn created_pair(
    created: &CreatedPair,
    edited: &Edited,
    generated: impl Fn(&ContentHash) -> Option<Candidate>,
) -> Result<PreferencePair, PairError> {
    let none = || PairError::NoStep(created.step);
    let trajectory = edited.content.trajectory.as_ref().ok_or_else(none)?;
    let at = edited
        .steps
        .iter()
        .position(|step| step.key == created.step);
    let at = at.ok_or_else(none)?;
    let step = trajectory.steps.get(at).ok_or_else(none)?;
    let calls_tools = calls_tools(&trajectory.steps);
    let candidate = |reference: &CandidateReference| match reference {
        CandidateReference::Step => Ok(Candidate {
            thought: step.thought.clone(),
            action: step.action.clone(),
            observation: step.observation.clone(),
            reply: step.reply.clone(),
            ..Candidate::default()
        }),
        CandidateReference::Candidate(number) => (*number as usize)
            .checked_sub(1)
            .and_then(|index| step.candidates.get(index))
            .cloned()
            .ok_or(PairError::NoCandidate(created.step, *number)),
        CandidateReference::Generated(hash) => {
            generated(hash).ok_or(PairError::NotGenerated(*hash))
        }
        CandidateReference::Literal(texts) => {
            let step = literal_step(texts, calls_tools)?;
            Ok(Candidate {
                thought: step.thought,
                action: step.action,
                observation: step.observation,
                maker: Maker::Person(created.annotator.to_string()),
                ..Candidate::default()
            })
        }
    };
    Ok(PreferencePair {
        context: Context::before(trajectory, at),
        chosen: candidate(&created.pair.chosen)?,
        rejected: candidate(&created.pair.rejected)?,
        reason: Some(created.pair.reason.clone()).filter(|reason| !reason.is_empty()),
        part: Some(created.id.to_string()),
        provenance: trajectory.provenance.clone(),
    })
}
