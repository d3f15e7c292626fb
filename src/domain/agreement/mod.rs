//! How far annotators agree: the ratings that reviews hold, and coefficients over them. Pure: reviews in, figures out.

mod blind_figures;
mod coefficients;
mod figures;
mod ratings;
mod review_ratings;

#[cfg(test)]
mod blind_tests;
#[cfg(test)]
mod review_tests;
#[cfg(test)]
mod tests;

pub use blind_figures::{BlindFigures, BlindVotes, FEWEST_VOTES, Share, ShareCounts, SideLengths};
pub use coefficients::{Scale, Undefined, cohen_kappa, krippendorff_alpha, percent_agreement};
pub use figures::{Figures, PairFigures, Question, QuestionFigures};
pub use ratings::{Counts, Ratings};
pub use review_ratings::{FEWEST_HIDDEN, PairVerdict, ReviewRatings, ReviewedKind};
