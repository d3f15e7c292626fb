use std::collections::HashMap;

use uuid::Uuid;

use super::{ReviewRecord, Side, Verb};
use crate::domain::TargetId;

/// A pair that is shown again comes behind at least so many other votes of the same annotator.
pub const OTHER_VOTES: usize = 10;

/// By how many more votes chance puts it off, at most.
const PUT_OFF: u64 = 10;

/// What an annotator said of a pair without knowing which side was which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlindVote {
    /// The record.
    pub record: Uuid,
    /// The better side, by its name as the pair was made; `None` if both are equally good.
    pub preferred: Option<Side>,
    /// The side that stood to the left.
    pub left: Side,
}

impl BlindVote {
    /// The vote that a record gives, if it gives one in blind mode.
    pub fn of(record: &ReviewRecord) -> Option<Self> {
        let (preferred, left) = match &record.verb {
            Verb::AcceptPair(accepted) => {
                let preferred = Side::Chosen.turned_if(accepted.swapped);
                (Some(preferred), accepted.left?)
            }
            Verb::TieBlind(shown) => (None, shown.left),
            _ => return None,
        };
        Some(Self {
            record: record.id,
            preferred,
            left,
        })
    }
}

/// The side that stands to the left in blind mode, by its name as the pair was made: by chance, but the same for the same
/// annotator, pair and number of votes that they gave on it before, so that looking twice shows the same, and a repetition
/// may show the sides exchanged.
pub fn left_side(annotator: &str, pair: &TargetId, votes: usize) -> Side {
    let number = chance(&["side", annotator, &pair.to_string(), &votes.to_string()]);
    match number % 2 {
        0 => Side::Chosen,
        _ => Side::Rejected,
    }
}

/// The pairs that are to be shown again in blind mode, those first that have waited longest.
///
/// `voted` names the pair of each blind vote of the annotator that counts, oldest first. `share` of all pairs, from 0 to 1,
/// are shown again, each once, [`OTHER_VOTES`] to twice as many votes on other pairs later; `is_end` where nothing else is left
/// to be shown: then [`OTHER_VOTES`] are enough.
pub fn due_again<'a>(
    annotator: &str,
    voted: &[&'a TargetId],
    share: f64,
    is_end: bool,
) -> Vec<&'a TargetId> {
    let mut counts: HashMap<&TargetId, usize> = HashMap::new();
    for pair in voted {
        *counts.entry(pair).or_default() += 1;
    }
    let is_due = |(place, pair): &(usize, &&TargetId)| {
        if counts.get(**pair) != Some(&1) || !is_repeated(annotator, pair, share) {
            return false;
        }
        let put_off = match is_end {
            true => 0,
            false => chance(&["wait", annotator, &pair.to_string()]) % (PUT_OFF + 1),
        };
        let since = voted.len() - place - 1;
        since as u64 >= OTHER_VOTES as u64 + put_off
    };
    let due = voted.iter().enumerate().filter(is_due);
    due.map(|(_, pair)| *pair).collect()
}

/// Whether a pair is one of those that this annotator is shown again.
fn is_repeated(annotator: &str, pair: &TargetId, share: f64) -> bool {
    let number = chance(&["repeat", annotator, &pair.to_string()]);
    // 53 bits are what a float holds exactly.
    let place = (number >> 11) as f64 / (1_u64 << 53) as f64;
    place < share
}

/// A number that anybody can compute again from the same words.
fn chance(words: &[&str]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for word in words {
        hasher.update(&(word.len() as u64).to_le_bytes());
        hasher.update(word.as_bytes());
    }
    let hash = hasher.finalize();
    let bytes = hash.as_bytes().iter().take(8);
    bytes.fold(0, |number, byte| (number << 8) | u64::from(*byte))
}
