use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{
    BlindFigures, BlindVotes, Figures, PairFigures, Question, QuestionFigures, Ratings, Scale,
    SideLengths,
};
use crate::domain::review::{GivenVerdict, Opinion, Review, StepKey, StepLabel};

/// Figures that rest on hidden items rest on at least as many of them; else they would tell what others said of those.
pub const FEWEST_HIDDEN: usize = 5;

/// Every rating that reviews hold, by question. Undone records, adjudications, and what was said while the source was
/// another are no ratings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReviewRatings {
    /// Who said anything at all of a trajectory or pair.
    items: Ratings<()>,
    verdicts: Ratings<Opinion>,
    pair_verdicts: Ratings<PairVerdict>,
    /// A unit is a step.
    labels: Ratings<StepLabel>,
    first_wrong_steps: Ratings<StepKey>,
    rejections: Vec<Rejections>,
    blind_votes: BlindVotes,
}

/// Who rejected something, with the reasons each named.
#[derive(Debug, Clone, PartialEq)]
struct Rejections {
    by: BTreeMap<Arc<str>, BTreeSet<String>>,
    is_hidden: bool,
}

/// What a review is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewedKind {
    /// A trajectory.
    Trajectory,
    /// A preference pair.
    Pair,
}

/// What an annotator thinks of a pair, whichever way it was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PairVerdict {
    /// The side that was chosen when the pair was made is the better one.
    AsMade,
    /// The other side is.
    Swapped,
    /// Both are equally good.
    Tie,
    /// The pair is not good.
    Reject,
}

impl PairVerdict {
    /// What a verdict on a pair means.
    pub fn of(verdict: &GivenVerdict) -> Self {
        match verdict.opinion {
            Opinion::Accept if verdict.swapped => Self::Swapped,
            Opinion::Accept => Self::AsMade,
            Opinion::Tie => Self::Tie,
            Opinion::Reject => Self::Reject,
        }
    }
}

impl ReviewRatings {
    /// Adds what was said of one trajectory or pair; `is_hidden` where who asks may not know it yet.
    pub fn add(&mut self, kind: ReviewedKind, review: &Review, is_hidden: bool) {
        let verdicts = review.verdicts.iter();
        match kind {
            ReviewedKind::Trajectory => {
                let by = verdicts.map(|(who, verdict)| (Arc::clone(who), verdict.opinion));
                self.verdicts.add(by.collect(), is_hidden);
            }
            ReviewedKind::Pair => {
                let by = verdicts.map(|(who, verdict)| (Arc::clone(who), PairVerdict::of(verdict)));
                self.pair_verdicts.add(by.collect(), is_hidden);
            }
        }
        for labels in review.labels.values() {
            self.labels.add(labels.clone(), is_hidden);
        }
        self.first_wrong_steps
            .add(review.first_wrong_steps.clone(), is_hidden);
        let rejected = review
            .verdicts
            .iter()
            .filter(|(_, verdict)| verdict.opinion == Opinion::Reject)
            .map(|(who, verdict)| {
                let reasons = verdict.why.reasons.iter().cloned().collect();
                (Arc::clone(who), reasons)
            });
        let by: BTreeMap<Arc<str>, BTreeSet<String>> = rejected.collect();
        if !by.is_empty() {
            self.rejections.push(Rejections { by, is_hidden });
        }
        let labelled = review.labels.values().flat_map(BTreeMap::keys);
        let who = review.verdicts.keys().chain(labelled);
        let who = who.chain(review.first_wrong_steps.keys());
        self.items
            .add(who.map(|who| (Arc::clone(who), ())).collect(), is_hidden);
    }

    /// Adds what was said of one pair in blind mode; see [`BlindVotes::add`].
    pub fn add_blind_votes(
        &mut self,
        review: &Review,
        lengths: Option<SideLengths>,
        is_hidden: bool,
    ) {
        self.blind_votes
            .add(&review.blind_votes, lengths, is_hidden);
    }

    /// How each annotator votes in blind mode.
    pub fn blind_figures(&self) -> Vec<BlindFigures> {
        self.blind_votes.figures()
    }

