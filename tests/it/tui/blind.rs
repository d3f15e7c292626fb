//! Blind mode: what is told before the vote, what is recorded, which pairs come again, and what that tells of annotators.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::Sitting;
use super::views::view;
use crate::user::{User, lines};

/// Pairs with numbers; the chosen side is the longer one.
fn user_with_pairs(name: &str, count: usize) -> User {
    let user = User::new(name);
    let pair = |number: usize| {
        json!({
            "id": format!("p{number}"),
            "prompt": [{"role": "user", "content": format!("Which is number {number}?")}],
            "chosen": [{"role": "assistant", "content": format!("It is the long one, number {number}.")}],
            "rejected": [{"role": "assistant", "content": "The short one."}],
            "score_chosen": 9.5,
            "score_rejected": 2.5,
        })
    };
    let pairs: Vec<Value> = (1..=count).map(pair).collect();
    user.write("pairs.jsonl", lines(&pairs));
    user.retake(["add", "pairs.jsonl"]).succeeds();
    user
}

/// The payloads of all acceptances and ties in the journals, oldest first, with what they are about.
fn votes(sitting: &Sitting) -> Vec<(String, Value)> {
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(sitting.user.path(".retake/journal")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "jsonl") {
            lines.push(std::fs::read_to_string(path).unwrap());
        }
    }
    let lines = lines.concat();
    let records = lines
        .lines()
        .map(|line| -> Value { serde_json::from_str(line).unwrap() });
    records
        .filter(|record| record["verb"] == "accept" || record["verb"] == "tie")
        .map(|record| {
            let id = record["target"]["id"].as_str().unwrap().to_owned();
            (id, record["payload"].clone())
        })
        .collect()
}

/// The id of the pair in front; `None` where no pair is open.
fn in_front(sitting: &Sitting) -> Option<String> {
    let text = sitting.text();
    let head = text.lines().next()?;
    let id = head
        .split_whitespace()
        .find(|word| word.starts_with("pairs/"))?;
    head.contains("blind").then(|| id.to_owned())
}

#[test]
fn nothing_is_told_before_the_vote() {
    let mut sitting = Sitting::new(user_with_pairs("blind-told", 2), 120, 40);
    let hidden = ["Chosen", "Rejected", "9.5", "2.5", "accepted"];
    let tells = |sitting: &Sitting| -> Vec<&str> {
        let text = sitting.text();
        hidden
            .into_iter()
            .filter(|word| text.contains(word))
            .collect()
    };
    assert_eq!(tells(&sitting), ["Chosen", "Rejected"], "the preview");
    sitting.press("B");
    assert!(tells(&sitting).is_empty(), "{}", sitting.text());
    assert!(sitting.text().contains(" ? "), "{}", sitting.text());
    sitting.press("enter");
    assert!(tells(&sitting).is_empty(), "{}", sitting.text());
    assert_eq!(in_front(&sitting).as_deref(), Some("pairs/p1"));
    // Verbs of those who know the sides wait.
    for key in ["a", "S", "e", "i", "A"] {
        sitting.press(key);
        assert!(sitting.text().contains("not before the vote"), "{key}");
    }
    assert!(sitting.verbs().is_empty());
    sitting.press("2");
    let told = sitting.text();
    assert!(
        told.contains("Chosen") && told.contains("score 9.5"),
        "{told}"
    );
    assert!(told.contains("tess: accepted"), "{told}");
    let (_, vote) = votes(&sitting).remove(0);
    // The right side is the other one than the one that stood left.
    let left = vote["left"].as_str().unwrap();
    assert_eq!(vote["swapped"], json!(left == "chosen"), "{vote}");
    // The list tells no more than before.
    sitting.press("esc");
    assert!(!sitting.text().contains('✓'), "{}", sitting.text());
    sitting.press("B");
    assert!(sitting.text().contains('✓'), "{}", sitting.text());
}

#[test]
fn who_has_seen_the_sides_votes_openly() {
    let mut sitting = Sitting::new(user_with_pairs("blind-seen", 1), 100, 30);
    sitting.press("enter B 1");
    let (_, vote) = votes(&sitting).remove(0);
    assert!(vote.get("left").is_none(), "{vote}");
    // A tie as well.
    let mut blind = Sitting::new(user_with_pairs("blind-tie", 1), 100, 30);
    blind.press("B enter =");
    let (_, vote) = votes(&blind).remove(0);
    assert!(vote["left"].is_string(), "{vote}");
    assert!(blind.text().contains("equally good"), "{}", blind.text());
    assert_eq!(blind.verbs(), ["tie"]);
    // And an undo takes it back.
    blind.press("u");
    assert_eq!(blind.verbs(), ["tie", "undo"]);
}

