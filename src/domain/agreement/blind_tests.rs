//! Figures of blind votes, counted by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::*;
use crate::domain::review::{BlindVote, Side};
use crate::domain::{Action, Candidate, ToolCall};

/// A vote: `l` and `r` for the left and right side, `=` a tie; a capital letter where the chosen side stood to the right.
fn vote(letter: char) -> BlindVote {
    let left = match letter.is_uppercase() {
        true => Side::Rejected,
        false => Side::Chosen,
    };
    BlindVote {
        record: Uuid::nil(),
        preferred: match letter.to_ascii_lowercase() {
            'l' => Some(left),
            'r' => Some(left.other()),
            _ => None,
        },
        left,
    }
}

/// Pairs with the votes of one annotator; chosen sides are longer in the first so many.
fn votes(pairs: &[&str], longer: usize, hidden: usize) -> BlindVotes {
    let mut votes = BlindVotes::default();
    for (number, letters) in pairs.iter().enumerate() {
        let of_pair = letters.chars().map(vote).collect();
        let by = BTreeMap::from([(Arc::from("ada"), of_pair)]);
        let lengths = match number < longer {
            true => SideLengths {
                chosen: 20,
                rejected: 10,
            },
            false => SideLengths {
                chosen: 7,
                rejected: 7,
            },
        };
        votes.add(&by, Some(lengths), number < hidden);
    }
    votes
}

fn of(share: &Share) -> (usize, usize) {
    let counts = share.counts.expect("told");
    (counts.count, counts.of)
}

#[test]
fn shares_are_counted_by_hand() {
    let votes = votes(&["lR", "LL", "ll", "rr=", "R", "=l", "L", "l"], 4, 0);
    let figures = votes.figures();
    assert_eq!(figures.len(), 1);
    let ada = &figures[0];
    assert_eq!((ada.annotator.as_str(), ada.votes), ("ada", Some(14)));
    // lR: chosen, then chosen again on the other side; LL and ll the same; rr the same, then a tie not; a tie, then a side not.
    assert_eq!(of(&ada.consistent), (4, 6));
    assert_eq!(ada.consistent.share, Ok(4.0 / 6.0));
    // Left: l, LL, ll, the l of =l, L, l; not R, rr, R; two ties are for no side.
    assert_eq!(of(&ada.left), (8, 12));
    assert_eq!(ada.left.share, Ok(8.0 / 12.0));
    // Of the first four pairs the chosen side is longer: lR twice, LL never, ll twice, rr never.
    assert_eq!(of(&ada.longer), (4, 8));
    assert_eq!(ada.longer.share, Ok(0.5));
}

#[test]
fn what_is_not_defined_says_why() {
    let few = votes(&["l", "r", "L", "="], 2, 0).figures();
    assert_eq!(few[0].consistent.share, Err(Undefined::NothingRepeated));
    assert_eq!(of(&few[0].consistent), (0, 0));
    assert_eq!(few[0].left.share, Err(Undefined::FewVotes));
    assert_eq!(of(&few[0].left), (2, 3));
    assert_eq!(of(&few[0].longer), (1, 2));
    let once = votes(&["ll"], 0, 0).figures();
    assert_eq!(once[0].consistent.share, Err(Undefined::FewVotes));
    assert!(BlindVotes::default().figures().is_empty());
    // What could not be read has no length.
    let mut unread = BlindVotes::default();
    let by = BTreeMap::from([(Arc::from("ada"), vec![vote('l')])]);
    unread.add(&by, None, false);
    assert_eq!(of(&unread.figures()[0].longer), (0, 0));
}

#[test]
fn few_hidden_pairs_tell_nothing() {
    let pairs = ["ll", "r", "L", "R", "l", "r"];
    let told = |hidden: usize| votes(&pairs, 6, hidden).figures().remove(0);
    assert_eq!(told(0).votes, Some(7));
    for hidden in 1..FEWEST_HIDDEN {
        let withheld = told(hidden);
        assert_eq!(withheld.votes, None, "{hidden}");
        for share in [withheld.consistent, withheld.left, withheld.longer] {
            assert_eq!(
                (share.counts, share.share),
                (None, Err(Undefined::Withheld))
            );
        }
    }
    // Five together are told, but not what was said twice of the one of them.
    let told = told(5);
    assert_eq!(told.votes, Some(7));
    assert_eq!(of(&told.left), (4, 7));
    assert_eq!(told.consistent.share, Err(Undefined::Withheld));
}

#[test]
fn lengths_are_characters_of_thought_and_action() {
    let code = Candidate {
        thought: Some("größer".to_owned()),
        action: Some(Action::Code("f(1)".to_owned())),
        ..Candidate::default()
    };
    let bare = Candidate {
        thought: Some("0123456789".to_owned()),
        ..Candidate::default()
    };
    let lengths = SideLengths::of(&code, &bare);
    assert_eq!((lengths.chosen, lengths.rejected), (10, 10));
    assert_eq!(lengths.longer(), None);
    let call = Candidate {
        action: Some(Action::ToolCalls(vec![ToolCall {
            id: None,
            name: "ocr".to_owned(),
            arguments: serde_json::json!({}),
            result: None,
        }])),
        ..bare.clone()
    };
    assert_eq!(SideLengths::of(&bare, &call).longer(), Some(Side::Rejected));
}
