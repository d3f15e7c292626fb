//! What votes in blind mode are, how sides stand, and which pairs come again.

use super::tests::Book;
use super::*;
use crate::domain::TargetId;

fn pair(number: usize) -> TargetId {
    TargetId::parse(&format!("m/1:{number}"))
}

fn accept(swapped: bool, left: Option<Side>) -> Verb {
    Verb::AcceptPair(Orientation { swapped, left })
}

#[test]
fn a_vote_says_which_side_stood_where_and_older_lines_stay_as_they_are() {
    let written = |verb: &Verb| verb.payload().unwrap().unwrap();
    let open = accept(true, None);
    assert_eq!(written(&open), r#"{"swapped":true}"#);
    let blind = accept(true, Some(Side::Rejected));
    assert_eq!(written(&blind), r#"{"swapped":true,"left":"rejected"}"#);
    let tie = Verb::TieBlind(Blindness { left: Side::Chosen });
    assert_eq!(written(&tie), r#"{"left":"chosen"}"#);
    for verb in [open, blind, tie] {
        assert_eq!(Verb::read(verb.name(), Some(&written(&verb))), verb);
    }
    assert_eq!(Verb::read("tie", None), Verb::Tie);
    assert_eq!(Verb::read("tie", Some("{}")), Verb::Tie);
}

#[test]
fn a_review_keeps_every_blind_vote_and_the_last_is_the_verdict() {
    let mut book = Book::default();
    book.on("ada", accept(false, Some(Side::Rejected)));
    book.on("ada", Verb::TieBlind(Blindness { left: Side::Chosen }));
    book.on("bob", accept(true, None));
    let undone = book.on("bob", accept(true, Some(Side::Chosen)));
    book.add("bob", None, Verb::Undo(Reversal { reverses: undone }));
    let review = book.review();
    let votes = |who: &str| -> Vec<(Option<Side>, Side)> {
        let votes = review.blind_votes.get(who).into_iter().flatten();
        votes.map(|vote| (vote.preferred, vote.left)).collect()
    };
    assert_eq!(
        votes("ada"),
        [(Some(Side::Chosen), Side::Rejected), (None, Side::Chosen)]
    );
    assert!(votes("bob").is_empty(), "one saw the sides, one is undone");
    assert_eq!(review.verdicts["ada"].opinion, Opinion::Tie);
    // Others' votes are as hidden as their verdicts.
    assert!(review.visible_to("cy").blind_votes.is_empty());
    assert_eq!(review.visible_to("bob").blind_votes.len(), 1);
}

#[test]
fn sides_stand_by_chance_and_a_repetition_may_exchange_them() {
    let left = |who: &str, number: usize, votes: usize| left_side(who, &pair(number), votes);
    let mut counts = [0; 3];
    for number in 0..1000 {
        let first = left("ada", number, 0);
        assert_eq!(first, left("ada", number, 0), "looking twice");
        counts[0] += usize::from(first == Side::Chosen);
        counts[1] += usize::from(first != left("ada", number, 1));
        counts[2] += usize::from(first != left("bob", number, 0));
    }
    // Three standard deviations of 1000 throws of a coin are 47.
    for count in counts {
        assert!((450..550).contains(&count), "{counts:?}");
    }
}

#[test]
fn a_share_of_pairs_comes_again_once_and_not_at_once() {
    let pairs: Vec<TargetId> = (0..1000).map(pair).collect();
    let all: Vec<&TargetId> = pairs.iter().collect();
    let again = due_again("ada", &all, 0.1, true);
    assert!((70..130).contains(&again.len()), "{}", again.len());
    assert_eq!(again, due_again("ada", &all, 0.1, true));
    assert!(due_again("ada", &all, 0.0, true).is_empty());
    // Everything but the last ten, as these have not ten behind them.
    let every = due_again("ada", &all, 1.0, true);
    assert_eq!(every, all[..990]);
    // Chance puts some of the last twenty off, and none of the others.
    let waiting = due_again("ada", &all, 1.0, false);
    assert_eq!(waiting[..980], all[..980]);
    assert!(waiting.len() < 990, "{}", waiting.len());
    // What came again does not come a third time.
    let mut voted = all.clone();
    voted.extend(&all[..500]);
    assert_eq!(due_again("ada", &voted, 1.0, true), all[500..]);
}

#[test]
fn another_content_has_votes_of_its_own() {
    let mut book = Book::default();
    book.on("ada", accept(false, Some(Side::Chosen)));
    let mut reviews = Reviews::default();
    let target = book.records[0].target.clone().unwrap();
    reviews.extend(book.records);
    let (id, hash) = (&target.reference.id, target.reference.hash);
    let other = crate::domain::ContentHash([9; 32]);
    let now = reviews.review(id, &hash, |_| true);
    assert_eq!(now.blind_votes["ada"].len(), 1);
    let later = reviews.review(id, &other, |_| true);
    assert!(later.blind_votes.is_empty());
    assert_eq!(reviews.blind_votes("ada").len(), 1);
    assert!(reviews.blind_votes("bob").is_empty());
}