    /// Everybody who rated something, by name.
    pub fn annotators(&self) -> BTreeSet<&str> {
        self.items.annotators()
    }

    /// The figures of each question that somebody answered: of all annotators, and of each two.
    pub fn figures(&self) -> Vec<QuestionFigures> {
        let annotators: Vec<&str> = self.annotators().into_iter().collect();
        let mut groups = vec![Group::new(None, &self.items)];
        for (number, first) in annotators.iter().enumerate() {
            for second in &annotators[number + 1..] {
                let items = self.items.between(first, second);
                if items.counts().pairable > 0 {
                    groups.push(Group::new(Some([first, second]), &items));
                }
            }
        }
        let mut all = vec![
            question(Question::Verdict, &self.verdicts, Scale::Nominal, &groups),
            question(
                Question::PairVerdict,
                &self.pair_verdicts,
                Scale::Nominal,
                &groups,
            ),
            question(Question::StepLabel, &self.labels, Scale::Ordinal, &groups),
            question(
                Question::FirstWrongStep,
                &self.first_wrong_steps,
                Scale::Nominal,
                &groups,
            ),
        ];
        for (reason, ratings) in self.reasons() {
            let asked = Question::Reason(reason.to_owned());
            all.push(question(asked, &ratings, Scale::Nominal, &groups));
        }
        let is_answered = |asked: &QuestionFigures| {
            let counts = asked.all.counts;
            counts.is_none_or(|counts| counts.units > 0)
        };
        all.retain(is_answered);
        all
    }

    /// For each reason that somebody named whether those who rejected something named it; who did not reject it is not
    /// asked.
    fn reasons(&self) -> BTreeMap<&str, Ratings<bool>> {
        // The names alone would tell that few hidden items were rejected.
        let are_few_hidden = is_few(self.items.hidden());
        let units = self.rejections.iter();
        let told = units.filter(|unit| !(unit.is_hidden && are_few_hidden));
        let named: BTreeSet<&str> = told
            .flat_map(|unit| unit.by.values().flatten())
            .map(String::as_str)
            .collect();
        let ratings_of = |reason: &str| {
            let mut ratings = Ratings::default();
            for unit in &self.rejections {
                let by = unit.by.iter();
                let by = by.map(|(who, reasons)| (Arc::clone(who), reasons.contains(reason)));
                ratings.add(by.collect(), unit.is_hidden);
            }
            ratings
        };
        named
            .into_iter()
            .map(|reason| (reason, ratings_of(reason)))
            .collect()
    }
}

/// Whose figures are asked for.
struct Group<'a> {
    /// Two annotators; `None` is all.
    two: Option<[&'a str; 2]>,
    /// Whether nothing of them is told, whatever the question: that an answer is missing would be one, too.
    is_withheld: bool,
}

impl<'a> Group<'a> {
    fn new(two: Option<[&'a str; 2]>, items: &Ratings<()>) -> Self {
        Self {
            two,
            is_withheld: is_few(items.hidden()),
        }
    }

    fn figures<C: Ord + Clone>(&self, ratings: &Ratings<C>, scale: Scale) -> Figures {
        if self.is_withheld || is_few(ratings.hidden()) {
            return Figures::withheld();
        }
        Figures::of(ratings, scale)
    }
}

pub(super) fn is_few(hidden: usize) -> bool {
    (1..FEWEST_HIDDEN).contains(&hidden)
}

fn question<C: Ord + Clone>(
    question: Question,
    ratings: &Ratings<C>,
    scale: Scale,
    groups: &[Group<'_>],
) -> QuestionFigures {
    let mut answered = QuestionFigures {
        question,
        all: Figures::of(&Ratings::<C>::default(), scale),
        pairs: Vec::new(),
    };
    for group in groups {
        match group.two {
            None => answered.all = group.figures(ratings, scale),
            Some([first, second]) => answered.pairs.push(PairFigures {
                annotators: [first.to_owned(), second.to_owned()],
                figures: group.figures(&ratings.between(first, second), scale),
            }),
        }
    }
    answered
}
