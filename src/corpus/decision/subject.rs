use crate::corpus::{Corpus, Current, MatchedTarget};
use crate::domain::review::{Review, StepKey, Target};
use crate::domain::{PreferencePair, Record, ReviewState, TargetId};
use crate::workspace::KeptCandidates;

use super::DecisionError;

/// A trajectory or a pair as it is now, that somebody decides about.
pub struct Subject {
    /// The record, as its source has it.
    pub record: Record,
    /// The record, as it is now.
    pub current: Current,
    /// The whole trajectory or pair, as records of a journal name it.
    pub target: Target,
    /// The step that a query found, from 1.
    pub step: Option<u32>,
    /// Candidates that pairs are made of.
    pub kept: KeptCandidates,
}

impl Subject {
    /// What an id, a pair's id or a content hash names.
    pub fn named(corpus: &Corpus, id: &str) -> Result<Self, DecisionError> {
        Self::of(corpus, &TargetId::parse(id.trim()), None)
    }

    /// What a query found; a step's is its trajectory, with the step in [`Self::step`].
    pub fn matched(corpus: &Corpus, found: &MatchedTarget) -> Result<Self, DecisionError> {
        let subject = Self::of(corpus, &found.id, found.step)?;
        match subject.record.hash == found.hash {
            true => Ok(subject),
            // The index was brought up to date a moment ago.
            false => Err(DecisionError::Changing(found.id.clone())),
        }
    }

    fn of(corpus: &Corpus, id: &TargetId, step: Option<u32>) -> Result<Self, DecisionError> {
        let record = corpus.find(id)?;
        let current = corpus.current(&record);
        let id = TargetId {
            record: record.id.clone(),
            part: id.part.clone(),
        };
        if id.part.is_some() && current.pair(id.part.as_deref()).is_none() {
            // A pair that a person made is decided about even where its step is gone.
            let made = current.review.pairs.iter();
            if !made.map(|pair| pair.target(&id)).any(|made| made == id) {
                return Err(no_pair(&id, &current));
            }
        }
        Ok(Self {
            target: Target::new(id, record.hash),
            record,
            current,
            step,
            kept: corpus.kept_candidates().clone(),
        })
    }

    /// Its id.
    pub fn id(&self) -> &TargetId {
        &self.target.reference.id
    }

    /// Whether it is a pair and not a trajectory.
    pub fn is_pair(&self) -> bool {
        self.id().part.is_some() || self.current.content.trajectory.is_none()
    }

    /// The pair, if it is one that can be shown.
    pub fn pair(&self) -> Option<&PreferencePair> {
        let part = self.id().part.as_deref();
        let pair = self.current.pair(part).filter(|_| self.is_pair());
        pair.map(|(pair, _)| pair)
    }

    /// What people decided about it, as far as it may be seen.
    pub fn review(&self) -> &Review {
        static NOTHING: std::sync::LazyLock<Review> = std::sync::LazyLock::new(Review::default);
        match self.id().part.as_deref() {
            None => &self.current.review,
            part => self
                .current
                .pair(part)
                .map_or(&*NOTHING, |(_, about)| &about.review),
        }
    }

    /// What all together decided, as far as it may be seen.
    pub fn state(&self) -> ReviewState {
        match self.id().part.as_deref() {
            None => self.current.state,
            part => self
                .current
                .pair(part)
                .map_or(ReviewState::Unreviewed, |(_, about)| about.state),
        }
    }

    /// How many steps its trajectory has now.
    pub fn step_count(&self) -> usize {
        match self.is_pair() {
            true => 0,
            false => self.current.steps.len(),
        }
    }

    /// The name of the step with this number, as steps are shown now.
    pub fn step_key(&self, number: u32) -> Result<StepKey, DecisionError> {
        let count = self.step_count();
        let index = (number as usize)
            .checked_sub(1)
            .filter(|index| *index < count);
        let step = index.and_then(|index| self.current.steps.get(index));
        step.map(|step| step.key)
            .ok_or_else(|| DecisionError::NoStep {
                id: self.id().clone(),
                step: number,
                count,
            })
    }

    /// The step with this number, as steps are shown now.
    pub fn step_target(&self, number: u32) -> Result<Target, DecisionError> {
        Ok(self.target.with_step(self.step_key(number)?))
    }

    /// Where the step with this name is shown, from 0.
    pub fn place_of(&self, key: StepKey) -> Option<usize> {
        self.current.steps.iter().position(|step| step.key == key)
    }

    /// An error if the record's content hash does not begin as it was expected to: nothing is decided about what one has
    /// not seen.
    pub fn expect_hash(&self, expected: Option<&str>) -> Result<(), DecisionError> {
        let hash = self.record.hash.to_string();
        match expected {
            Some(expected) if !hash.starts_with(expected) => Err(DecisionError::OtherRecord {
                id: self.id().clone(),
                hash,
                expected: expected.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// An error if it is no pair.
    pub fn expect_pair(&self) -> Result<(), DecisionError> {
        match self.is_pair() {
            true => Ok(()),
            false => Err(DecisionError::NotAPair(self.id().clone())),
        }
    }
}

/// The error of an id that names a pair which is not there.
pub fn no_pair(id: &TargetId, current: &Current) -> DecisionError {
    let parts = current.content.pairs.iter();
    DecisionError::NoPair {
        id: id.clone(),
        known: parts.filter_map(|pair| pair.part.clone()).collect(),
    }
}
