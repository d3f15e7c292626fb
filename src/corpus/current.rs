//! Records as they are now: what their sources say, with what people decided.

use std::sync::{PoisonError, RwLockReadGuard, RwLockWriteGuard};

use crate::domain::review::{
    Conflict, EditedStep, Review, ReviewRecord, ReviewState, StepKey, apply, apply_to_pair,
    created_pair,
};
use crate::domain::{Content, ContentHash, Record, RecordId, TargetId};
use crate::journal::JournalFolder;
use crate::workspace::KeptCandidates;

use super::Corpus;
use super::review_facts::ReviewFacts;

/// A record's content as it is shown, searched and exported, and how it came to be so.
#[derive(Debug, Clone, PartialEq)]
pub struct Current {
    /// What it says now; pairs that people made come after those of the source.
    pub content: Content,
    /// What people decided about the record, as far as it may be seen.
    pub review: Review,
    /// What all together decided.
    pub state: ReviewState,
    /// For each step of the trajectory where it comes from, and whether it still holds.
    pub steps: Vec<EditedStep>,
    /// For each pair of `content` what was decided about it.
    pub pairs: Vec<CurrentPair>,
    /// Changes that did not meet what they were made for.
    pub conflicts: Vec<Conflict>,
    /// Pairs that people made and that can't be shown, with the reason.
    pub lost_pairs: Vec<String>,
}

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Eyes {
    /// The annotator, from whom others' verdicts may be hidden.
    Annotator,
    /// Whoever may see everything.
    All,
}

/// What was decided about a pair.
#[derive(Debug, Clone, PartialEq)]
pub struct CurrentPair {
    /// Its id.
    pub target: TargetId,
    /// What people decided, as far as it may be seen.
    pub review: Review,
    /// What all together decided.
    pub state: ReviewState,
    /// Whether a person made it.
    pub is_created: bool,
}

impl Current {
    /// A record that nobody has looked at.
    pub fn untouched(id: &RecordId, content: Content) -> Self {
        let count = content.trajectory.as_ref().map_or(0, |t| t.steps.len());
        let pair = |part: &Option<String>| CurrentPair {
            target: TargetId {
                record: id.clone(),
                part: part.clone(),
            },
            review: Review::default(),
            state: ReviewState::default(),
            is_created: false,
        };
        Self {
            review: Review::default(),
            state: ReviewState::default(),
            steps: (1..=count as u32)
                .map(|number| EditedStep {
                    key: StepKey::Source(number),
                    stale: None,
                    is_edited: false,
                })
                .collect(),
            pairs: content.pairs.iter().map(|p| pair(&p.part)).collect(),
            conflicts: Vec::new(),
            lost_pairs: Vec::new(),
            content,
        }
    }

    /// What the documents of the record say of its review.
    pub fn facts(&self) -> ReviewFacts {
        ReviewFacts::of(&self.review, self.state, &self.steps)
    }

    /// The pair with this part, and what was decided about it.
    pub fn pair(
        &self,
        part: Option<&str>,
    ) -> Option<(&crate::domain::PreferencePair, &CurrentPair)> {
        self.content
            .pairs
            .iter()
            .zip(&self.pairs)
            .find(|(pair, _)| pair.part.as_deref() == part)
    }
}

impl CurrentPair {
    /// What the document of the pair says of its review.
    pub fn facts(&self) -> ReviewFacts {
        ReviewFacts::of(&self.review, self.state, &[])
    }
}

impl Corpus {
    /// The journals, as they were read last.
    pub fn journals(&self) -> RwLockReadGuard<'_, JournalFolder> {
        self.journals.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The candidates that pairs were made of.
    pub fn kept_candidates(&self) -> &KeptCandidates {
        &self.kept_candidates
    }

    pub(super) fn journals_mut(&self) -> RwLockWriteGuard<'_, JournalFolder> {
        self.journals
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes records that this process has just committed.
    pub fn take_records(&self, records: Vec<ReviewRecord>) {
        self.journals_mut().add(records);
    }

