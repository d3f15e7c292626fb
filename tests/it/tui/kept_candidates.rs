//! Records of `retake rerun --query` in the workbench: their candidates side by side, to be picked from.

use std::time::Duration;

use serde_json::Value;

use super::Sitting;
use crate::rerunning::{ScriptedServer, reply, run, script, user};
use crate::user::User;

const ERROR: &str =
    "Error: name 'cont' is not defined\nNow let's retry: take care not to repeat previous errors!";

/// A night's work: the second step of two trajectories, which failed, with two new candidates each.
fn morning(name: &str) -> User {
    let runs: Vec<Value> = (0..2)
        .map(|number| {
            let steps = [
                ("I count the cats.", "count = 3\nprint(count)", "3"),
                ("I double the count.", "print(cont * 3)", ERROR),
            ];
            run(&format!("cats-{number}"), &steps, "9")
        })
        .collect();
    let user = user(name, &runs);
    let mut script = script();
    let wrong = reply("I use what is not there.", "print(number_of_cats)");
    script.insert((1, 1), wrong);
    let server = ScriptedServer::start(script, Duration::ZERO);
    let words = [
        "rerun",
        "--query",
        "in:step thought:double",
        "--run",
        "night",
        "-n",
        "2",
        "--to",
        "tess",
        "--model",
        &server.address,
    ];
    user.retake(words).succeeds();
    user
}

fn sitting(name: &str) -> Sitting {
    let mut sitting = Sitting::new(morning(name), 120, 40);
    sitting
        .press("/")
        .type_text("source:night in:pair")
        .press("enter");
    sitting
}

/// What tess decided; that something was assigned is no decision.
fn decided(sitting: &Sitting) -> Vec<String> {
    let verbs = sitting.verbs().into_iter();
    verbs.filter(|verb| verb != "assign").collect()
}

#[test]
fn one_key_opens_the_finished_candidates_ready_to_pick() {
    let mut sitting = sitting("kept-open");
    sitting.press("V");
    let shown = sitting.text();
    let lines: Vec<&str> = shown.lines().collect();
    assert!(
        lines[0].contains("night/runs.cats-0.2  step 2 again"),
        "{shown}"
    );
    assert!(lines[0].contains("1 is the best"), "{shown}");
    assert!(
        lines[1].contains("recorded") && lines[1].contains("error"),
        "{shown}"
    );
    assert!(
        lines[2].contains("scripted") && lines[2].contains("#1 best"),
        "{shown}"
    );
    assert!(lines[3].contains("error"), "{shown}");
    assert!(shown.contains("3 candidates; 1 is the best"), "{shown}");
    // The pair that the judges made of these two is there: it is accepted, not made a second time.
    sitting.press("enter h p");
    let saved = sitting.text();
    assert!(
        saved.contains("accepted the pair that was there: 1 against 0"),
        "{saved}"
    );
    assert_eq!(decided(&sitting), ["accept"]);
    let total = |sitting: &Sitting| {
        let words = ["pair", "list", "source:night", "--format", "json"];
        sitting.user.json(words)["total"].as_u64().unwrap()
    };
    let made_by_judges = total(&sitting);
    sitting.press("u");
    assert_eq!(decided(&sitting), ["accept", "undo"]);
    // Nobody made one of the other two.
    sitting.press("enter l l p");
    assert!(
        sitting.text().contains("saved a pair: 0 against 2"),
        "{}",
        sitting.text()
    );
    assert_eq!(total(&sitting), made_by_judges + 1);
    sitting.press("u N");
    assert!(
        sitting.text().contains("no candidate is good"),
        "{}",
        sitting.text()
    );
    let words = ["show", "night/runs.cats-0.2", "--format", "json"];
    let shown = sitting.user.json(words);
    let note = shown["marks"][1]["notes"][0]["text"].as_str().unwrap();
    assert!(note.contains("none of 2 candidates of scripted"), "{note}");
    sitting
        .user
        .retake(["pair", "verify", "source:night"])
        .succeeds();
}

#[test]
fn a_queue_leads_from_candidates_to_candidates() {
    let mut sitting = sitting("kept-queue");
    sitting.press("B Q V");
    let blind = sitting.text();
    assert!(
        blind.contains("cats-0.2") && !blind.contains("recorded"),
        "{blind}"
    );
    assert!(!blind.contains("#1"), "{blind}");
    // Out of blind mode, with the worse one as the better one: the pair is turned.
    sitting.press("B h h h enter l p");
    assert_eq!(decided(&sitting).last().map(String::as_str), Some("accept"));
    let next = sitting.text();
    let head = next.lines().next().unwrap();
    assert!(
        head.contains("step 2 again") && head.contains("night/"),
        "{next}"
    );
    let queued = sitting.user.json([
        "--as-user",
        "tess",
        "pair",
        "list",
        "source:night",
        "--format",
        "json",
    ]);
    let swapped = |pair: &&Value| pair["swapped"] == true;
    let pairs = queued["pairs"].as_array().unwrap();
    assert_eq!(pairs.iter().filter(swapped).count(), 1, "{queued}");
}

#[test]
fn a_run_goes_on_from_a_kept_candidate_and_records_without_any_say_so() {
    let user = morning("kept-branch");
    let end = vec![vec![reply("Six it is.", "final_answer(twice)")]];
    let make = super::rerun::scripted(vec![end]);
    let mut sitting = Sitting::with_controllers(user, 120, 40, 2, make);
    sitting
        .press("/")
        .type_text("source:night in:pair")
        .press("enter V enter c");
    let branch = sitting.text();
    assert!(
        branch.lines().next().unwrap().contains("branches/"),
        "{branch}"
    );
    sitting.press("G");
    assert!(sitting.text().contains('6'), "{}", sitting.text());
    sitting
        .press("f2 / ctrl-e ctrl-u")
        .type_text("id:runs/cats-0")
        .press("enter V");
    assert!(
        sitting.text().contains("keeps no candidates"),
        "{}",
        sitting.text()
    );
}
