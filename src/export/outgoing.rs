//! A record on its way out: what it says now, what people decided about it, and where its files are.

use std::collections::BTreeMap;

use super::Target;
use super::target::Holds;
use crate::domain::review::{
    ChangeKind, CreatedPair, EditedStep, Field, Review, ReviewState, Side, Staleness, StepKey,
};
use crate::domain::{PreferencePair, Record, TargetId};
use crate::media::PictureRoots;

/// A record as it is now. Items that a person did not ask for are taken out of `record.content`.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The record; its content has the edits of people in it, its raw text has not.
    pub record: Record,
    /// What everybody decided about its trajectory.
    pub review: Review,
    /// What all together decided about its trajectory.
    pub state: ReviewState,
    /// For each step of the trajectory where it comes from, and whether it still holds.
    pub steps: Vec<EditedStep>,
    /// For each pair of `record.content` what was decided about it.
    pub pairs: Vec<OutgoingPair>,
    /// Where its files are looked up.
    pub roots: PictureRoots,
}

/// What was decided about a pair.
#[derive(Debug, Clone, Default)]
pub struct OutgoingPair {
    /// What everybody decided.
    pub review: Review,
    /// What all together decided.
    pub state: ReviewState,
    /// What of it no longer holds.
    pub stale: PairStaleness,
}

/// What of a pair no longer holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PairStaleness {
    /// Steps of its context, or its own, from 1.
    pub steps: Vec<usize>,
    /// Its own step, where it is only an observation of a side: what the side did before it was edited led to it.
    pub observed: Option<usize>,
}

impl PairStaleness {
    /// Whether all of it holds.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.observed.is_none()
    }

    /// The steps that no longer hold in rows of a target. Rows of most trainers end in the reply of a side, and hold nothing of
    /// what it led to.
    fn in_rows_of(&self, target: &Target) -> Vec<usize> {
        let mut steps = self.steps.clone();
        if target.holds_observations_of_sides() {
            steps.extend(self.observed.filter(|step| !steps.contains(step)));
        }
        steps
    }
}

/// Why an item is left out unless somebody asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Withheld {
    /// People rejected it.
    Rejected,
    /// Annotators disagree.
    Disputed,
    /// A pair whose sides are equally good teaches nothing.
    Tie,
    /// Something before it was edited since it was made.
    Stale,
    /// It was reviewed when its source record was another; the review does not count, and nobody has looked again.
    SourceChanged,
}

impl Withheld {
    /// Every reason.
    pub const ALL: [Self; 5] = [
        Self::Rejected,
        Self::Disputed,
        Self::Tie,
        Self::Stale,
        Self::SourceChanged,
    ];

    /// Its name: `--include NAME`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Disputed => "disputed",
            Self::Tie => "tie",
            Self::Stale => "stale",
            Self::SourceChanged => "source-changed",
        }
    }
}

/// An item that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The trajectory or pair.
    pub id: TargetId,
    /// Why.
    pub reason: Withheld,
    /// The steps that are stale, from 1.
    pub steps: Vec<usize>,
}

impl From<Record> for Outgoing {
    /// A record that nobody has looked at, and whose files are not known.
    fn from(record: Record) -> Self {
        let count = record.content.trajectory.as_ref();
        let count = count.map_or(0, |trajectory| trajectory.steps.len());
        let steps = (1..=count as u32).map(|number| EditedStep {
            key: StepKey::Source(number),
            stale: None,
            is_edited: false,
        });
        Self {
            review: Review::default(),
            state: ReviewState::default(),
            steps: steps.collect(),
            pairs: vec![OutgoingPair::default(); record.content.pairs.len()],
            roots: PictureRoots::default(),
            record,
        }
    }
}

impl Outgoing {
    /// The id of the record, or of one of its pairs.
    pub fn target(&self, part: Option<&str>) -> TargetId {
        TargetId {
            record: self.record.id.clone(),
            part: part.map(str::to_owned),
        }
    }

    /// The numbers of the steps that are stale, from 1.
    pub fn stale_steps(&self) -> Vec<usize> {
        stale_numbers(&self.steps)
    }

    /// The pairs with what was decided about each.
    pub fn pairs(&self) -> impl Iterator<Item = (&PreferencePair, &OutgoingPair)> {
        self.record.content.pairs.iter().zip(&self.pairs)
    }

    /// Keeps only pairs, and only those for which `keep` holds.
    pub fn keep_pairs(&mut self, mut keep: impl FnMut(&PreferencePair) -> bool) {
        self.record.content.trajectory = None;
        self.retain_pairs(|pair, _| keep(pair));
    }