#[test]
fn pairs_come_again_later_and_the_figures_are_those_of_the_journal() {
    const PAIRS: usize = 14;
    let user = user_with_pairs("blind-again", PAIRS);
    let mut sitting = Sitting::with(user, 100, 30, |config| config.review.repeat = 1.0);
    sitting.press("B Q enter");
    let mut seen = Vec::new();
    while let Some(id) = in_front(&sitting) {
        assert!(seen.len() < 2 * PAIRS, "{seen:?}");
        seen.push(id);
        // Always the left one.
        sitting.press("1");
    }
    assert!(
        sitting
            .text()
            .contains("everything that is found is reviewed"),
        "{}",
        sitting.text()
    );
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, id) in seen.iter().enumerate() {
        places.entry(id).or_default().push(place);
    }
    assert_eq!(places.len(), PAIRS);
    for (id, places) in &places {
        let [first, second] = places.as_slice() else {
            panic!("{id}: {places:?}");
        };
        assert!(second - first > 10, "{id}: {places:?}");
    }

    let votes = votes(&sitting);
    let voted: Vec<&str> = votes.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(voted, seen);
    let mut left: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
    for (id, vote) in &votes {
        // The left side was preferred each time.
        let is_chosen = vote["left"] == "chosen";
        assert_eq!(vote["swapped"], json!(!is_chosen), "{vote}");
        left.entry(id).or_default().push(is_chosen);
    }
    let chosen = votes
        .iter()
        .filter(|(_, vote)| vote["left"] == "chosen")
        .count();
    let consistent = left.values().filter(|sides| sides[0] == sides[1]).count();
    assert!(
        (1..2 * PAIRS).contains(&chosen),
        "sides are exchanged now and then"
    );
    assert!(consistent < PAIRS, "also when a pair comes again");

    let agreement = sitting
        .user
        .json(["--as-user", "tess", "agreement", "--format", "json"]);
    let tess = &agreement["blind_votes"][0];
    let share = |count: usize, of: usize| json!({"count": count, "of": of, "percent": count as f64 / of as f64 * 100.0});
    assert_eq!(tess["annotator"], "tess");
    assert_eq!(tess["votes"], 2 * PAIRS);
    assert_eq!(tess["self_consistency"], share(consistent, PAIRS));
    assert_eq!(tess["side_bias"], share(2 * PAIRS, 2 * PAIRS));
    assert_eq!(tess["length_bias"], share(chosen, 2 * PAIRS));
    assert_eq!(tess["undefined"], json!({}));

    sitting.press("f3");
    let shown = sitting.press("G").text();
    assert!(shown.contains("Blind votes on pairs"), "{shown}");
    assert!(shown.contains("100%  28 of 28"), "{shown}");
}

#[test]
fn too_few_votes_say_so() {
    let mut sitting = Sitting::new(user_with_pairs("blind-few", 1), 100, 30);
    sitting.press("B enter 1");
    let told = sitting.user.retake(["--as-user", "tess", "agreement"]);
    let told = told.succeeds().stdout;
    assert!(told.contains("1 of 1"), "{told}");
    assert!(told.contains("fewer than five votes"), "{told}");
    assert!(told.contains("no pair was voted on again"), "{told}");
    // Whoever has not voted themselves is told nothing of so few.
    let other = sitting.user.retake(["--as-user", "bo", "agreement"]);
    let other = other.succeeds().stdout;
    assert!(
        other.contains("too few that you have not decided"),
        "{other}"
    );
    assert!(!other.contains("1 of 1"), "{other}");
}

#[test]
fn what_blind_mode_looks_like() {
    view("corpus_blind", |sitting| {
        sitting.press("/").type_text("in:pair").press("enter B");
    });
    view("compare_blind", |sitting| {
        sitting
            .press("/")
            .type_text("in:pair")
            .press("enter B enter f");
    });
}

#[test]
fn nobody_decides_openly_about_a_pair_from_the_list() {
    let mut sitting = Sitting::new(user_with_pairs("blind-list", 3), 120, 40);
    sitting.press("B a");
    assert!(
        sitting.text().contains("blind mode is on"),
        "{}",
        sitting.text()
    );
    sitting.press("enter =");
    assert!(
        sitting.text().contains("blind mode is on"),
        "{}",
        sitting.text()
    );
    // Nor about several at once, however they were marked.
    sitting.press("enter ctrl-a a y");
    assert!(
        sitting.text().contains("blind mode is on"),
        "{}",
        sitting.text()
    );
    assert!(sitting.verbs().is_empty());
    // A rejection says nothing of the sides, and without blind mode everything goes.
    sitting.press("enter U r 1 enter");
    assert_eq!(sitting.verbs(), ["reject"]);
    sitting.press("B j a");
    assert_eq!(sitting.verbs(), ["reject", "accept"]);
}

#[test]
fn a_replay_names_no_candidate_as_the_chosen_one() {
    let user = User::new("blind-replay");
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pref-x-beam/input.json");
    user.write("beam.json", std::fs::read(fixture).unwrap());
    user.retake(["add", "beam.json"]).succeeds();
    let mut sitting = Sitting::new(user, 120, 40);
    sitting.press("enter l");
    let open = sitting.text();
    assert!(open.contains("(chosen: the step)"), "{open}");
    sitting.press("esc B enter l");
    let blind = sitting.text();
    assert!(blind.contains("not told before the vote"), "{blind}");
    for word in ["chosen: the step", "score", "Why it was chosen"] {
        assert!(!blind.contains(word), "{word}: {blind}");
    }
    sitting.press("i");
    assert!(
        sitting.text().contains("not in blind mode"),
        "{}",
        sitting.text()
    );
}
