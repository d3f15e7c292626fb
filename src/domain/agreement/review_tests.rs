//! Which ratings reviews hold, and what may be told of them.

use std::sync::Arc;

use uuid::Uuid;

use super::*;
use crate::domain::review::{
    Adjudication, Judgement, Orientation, Rejection, Reversal, Review, ReviewRecord, Reviews,
    StepKey, StepLabel, Target, Timestamp, Verb,
};
use crate::domain::{ContentHash, TargetId};

const HASH: ContentHash = ContentHash([1; 32]);
const OTHER_HASH: ContentHash = ContentHash([2; 32]);

/// Records with rising ids, on numbered items.
#[derive(Default)]
struct Book {
    records: Vec<ReviewRecord>,
}

impl Book {
    fn add(&mut self, annotator: &str, target: Option<Target>, verb: Verb) -> Uuid {
        let number = self.records.len() as u64 + 1;
        let id = Uuid::from_u128(u128::from(number) << 80);
        self.records.push(ReviewRecord {
            sequence: number,
            id,
            time: Timestamp::from_milliseconds(number),
            annotator: Arc::from(annotator),
            target,
            verb,
            batch: None,
            checksum: number,
        });
        id
    }

    fn on(&mut self, annotator: &str, item: usize, verb: Verb) -> Uuid {
        self.add(annotator, Some(Target::new(id(item), HASH)), verb)
    }

    fn on_step(&mut self, annotator: &str, item: usize, step: u32, verb: Verb) {
        let target = Target::new(id(item), HASH).with_step(StepKey::Source(step));
        self.add(annotator, Some(target), verb);
    }

    fn review(&self, item: usize) -> Review {
        let mut reviews = Reviews::default();
        reviews.extend(self.records.clone());
        reviews.review(&id(item), &HASH, |_| true)
    }

    /// The figures of items 1 to `count`, which are all of one kind; `hidden` of them are hidden.
    fn figures(&self, kind: ReviewedKind, count: usize, hidden: &[usize]) -> Vec<QuestionFigures> {
        let mut ratings = ReviewRatings::default();
        for item in 1..=count {
            ratings.add(kind, &self.review(item), hidden.contains(&item));
        }
        ratings.figures()
    }
}

fn id(item: usize) -> TargetId {
    TargetId::parse(&format!("m/{item}"))
}

fn reject(reasons: &[&str]) -> Verb {
    Verb::Reject(Rejection {
        reasons: reasons.iter().map(ToString::to_string).collect(),
        text: String::new(),
    })
}

fn label(value: i8) -> Verb {
    Verb::Label(StepLabel::new(value).expect("label"))
}

fn swap(swapped: bool) -> Verb {
    Verb::PairSwap(Orientation::open(swapped))
}

fn named<'f>(figures: &'f [QuestionFigures], name: &str) -> &'f QuestionFigures {
    let found = figures.iter().find(|asked| match asked.question.reason() {
        Some(reason) => reason == name,
        None => asked.question.name() == name,
    });
    found.unwrap_or_else(|| panic!("no {name} in {figures:?}"))
}

fn counts(units: usize, pairable: usize, ratings: usize) -> Option<Counts> {
    Some(Counts {
        units,
        pairable,
        ratings,
    })
}

#[test]
fn each_question_has_its_own_ratings() {
    let mut book = Book::default();
    book.on("ada", 1, Verb::Accept);
    book.on("bob", 1, Verb::Accept);
    book.on("ada", 2, reject(&["unsafe", "wrong-tool"]));
    book.on("bob", 2, reject(&["unsafe"]));
    book.on("cy", 2, Verb::Accept);
    book.on("ada", 3, reject(&["unsafe"]));
    for (who, step, value) in [
        ("ada", 1, 1),
        ("bob", 1, 1),
        ("ada", 2, -1),
        ("bob", 2, 0),
        ("cy", 4, 1),
    ] {
        book.on_step(who, 1, step, label(value));
    }
    book.on_step("ada", 1, 2, Verb::FirstWrongStep);
    book.on_step("bob", 1, 3, Verb::FirstWrongStep);
    let figures = book.figures(ReviewedKind::Trajectory, 4, &[]);
    let names: Vec<&str> = figures.iter().map(|asked| asked.question.name()).collect();
    assert_eq!(
        names,
        [
            "verdict",
            "step-label",
            "first-wrong-step",
            "reason",
            "reason"
        ]
    );

    let verdicts = named(&figures, "verdict");
    assert_eq!(verdicts.all.counts, counts(3, 2, 6));
    // One pair agrees on the first item, one of three on the second.
    assert_eq!(verdicts.all.percent, Ok(0.5));
    assert_eq!(verdicts.all.kappa, Err(Undefined::MoreThanTwoAnnotators));
    let pairs: Vec<[&str; 2]> = verdicts
        .pairs
        .iter()
        .map(|pair| pair.annotators.each_ref().map(String::as_str))
        .collect();
    // cy shares the second item with both, and nothing else.
    assert_eq!(pairs, [["ada", "bob"], ["ada", "cy"], ["bob", "cy"]]);
    assert_eq!(verdicts.pairs[0].figures.kappa, Ok(1.0));
    assert_eq!(verdicts.pairs[0].figures.counts, counts(3, 2, 5));
    assert_eq!(verdicts.pairs[1].figures.percent, Ok(0.0));
    assert_eq!(verdicts.pairs[1].figures.kappa, Ok(0.0));

    let labels = named(&figures, "step-label");
    assert_eq!(labels.all.counts, counts(3, 2, 5));
    assert_eq!(labels.all.percent, Ok(0.5));
    // Ranks −1: 0.5, 0: 1.5, 1: 3; observed 1, expected of all four (2·1 + 4·6.25 + 4·2.25) / 3.
    let alpha = labels.all.alpha.expect("defined");
    assert!((alpha - (1.0 - 2.0 * 3.0 / 36.0)).abs() < 1e-12, "{alpha}");

    let steps = named(&figures, "first-wrong-step");
    assert_eq!(
        (steps.all.counts, steps.all.percent),
        (counts(1, 1, 2), Ok(0.0))
    );

    // cy did not reject it and is not asked why.
    let unsafe_ones = named(&figures, "unsafe");
    assert_eq!(unsafe_ones.all.counts, counts(2, 1, 3));
    assert_eq!(unsafe_ones.all.percent, Ok(1.0));
    assert_eq!(unsafe_ones.all.alpha, Err(Undefined::OneCategory));
    assert_eq!(named(&figures, "wrong-tool").all.percent, Ok(0.0));
}

