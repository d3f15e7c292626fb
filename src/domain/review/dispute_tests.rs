//! What holds when annotators disagree: about a trajectory, about the side of a pair, and with an adjudication.

use super::tests::{Book, ONE, pair, reject};
use super::*;

fn adjudicate(verdict: Judgement, swapped: bool) -> Verb {
    Verb::Adjudicate(Adjudication {
        verdict,
        swapped,
        why: Rejection::default(),
    })
}

fn swap(swapped: bool) -> Verb {
    Verb::PairSwap(Orientation::open(swapped))
}

/// What an annotator says of a pair that they saw this way.
fn accept_as(book: &mut Book, annotator: &str, swapped: bool) {
    book.on(annotator, Verb::AcceptPair(Orientation::open(swapped)));
}

fn objecting(book: &Book) -> Vec<String> {
    let review = book.review();
    review.objections.iter().map(ToString::to_string).collect()
}

#[test]
fn an_adjudication_holds_until_the_next_one_and_objections_are_told() {
    let mut book = Book::default();
    book.on("ada", Verb::Accept);
    book.on("bob", reject("unsafe"));
    book.on("cy", adjudicate(Judgement::Accept, false));
    assert_eq!(book.review().state(), ReviewState::Accepted);
    // What was said before is what the adjudication is about.
    assert!(objecting(&book).is_empty());
    book.on("dan", reject("unsafe"));
    book.on("ada", reject("wrong-tool"));
    book.on("eve", Verb::Accept);
    assert_eq!(book.review().state(), ReviewState::Accepted);
    assert_eq!(objecting(&book), ["ada", "dan"]);
    book.on("dan", Verb::Accept);
    assert_eq!(objecting(&book), ["ada"]);
    book.on("eve", adjudicate(Judgement::Reject, false));
    assert_eq!(book.review().state(), ReviewState::Rejected);
    assert!(objecting(&book).is_empty());
    assert_eq!(book.review().adjudication.expect("held").0.as_ref(), "eve");
}

#[test]
fn without_its_adjudication_a_dispute_is_open_again() {
    let mut book = Book::default();
    book.on("ada", Verb::Accept);
    book.on("bob", reject("unsafe"));
    let ended = book.on("cy", adjudicate(Judgement::Reject, false));
    book.on("ada", Verb::Accept);
    assert_eq!(objecting(&book), ["ada"]);
    book.add("cy", None, Verb::Undo(Reversal { reverses: ended }));
    assert_eq!(book.review().state(), ReviewState::Disputed);
    assert!(objecting(&book).is_empty());
}

#[test]
fn the_side_of_a_pair_is_disputed_and_settled() {
    let mut book = Book::default();
    accept_as(&mut book, "ada", false);
    accept_as(&mut book, "bob", true);
    assert_eq!(book.review().state(), ReviewState::Disputed);
    book.on("cy", adjudicate(Judgement::Accept, true));
    let settled = book.review();
    assert_eq!(settled.state(), ReviewState::Accepted);
    assert_eq!(
        apply_to_pair(&settled, &pair()).pair.chosen,
        pair().rejected
    );
    // A swap is an objection and not a new truth.
    book.on("bob", swap(false));
    let review = book.review();
    assert_eq!(review.state(), ReviewState::Accepted);
    assert_eq!(apply_to_pair(&review, &pair()).pair.chosen, pair().rejected);
    assert_eq!(objecting(&book), ["bob"]);
    book.on("bob", swap(true));
    assert!(objecting(&book).is_empty());
    book.on("ada", adjudicate(Judgement::Tie, false));
    assert_eq!(book.review().state(), ReviewState::Tie);
    book.on("dan", Verb::Tie);
    assert!(objecting(&book).is_empty());
}

#[test]
fn who_says_how_they_saw_the_pair_means_that() {
    // Bob's swap is older, but ada had not seen it when she accepted.
    let mut book = Book::default();
    book.on("bob", swap(true));
    accept_as(&mut book, "bob", true);
    accept_as(&mut book, "ada", false);
    let review = book.review();
    assert_eq!(review.state(), ReviewState::Disputed);
    assert!(review.verdicts["bob"].swapped && !review.verdicts["ada"].swapped);
    // A lone verdict is on the pair as it is then.
    book.on("ada", swap(true));
    book.on("cy", Verb::Accept);
    assert_eq!(book.review().state(), ReviewState::Accepted);
}

#[test]
fn how_others_turned_a_pair_is_hidden_until_ones_own_verdict() {
    let mut book = Book::default();
    book.on("bob", swap(true));
    accept_as(&mut book, "bob", true);
    book.on_step("bob", ONE, Verb::FirstWrongStep);
    let seen = book.review().visible_to("ada");
    assert!(!seen.swapped && seen.orientations.is_empty() && seen.verdicts.is_empty());
    assert_eq!(apply_to_pair(&seen, &pair()).pair, pair());
    // Her own swap she sees.
    book.on("ada", swap(true));
    book.on("bob", swap(false));
    assert!(book.review().visible_to("ada").swapped);
    book.on("ada", Verb::Accept);
    assert_eq!(book.review().visible_to("ada"), book.review());
}

#[test]
fn verdicts_and_adjudications_survive_their_text_form() {
    for verb in [Verb::Accept, Verb::AcceptPair(Orientation::open(true))] {
        let payload = verb.payload().expect("JSON");
        assert_eq!(Verb::read("accept", payload.as_deref()), verb);
    }
    let old = Verb::read(
        "adjudicate",
        Some(r#"{"verdict":"reject","reasons":["unsafe"]}"#),
    );
    let Verb::Adjudicate(old) = old else {
        panic!("{old:?}");
    };
    assert!(!old.swapped && old.why.reasons == ["unsafe"]);
    for (verdict, swapped) in [
        (Judgement::Accept, true),
        (Judgement::Reject, false),
        (Judgement::Tie, false),
    ] {
        let verb = adjudicate(verdict, swapped);
        let payload = verb.payload().expect("JSON");
        assert_eq!(
            payload.as_ref().is_some_and(|p| p.contains("swapped")),
            swapped
        );
        assert_eq!(Verb::read("adjudicate", payload.as_deref()), verb);
    }
}
