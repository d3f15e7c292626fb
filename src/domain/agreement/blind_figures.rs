use std::collections::BTreeMap;
use std::sync::Arc;

use super::Undefined;
use super::review_ratings::is_few;
use crate::domain::Candidate;
use crate::domain::review::{BlindVote, Field, Side, candidate_text};

/// A share of fewer votes says nothing of an annotator.
pub const FEWEST_VOTES: usize = 5;

/// How long the sides of a pair are, in characters, by their names as the pair was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SideLengths {
    /// The side that was chosen.
    pub chosen: usize,
    /// The other one.
    pub rejected: usize,
}

impl SideLengths {
    /// The lengths of two candidates: characters of thought and action.
    pub fn of(chosen: &Candidate, rejected: &Candidate) -> Self {
        let length = |candidate: &Candidate| {
            let parts = [Field::Thought, Field::Code];
            let characters = |field| candidate_text(candidate, field).chars().count();
            parts.into_iter().map(characters).sum()
        };
        Self {
            chosen: length(chosen),
            rejected: length(rejected),
        }
    }

    /// The longer side, if one is.
    pub fn longer(&self) -> Option<Side> {
        match self.chosen.cmp(&self.rejected) {
            std::cmp::Ordering::Greater => Some(Side::Chosen),
            std::cmp::Ordering::Less => Some(Side::Rejected),
            std::cmp::Ordering::Equal => None,
        }
    }
}

/// The blind votes on pairs, by annotator.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BlindVotes {
    by: BTreeMap<Arc<str>, Vec<VotedPair>>,
}

/// What one annotator said of one pair, oldest first; never empty.
#[derive(Debug, Clone, PartialEq)]
struct VotedPair {
    votes: Vec<BlindVote>,
    lengths: Option<SideLengths>,
    is_hidden: bool,
}

/// A share of votes, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// How many of how many; `None` where that is withheld.
    pub counts: Option<ShareCounts>,
    /// The share.
    pub share: Result<f64, Undefined>,
}

/// How many of how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShareCounts {
    /// How many.
    pub count: usize,
    /// Of how many.
    pub of: usize,
}

/// How an annotator votes in blind mode.
#[derive(Debug, Clone, PartialEq)]
pub struct BlindFigures {
    /// Who.
    pub annotator: String,
    /// How many votes; `None` where that is withheld.
    pub votes: Option<usize>,
    /// Self-consistency: of the votes on a pair that was shown again those that say the same as the first one.
    pub consistent: Share,
    /// Side bias: of the votes for a side those for the left one. By chance it is a half.
    pub left: Share,
    /// Length bias: of the votes for a side of pairs whose sides differ in length those for the longer one.
    pub longer: Share,
}

impl BlindVotes {
    /// Adds what annotators said of one pair; `lengths` if it could be read, `is_hidden` where who asks may not know the votes
    /// of others yet.
    pub fn add(
        &mut self,
        votes: &BTreeMap<Arc<str>, Vec<BlindVote>>,
        lengths: Option<SideLengths>,
        is_hidden: bool,
    ) {
        for (who, votes) in votes.iter().filter(|(_, votes)| !votes.is_empty()) {
            self.by.entry(Arc::clone(who)).or_default().push(VotedPair {
                votes: votes.clone(),
                lengths,
                is_hidden,
            });
        }
    }

    /// The figures of each annotator who voted, by name.
    pub fn figures(&self) -> Vec<BlindFigures> {
        let figures = self.by.iter().map(|(who, pairs)| figures_of(who, pairs));
        figures.collect()
    }
}

fn figures_of(who: &str, pairs: &[VotedPair]) -> BlindFigures {
    let hidden = pairs.iter().filter(|pair| pair.is_hidden).count();
    if is_few(hidden) {
        let withheld = Share {
            counts: None,
            share: Err(Undefined::Withheld),
        };
        return BlindFigures {
            annotator: who.to_owned(),
            votes: None,
            consistent: withheld,
            left: withheld,
            longer: withheld,
        };
    }
    let left = |_: &VotedPair, vote: &BlindVote| Some(vote.preferred? == vote.left);
    let longer = |pair: &VotedPair, vote: &BlindVote| {
        Some(vote.preferred? == pair.lengths.as_ref()?.longer()?)
    };
    BlindFigures {
        annotator: who.to_owned(),
        votes: Some(pairs.iter().map(|pair| pair.votes.len()).sum()),
        consistent: share(pairs, 1, |pair, vote| {
            let first = pair.votes.first()?;
            Some(vote.preferred == first.preferred)
        }),
        left: share(pairs, 0, left),
        longer: share(pairs, 0, longer),
    }
}

/// The share of the votes that a test holds for; the first `skipped` of each pair and those that it does not answer for are
/// left out.
fn share(
    pairs: &[VotedPair],
    skipped: usize,
    test: impl Fn(&VotedPair, &BlindVote) -> Option<bool>,
) -> Share {
    let mut counts = ShareCounts::default();
    let mut hidden = 0;
    for pair in pairs {
        let votes = pair.votes.iter().skip(skipped);
        let answers: Vec<bool> = votes.filter_map(|vote| test(pair, vote)).collect();
        counts.of += answers.len();
        counts.count += answers.iter().filter(|holds| **holds).count();
        hidden += usize::from(pair.is_hidden && !answers.is_empty());
    }
    if is_few(hidden) {
        return Share {
            counts: None,
            share: Err(Undefined::Withheld),
        };
    }
    let share = match counts.of {
        0 if skipped > 0 => Err(Undefined::NothingRepeated),
        few if few < FEWEST_VOTES => Err(Undefined::FewVotes),
        of => Ok(counts.count as f64 / of as f64),
    };
    Share {
        counts: Some(counts),
        share,
    }
}
