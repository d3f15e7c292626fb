use crate::domain::TargetId;
use crate::domain::review::{Draft, Target, Verb};

use super::{Decided, DecisionError, DecisionWriter, NewlyStale, Subject, consequences};

/// Decisions that are saved together: one undo reverses them.
#[derive(Debug, Default)]
pub struct Batch {
    /// What is to be saved.
    pub drafts: Vec<Draft>,
    /// What each draft changes.
    pub changed: Vec<Changed>,
    /// What was so already.
    pub unchanged: Vec<TargetId>,
}

/// A trajectory, pair or step that a draft is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The trajectory or pair.
    pub id: TargetId,
    /// The step's number, as it was shown when it was decided about.
    pub step: Option<u32>,
    /// Whether it is a pair.
    pub is_pair: bool,
    /// What becomes stale of it.
    pub stale: Vec<NewlyStale>,
}

impl Batch {
    /// Takes in what was decided about a subject, and lets the writer keep its record's text; an error if it could not be
    /// applied to what is shown.
    pub fn add(
        &mut self,
        subject: &Subject,
        decided: Decided,
        writer: &DecisionWriter,
    ) -> Result<(), DecisionError> {
        let Some((target, verb)) = decided else {
            self.unchanged.push(subject.id().clone());
            return Ok(());
        };
        let stale = consequences(subject, &target, &verb).map_err(|reason| {
            let id = subject.id().clone();
            DecisionError::Conflict { id, reason }
        })?;
        let place = target.step.and_then(|key| subject.place_of(key));
        self.drafts.push(draft(subject.id(), target, verb)?);
        self.changed.push(Changed {
            id: subject.id().clone(),
            step: place.and_then(|place| u32::try_from(place + 1).ok()),
            is_pair: subject.is_pair(),
            stale,
        });
        writer.keep_text(&subject.record);
        Ok(())
    }
}

/// A draft, or why the verb can't stand there.
pub fn draft(id: &TargetId, target: Target, verb: Verb) -> Result<Draft, DecisionError> {
    Draft::new(target, verb).map_err(|reason| DecisionError::Draft {
        id: id.clone(),
        reason,
    })
}