#[test]
fn who_means_the_same_side_of_a_pair_agrees() {
    let mut book = Book::default();
    // ada accepts it as it was made; bob swaps it and accepts; cy sees bob's and swaps it back.
    book.on("ada", 1, Verb::Accept);
    book.on("bob", 1, swap(true));
    book.on("bob", 1, Verb::Accept);
    book.on("cy", 1, swap(false));
    book.on("cy", 1, Verb::Accept);
    book.on("ada", 2, Verb::Tie);
    book.on("bob", 2, Verb::Tie);
    book.on("ada", 3, reject(&[]));
    book.on("bob", 3, Verb::Tie);
    let figures = book.figures(ReviewedKind::Pair, 3, &[]);
    let sides = named(&figures, "pair-verdict");
    let percents: Vec<_> = sides.pairs.iter().map(|p| p.figures.percent).collect();
    // ada and bob: a tie of three; ada and cy; bob and cy.
    assert_eq!(percents, [Ok(1.0 / 3.0), Ok(1.0), Ok(0.0)]);
    assert_eq!(sides.all.counts, counts(3, 3, 7));
    assert_eq!(sides.all.percent, Ok(2.0 / 5.0));
}

#[test]
fn what_is_undone_adjudicated_or_of_another_content_is_no_rating() {
    let mut book = Book::default();
    book.on("ada", 1, Verb::Accept);
    let undone = book.on("bob", 1, Verb::Accept);
    book.add("bob", None, Verb::Undo(Reversal { reverses: undone }));
    book.on(
        "cy",
        1,
        Verb::Adjudicate(Adjudication {
            verdict: Judgement::Accept,
            swapped: false,
            why: Rejection::default(),
        }),
    );
    book.add("dan", Some(Target::new(id(1), OTHER_HASH)), Verb::Accept);
    let figures = book.figures(ReviewedKind::Trajectory, 1, &[]);
    let verdicts = named(&figures, "verdict");
    assert_eq!(verdicts.all.counts, counts(1, 0, 1));
    assert_eq!(verdicts.all.percent, Err(Undefined::FewerThanTwoAnnotators));
    assert!(verdicts.pairs.is_empty());
    // Who changes their mind has one verdict.
    book.on("bob", 1, Verb::Accept);
    book.on("bob", 1, reject(&["unsafe"]));
    let figures = book.figures(ReviewedKind::Trajectory, 1, &[]);
    assert_eq!(named(&figures, "verdict").all.percent, Ok(0.0));
}

#[test]
fn few_hidden_items_tell_nothing() {
    let mut book = Book::default();
    for item in 1..=8 {
        book.on("bob", item, Verb::Accept);
        book.on(
            "cy",
            item,
            if item == 8 {
                reject(&["unsafe"])
            } else {
                Verb::Accept
            },
        );
    }
    let withheld = Figures::withheld();
    let figures = |hidden: &[usize]| book.figures(ReviewedKind::Trajectory, 8, hidden);
    assert_eq!(named(&figures(&[]), "unsafe").all.counts, counts(1, 0, 1));
    // Neither what was said of the one, nor that it was rejected, and why.
    for hidden in [&[8][..], &[1], &[1, 2, 3, 8]] {
        let told = figures(hidden);
        assert!(told.iter().all(|asked| asked.all == withheld));
        let pairs = told.iter().flat_map(|asked| &asked.pairs);
        assert!(pairs.clone().count() > 0);
        assert!(pairs.into_iter().all(|pair| pair.figures == withheld));
        let reasons = told.iter().filter_map(|asked| asked.question.reason());
        let named = reasons.collect::<Vec<_>>();
        assert_eq!(named.is_empty(), hidden.contains(&8), "{hidden:?}");
    }
    // Five together tell how far people agree, but not why the one was rejected.
    let told = figures(&[4, 5, 6, 7, 8]);
    assert_eq!(named(&told, "verdict").all.percent, Ok(7.0 / 8.0));
    assert_eq!(named(&told, "unsafe").all, withheld);
}
