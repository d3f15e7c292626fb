use uuid::Uuid;

use super::{Reversal, Target, Verb};

/// A record before it is written: the journal adds number, id, time, annotator and checksum.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    target: Option<Target>,
    verb: Verb,
    batch: Option<Uuid>,
}

/// A verb that can't stand on this target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// It is about a step, and none is named.
    #[error("`{0}` is about a step: name one")]
    NeedsStep(&'static str),
    /// It is about a whole trajectory or pair.
    #[error("`{0}` is about the whole trajectory or pair, not about a step")]
    NoStep(&'static str),
    /// It is about a trajectory.
    #[error("`{0}` is about a trajectory, not about a pair")]
    NeedsTrajectory(&'static str),
    /// An edit of a pair that does not say of which candidate.
    #[error("an edit of a pair says which candidate it is of")]
    NeedsSide,
    /// An edit of the task or the answer says a candidate.
    #[error("task and answer are not of one candidate")]
    NoSide,
    /// A step can't come after itself.
    #[error("a step can't be moved behind itself")]
    AfterItself,
    /// A tag without letters.
    #[error("a tag can't be empty")]
    EmptyTag,
    /// A verb of another version can't be written.
    #[error("a verb that this version does not know can't be written")]
    Unknown,
}

impl Draft {
    /// A record about a trajectory, a pair or a step.
    pub fn new(target: Target, verb: Verb) -> Result<Self, DraftError> {
        check(&target, &verb)?;
        Ok(Self {
            target: Some(target),
            verb,
            batch: None,
        })
    }

    /// A record that switches a batch off.
    pub fn undo(batch: Uuid) -> Self {
        Self::reversal(Verb::Undo(Reversal { reverses: batch }))
    }

    /// A record that takes an undo back.
    pub fn redo(undo: Uuid) -> Self {
        Self::reversal(Verb::Redo(Reversal { reverses: undo }))
    }

    fn reversal(verb: Verb) -> Self {
        Self {
            target: None,
            verb,
            batch: None,
        }
    }

    /// Lets it be undone together with a batch that is written already: a verdict with the pair it is about.
    #[must_use]
    pub fn joining(mut self, batch: Uuid) -> Self {
        self.batch = Some(batch);
        self
    }

    /// What it is about.
    pub fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    /// What it says.
    pub fn verb(&self) -> &Verb {
        &self.verb
    }

    /// The batch that it joins.
    pub fn batch(&self) -> Option<Uuid> {
        self.batch
    }
}

fn check(target: &Target, verb: &Verb) -> Result<(), DraftError> {
    let has_part = target.reference.id.part.is_some();
    let step = |name| target.step.map(drop).ok_or(DraftError::NeedsStep(name));
    let whole = |name| match target.step {
        Some(_) => Err(DraftError::NoStep(name)),
        None => Ok(()),
    };
    let trajectory = |name| match has_part {
        true => Err(DraftError::NeedsTrajectory(name)),
        false => Ok(()),
    };
    match verb {
        Verb::Accept | Verb::AcceptPair(_) => whole("accept"),
        Verb::Reject(_) => whole("reject"),
        // A record that is one pair has no part, so a pair can't be told from a trajectory here.
        Verb::Tie | Verb::TieBlind(_) => whole("tie"),
        Verb::PairSwap(_) => whole("pair-swap"),
        Verb::Assign(_) => whole("assign"),
        Verb::Adjudicate(_) => whole("adjudicate"),
        Verb::Tag(tag) | Verb::Untag(tag) if tag.tag.trim().is_empty() => Err(DraftError::EmptyTag),
        Verb::Tag(_) | Verb::Untag(_) => whole("tag"),
        Verb::Note(_) => Ok(()),
        Verb::Label(_) => step("label"),
        Verb::FirstWrongStep => step("first-wrong-step"),
        Verb::Fresh => step("fresh").and_then(|()| trajectory("fresh")),
        Verb::RemoveStep => step("remove-step").and_then(|()| trajectory("remove-step")),
        Verb::MoveStep(place) => {
            step("move-step")?;
            if place.after == target.step {
                return Err(DraftError::AfterItself);
            }
            trajectory("move-step")
        }
        Verb::AddStep(_) => whole("add-step").and_then(|()| trajectory("add-step")),
        Verb::ToolResult(_) => step("tool-result").and_then(|()| trajectory("tool-result")),
        Verb::PairNew(_) => step("pair-new").and_then(|()| trajectory("pair-new")),
        Verb::Edit(edit) => match (edit.field.is_of_step(), edit.side) {
            (false, Some(_)) => Err(DraftError::NoSide),
            (false, None) | (true, Some(_)) => whole("edit"),
            (true, None) if has_part => Err(DraftError::NeedsSide),
            (true, None) => step("edit"),
        },
        Verb::Undo(_) | Verb::Redo(_) | Verb::Unknown(_) => Err(DraftError::Unknown),
    }
}