    fn retain_pairs(&mut self, mut keep: impl FnMut(&PreferencePair, &OutgoingPair) -> bool) {
        let pairs = std::mem::take(&mut self.record.content.pairs);
        let abouts = std::mem::take(&mut self.pairs);
        for (pair, about) in pairs.into_iter().zip(abouts) {
            if keep(&pair, &about) {
                self.record.content.pairs.push(pair);
                self.pairs.push(about);
            }
        }
    }

    /// Takes out what must not be exported without a person's word for it. What the target does not hold stays: its
    /// writer does not look at it.
    pub(super) fn withhold(&mut self, target: &Target, include: &[Withheld]) -> Vec<LeftOut> {
        let mut left_out = Vec::new();
        let id = self.record.id.clone();
        let mut leave = |part: Option<&str>, reason: Option<Withheld>, steps: Vec<usize>| {
            left_out.extend(reason.map(|reason| LeftOut {
                id: TargetId {
                    record: id.clone(),
                    part: part.map(str::to_owned),
                },
                reason,
                steps,
            }));
            reason.is_some()
        };
        let stale = self.stale_steps();
        let mut included = include.to_vec();
        if target.takes_rejected {
            included.push(Withheld::Rejected);
        }
        let own = reason(&self.review, self.state, &stale, &included);
        let content = &mut self.record.content;
        match target.holds {
            Holds::Records => {
                if leave(None, own, stale) {
                    content.trajectory = None;
                    content.pairs.clear();
                    self.pairs.clear();
                }
                return left_out;
            }
            Holds::Trajectories | Holds::Both => {
                if content.trajectory.is_some() && leave(None, own, stale) {
                    content.trajectory = None;
                }
            }
            Holds::Pairs => {}
        }
        if matches!(target.holds, Holds::Pairs | Holds::Both) {
            self.retain_pairs(|pair, about| {
                let stale = about.stale.in_rows_of(target);
                let reason = reason(&about.review, about.state, &stale, include);
                !leave(pair.part.as_deref(), reason, stale)
            });
        }
        left_out
    }
}

fn reason(
    review: &Review,
    state: ReviewState,
    stale: &[usize],
    include: &[Withheld],
) -> Option<Withheld> {
    let decided = match state {
        ReviewState::Rejected => Some(Withheld::Rejected),
        ReviewState::Disputed => Some(Withheld::Disputed),
        ReviewState::Tie => Some(Withheld::Tie),
        ReviewState::Unreviewed if review.source_changed() => Some(Withheld::SourceChanged),
        ReviewState::Accepted | ReviewState::Unreviewed => None,
    };
    let is_stale = (!stale.is_empty()).then_some(Withheld::Stale);
    let reasons = [decided, is_stale];
    reasons
        .into_iter()
        .flatten()
        .find(|reason| !include.contains(reason))
}

fn stale_numbers(steps: &[EditedStep]) -> Vec<usize> {
    let numbered = (1..).zip(steps);
    numbered
        .filter(|(_, step)| step.stale.is_some())
        .map(|(number, _)| number)
        .collect()
}

/// What of a pair no longer holds: of a pair that a person made of a trajectory whose `steps` are these, stale steps before
/// its own, and its own if it is a side; and the observation of a side whose code was edited, until it is written, too.
pub fn staleness_of_pair(
    pair: &PreferencePair,
    review: &Review,
    created: Option<&CreatedPair>,
    steps: &[EditedStep],
) -> PairStaleness {
    let own = pair.step_number();
    let mut stale = PairStaleness::default();
    if let Some(created) = created {
        let before = steps.iter().take_while(|step| step.key != created.step);
        stale.steps = stale_numbers(&before.copied().collect::<Vec<_>>());
        let is_side = [&created.pair.chosen, &created.pair.rejected]
            .contains(&&crate::domain::review::CandidateReference::Step);
        let at = steps.iter().find(|step| step.key == created.step);
        match at.and_then(|step| step.stale).filter(|_| is_side) {
            Some(Staleness::Step) => stale.steps.push(own),
            Some(Staleness::Observation) => stale.observed = Some(own),
            None => {}
        }
    }
    let mut unseen: BTreeMap<Side, bool> = BTreeMap::new();
    for change in &review.changes {
        if let ChangeKind::Edit(edit) = &change.kind
            && let Some(side) = edit.side
        {
            match edit.field {
                Field::Code => drop(unseen.insert(side, true)),
                Field::Observation => drop(unseen.insert(side, false)),
                _ => {}
            }
        }
    }
    let has_observation = |side: &Side| match (side, review.swapped) {
        (Side::Chosen, false) | (Side::Rejected, true) => pair.chosen.observation.is_some(),
        _ => pair.rejected.observation.is_some(),
    };
    let mut sides = unseen.iter();
    if sides.any(|(side, is_unseen)| *is_unseen && has_observation(side)) {
        stale.observed = Some(own);
    }
    stale
}
