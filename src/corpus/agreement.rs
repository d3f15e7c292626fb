use crate::domain::TargetId;
use crate::domain::agreement::{ReviewRatings, ReviewedKind, SideLengths};
use crate::index::DocumentKind;
use crate::index::query::Query;

use super::{Corpus, CorpusError};

impl Corpus {
    /// What annotators said of everything that a query finds; a step stands for its trajectory.
    pub fn ratings(&self, query: &Query) -> Result<ReviewRatings, CorpusError> {
        let mut ratings = ReviewRatings::default();
        if self.journals().reviews().is_empty() {
            return Ok(ratings);
        }
        let own = self.config.review.annotator.as_str();
        for found in self.items_of(query)? {
            let review = self.full_review(&found.id, &found.hash);
            let kind = match found.kind {
                DocumentKind::Pair => ReviewedKind::Pair,
                DocumentKind::Trajectory | DocumentKind::Step => ReviewedKind::Trajectory,
            };
            let is_hidden = self.config.review.blind
                && review.adjudication.is_none()
                && !review.verdicts.contains_key(own);
            ratings.add(kind, &review, is_hidden);
            if !review.blind_votes.is_empty() {
                // A pair that can't be read now was voted on all the same.
                let lengths = self.side_lengths(&found.id).ok().flatten();
                ratings.add_blind_votes(&review, lengths, is_hidden);
            }
        }
        Ok(ratings)
    }

    /// How long the sides of a pair are as they are now, by their names as it was made.
    fn side_lengths(&self, id: &TargetId) -> Result<Option<SideLengths>, CorpusError> {
        let record = self.find(id)?;
        let current = self.current_for_all(&record);
        let pair = current.pair(id.part.as_deref());
        Ok(pair.map(|(pair, about)| match about.review.swapped {
            false => SideLengths::of(&pair.chosen, &pair.rejected),
            true => SideLengths::of(&pair.rejected, &pair.chosen),
        }))
    }
}