    /// A record as it is now.
    pub fn current(&self, record: &Record) -> Current {
        self.current_content(&record.id, &record.hash, record.content.clone())
    }

    /// A record as it is now with what everybody decided, whoever may see it: what an export goes by.
    pub fn current_for_all(&self, record: &Record) -> Current {
        self.current_as(&record.id, &record.hash, record.content.clone(), Eyes::All)
    }

    pub(super) fn current_content(
        &self,
        id: &RecordId,
        hash: &ContentHash,
        content: Content,
    ) -> Current {
        self.current_as(id, hash, content, Eyes::Annotator)
    }

    fn current_as(
        &self,
        id: &RecordId,
        hash: &ContentHash,
        content: Content,
        eyes: Eyes,
    ) -> Current {
        if self.journals().reviews().is_empty() {
            return Current::untouched(id, content);
        }
        let whole = TargetId {
            record: id.clone(),
            part: None,
        };
        let full = self.full_review(&whole, hash);
        let created = full.pairs.clone();
        let mut current = Current::untouched(id, content);
        if !full.is_empty() {
            let edited = apply(&self.as_shown(&full, eyes), &current.content);
            let parts = |content: &Content| content.pairs.len();
            let mut made = Vec::new();
            for pair in &created {
                match created_pair(pair, &edited, |hash| self.kept_candidates.find(hash)) {
                    Ok(made_pair) => made.push((pair.target(&whole), made_pair)),
                    Err(error) => {
                        current
                            .lost_pairs
                            .push(format!("{}: {error}", pair.target(&whole)));
                    }
                }
            }
            debug_assert_eq!(parts(&edited.content), current.pairs.len());
            current.steps = edited.steps;
            current.conflicts = edited.conflicts;
            current.content = edited.content;
            for (target, pair) in made {
                current.content.pairs.push(pair);
                current.pairs.push(CurrentPair {
                    target,
                    review: Review::default(),
                    state: ReviewState::default(),
                    is_created: true,
                });
            }
        }
        for (pair, about) in current.content.pairs.iter_mut().zip(&mut current.pairs) {
            // A record that is one pair was changed above.
            let review = match about.target.part {
                None => full.clone(),
                Some(_) => self.full_review(&about.target, hash),
            };
            if about.target.part.is_some() && !review.is_empty() {
                let edited = apply_to_pair(&self.as_shown(&review, eyes), pair);
                *pair = edited.pair;
                current.conflicts.extend(edited.conflicts);
            }
            about.state = self.visible_state(&review, eyes);
            about.review = self.visible(review, eyes);
        }
        current.state = self.visible_state(&full, eyes);
        current.review = self.visible(full, eyes);
        current
    }

    /// Everything that was decided about a trajectory or pair, whoever may see it.
    pub fn full_review(&self, target: &TargetId, hash: &ContentHash) -> Review {
        let elsewhere = |other: &TargetId| matches!(self.row_of(&other.record), Ok(Some(_)));
        self.journals().reviews().review(target, hash, elsewhere)
    }

    /// A review whose sides are exchanged as far as this annotator may see it: which side others prefer is a verdict.
    fn as_shown(&self, review: &Review, eyes: Eyes) -> Review {
        Review {
            swapped: self.visible(review.clone(), eyes).swapped,
            ..review.clone()
        }
    }

    /// What of a review this annotator may see.
    fn visible(&self, review: Review, eyes: Eyes) -> Review {
        if eyes == Eyes::Annotator && self.config.review.blind && review.adjudication.is_none() {
            review.visible_to(&self.config.review.annotator)
        } else {
            review
        }
    }

    /// What of a review's state this annotator may see: that others disagree is no verdict, and what was adjudicated is
    /// settled.
    fn visible_state(&self, review: &Review, eyes: Eyes) -> ReviewState {
        let state = review.state();
        if eyes == Eyes::All {
            return state;
        }
        let own = review
            .verdicts
            .contains_key(self.config.review.annotator.as_str());
        let open = !self.config.review.blind || own || review.adjudication.is_some();
        if open || state == ReviewState::Disputed {
            state
        } else {
            ReviewState::Unreviewed
        }
    }
}
