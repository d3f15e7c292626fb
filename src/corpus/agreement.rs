use crate::domain::agreement::{ReviewRatings, ReviewedKind};
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
        }
        Ok(ratings)
    }
}
