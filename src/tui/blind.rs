//! Blind mode: which side of a pair stands where, and what may not be told before the vote.

use crate::corpus::Inspection;
use crate::domain::TargetId;
use crate::domain::review::{Side, left_side};

use super::action::Action;

/// How a pair is shown to somebody in blind mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlindLook {
    /// The side that stands to the left, by its name as the pair was made: what a vote records.
    pub left: Side,
    /// Whether the side that is the chosen one now stands to the right.
    pub is_turned: bool,
}

impl BlindLook {
    /// How this annotator sees the pair now.
    pub fn of(record: &Inspection, id: &TargetId, annotator: &str) -> Self {
        let about = record.current.pair(id.part.as_deref());
        let review = about.map(|(_, about)| &about.review);
        let votes = review.and_then(|review| review.blind_votes.get(annotator));
        let left = left_side(annotator, id, votes.map_or(0, Vec::len));
        let swapped = review.is_some_and(|review| review.swapped);
        Self {
            left,
            is_turned: left.turned_if(swapped) == Side::Rejected,
        }
    }

    /// The side, by its name as the pair was made, that stands to the left or right.
    pub fn side(&self, is_left: bool) -> Side {
        self.left.turned_if(!is_left)
    }
}

/// Whether an action would tell which side is which, or asks for somebody who knows.
pub fn tells_sides(action: Action) -> bool {
    matches!(
        action,
        Action::Accept | Action::Swap | Action::EditField | Action::RawRecord | Action::Adjudicate
    )
}
