//! New candidates in blind mode: which is the recorded one, who made them and what judges say is told after the choice.

use serde_json::Value;

use super::rerun::{reply, scripted};
use super::{Sitting, user_with_demo};

/// Candidates of which none does the same as another.
fn different() -> Vec<Vec<String>> {
    vec![
        vec![reply("I forget the tip.", "print('each:', 6.90)")],
        vec![
            reply("I guess the sum.", "print('sum:', 21)"),
            reply("I name what is not there.", "print(prise)"),
        ],
    ]
}

/// Somebody before the step in blind mode, on a screen with room for one candidate.
fn blind(name: &str) -> Sitting {
    let user = user_with_demo(name);
    let scripts = scripted(vec![different(), different()]);
    let mut sitting = Sitting::with_controllers(user, 76, 40, 3, scripts);
    sitting
        .press("/")
        .type_text("id:trajectories/cafe-split")
        .press("enter B enter l l");
    sitting
}

/// What tells of makers, of the recorded step, or of what judges say.
const TELLS: [&str; 7] = [
    "recorded",
    "#1",
    "#2",
    "best",
    "equally good",
    "score",
    "rules",
];

fn told(sitting: &Sitting) -> Vec<&'static str> {
    let text = sitting.text();
    TELLS
        .into_iter()
        .filter(|word| text.contains(word))
        .collect()
}

/// The thoughts of the pairs that were saved, chosen and rejected.
fn thoughts(sitting: &Sitting) -> Vec<(String, String)> {
    let user = &sitting.user;
    let listed = user.json([
        "pair",
        "list",
        "id:trajectories/cafe-split",
        "--format",
        "json",
    ]);
    let pairs = listed["pairs"].as_array().unwrap();
    let ids = pairs.iter().map(|pair| pair["id"].as_str().unwrap());
    ids.map(|id| {
        let shown = user.json(["pair", "show", id, "--format", "json"]);
        let side = |side: &str| {
            let thought: &Value = &shown["pairs"][0][side]["thought"];
            thought.as_str().unwrap().to_owned()
        };
        (side("chosen"), side("rejected"))
    })
    .collect()
}

/// Goes through all candidates: what the screen says with each in front.
fn all(sitting: &mut Sitting) -> Vec<String> {
    sitting.press("h h h h");
    (0..4)
        .map(|_| {
            let text = sitting.text();
            sitting.press("l");
            text
        })
        .collect()
}

const THOUGHTS: [&str; 3] = [
    "I forget the tip.",
    "I guess the sum.",
    "I name what is not there.",
];

#[test]
fn nothing_is_told_before_the_choice_and_all_of_it_afterwards() {
    let mut sitting = blind("rerun-blind");
    sitting.press("R");
    assert_eq!(told(&sitting), Vec::<&str>::new(), "{}", sitting.text());
    assert!(sitting.text().contains("blind:"), "{}", sitting.text());
    assert!(
        sitting.text().contains("3 candidates"),
        "{}",
        sitting.text()
    );
    sitting.press("i");
    assert!(
        sitting.text().contains("not before the choice"),
        "{}",
        sitting.text()
    );
    let screens = all(&mut sitting);
    for screen in &screens {
        for word in TELLS {
            assert!(!screen.contains(word), "{word}: {screen}");
        }
    }
    // The three new ones and the recorded one, whose thought is another, in some order.
    let places: Vec<Option<usize>> = THOUGHTS
        .iter()
        .map(|thought| screens.iter().position(|screen| screen.contains(thought)))
        .collect();
    assert!(places.iter().all(Option::is_some), "{places:?}");
    // Without somebody to point at there is no worse one: the recorded step is not told.
    sitting.press("h h h h enter p");
    assert!(
        sitting.text().contains("go to the one that is worse"),
        "{}",
        sitting.text()
    );
    // The one that fails against the one that guesses.
    let go = |sitting: &mut Sitting, place: usize| {
        sitting.press("h h h h");
        for _ in 0..place {
            sitting.press("l");
        }
    };
    go(&mut sitting, places[2].unwrap());
    sitting.press("enter");
    assert!(sitting.text().contains('★'), "{}", sitting.text());
    go(&mut sitting, places[1].unwrap());
    assert!(told(&sitting).is_empty(), "{}", sitting.text());
    sitting.press("p");
    let after = sitting.text();
    assert!(after.contains("saved a pair: 3 against 2"), "{after}");
    for word in ["recorded", "scripted", "#1"] {
        assert!(after.contains(word), "{word}: {after}");
    }
    assert_eq!(
        thoughts(&sitting),
        [(THOUGHTS[2].to_owned(), THOUGHTS[1].to_owned())]
    );
    sitting.press("i");
    assert!(
        sitting.text().contains("What the judges say"),
        "{}",
        sitting.text()
    );
    // Other candidates are blind again.
    sitting.press("esc R");
    assert!(told(&sitting).is_empty(), "{}", sitting.text());
    // None good is a choice, too.
    sitting.press("N");
    assert!(sitting.text().contains("recorded"), "{}", sitting.text());
    assert_eq!(sitting.verbs(), ["pair-new", "note"]);
}

#[test]
fn the_order_is_not_that_in_which_they_were_made() {
    let mut orders = Vec::new();
    for id in ["cafe-split", "receipt-date"] {
        let user = user_with_demo(&format!("rerun-blind-order-{id}"));
        let scripts = scripted(vec![different()]);
        let mut sitting = Sitting::with_controllers(user, 76, 40, 3, scripts);
        sitting
            .press("/")
            .type_text(&format!("id:trajectories/{id}"))
            .press("enter B enter l R");
        let screens = all(&mut sitting);
        let order: Vec<usize> = screens
            .iter()
            .map(|screen| {
                let known = THOUGHTS.iter().position(|thought| screen.contains(thought));
                known.map_or(0, |number| number + 1)
            })
            .collect();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3]);
        orders.push(order);
        // Who leaves blind mode sees it all, by number.
        sitting.press("B");
        let open = all(&mut sitting);
        assert!(open[0].contains("0  recorded"), "{}", open[0]);
        assert!(open[1].contains(THOUGHTS[0]), "{}", open[1]);
    }
    assert!(
        orders.iter().any(|order| *order != [0, 1, 2, 3]),
        "{orders:?}"
    );
    assert_ne!(orders[0], orders[1]);
}

#[test]
fn what_blind_candidates_look_like() {
    for (columns, rows, size) in [(80, 24, "small"), (120, 40, "large")] {
        let user = user_with_demo(&format!("rerun-blind-{size}"));
        let mut sitting =
            Sitting::with_controllers(user, columns, rows, 3, scripted(vec![different()]));
        sitting
            .press("/")
            .type_text("id:trajectories/cafe-split")
            .press("enter B enter l l R");
        super::views::snapshot(&format!("rerun_blind_{size}"), &sitting.text());
    }
}
