//! What a person decides in a re-run: saved, taken back, none good, one's own, and steps that an edit made stale.

use super::rerun::{before_the_sum, candidates, reply, scripted};
use super::{Sitting, user_with_demo};

fn pairs(sitting: &Sitting) -> u64 {
    let words = [
        "pair",
        "list",
        "id:trajectories/cafe-split",
        "--format",
        "json",
    ];
    sitting.user.json(words)["total"].as_u64().unwrap()
}

#[test]
fn a_pair_is_undone_and_redone_and_several_are_one_batch() {
    let mut sitting = before_the_sum("rerun-undo", vec![candidates()]);
    sitting.press("R h h h h enter l l l p");
    assert_eq!(
        (sitting.verbs(), pairs(&sitting)),
        (vec!["pair-new".to_owned()], 1)
    );
    sitting.press("u");
    assert!(sitting.text().contains("undid"), "{}", sitting.text());
    assert_eq!(
        (sitting.verbs(), pairs(&sitting)),
        (vec!["pair-new".to_owned(), "undo".to_owned()], 0)
    );
    sitting.press("ctrl-r");
    assert_eq!(pairs(&sitting), 1);
    sitting.press("u");
    // All that the recorded step may be paired with, taken back by one undo.
    sitting.press("P");
    let made = pairs(&sitting);
    assert!(made >= 2, "{}", sitting.text());
    assert!(
        sitting.text().contains(&format!("saved {made} pairs")),
        "{}",
        sitting.text()
    );
    sitting.press("u");
    assert_eq!(pairs(&sitting), 0);
}

#[test]
fn none_good_is_a_note_on_the_step_and_an_undo_takes_it_away() {
    let mut sitting = before_the_sum("rerun-none", vec![candidates()]);
    sitting.press("R N");
    assert!(
        sitting.text().contains("no candidate is good"),
        "{}",
        sitting.text()
    );
    assert_eq!(sitting.verbs(), ["note"]);
    let notes = |sitting: &Sitting| {
        let shown = sitting
            .user
            .json(["show", "trajectories/cafe-split", "--format", "json"]);
        shown["marks"][1]["notes"].clone()
    };
    let note = notes(&sitting)[0]["text"].as_str().unwrap().to_owned();
    assert!(
        note.contains("none of 3 candidates of scripted is good"),
        "{note}"
    );
    sitting.press("u");
    assert!(notes(&sitting).as_array().is_none_or(Vec::is_empty));
}

#[test]
fn ones_own_text_is_executed_and_the_judges_words_are_shown() {
    let mut sitting = before_the_sum("rerun-own-text", vec![candidates()]);
    sitting.press("R h h h h l e");
    // The code begins in the fourth line.
    sitting
        .press("down down down home")
        .type_text("print('mine:', 6 * 7)")
        .press("enter ctrl-s");
    let shown = sitting.text();
    assert!(shown.contains("mine: 42"), "it was executed: {shown}");
    let own = shown.lines().nth(5).unwrap();
    assert!(own.contains("★ 4 tess") && own.contains("ran"), "{shown}");
    sitting.press("p");
    assert!(
        sitting.text().contains("saved a pair: 4 against 0"),
        "{}",
        sitting.text()
    );
    let words = [
        "pair",
        "list",
        "id:trajectories/cafe-split",
        "--format",
        "json",
    ];
    let id = sitting.user.json(words)["pairs"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let shown = sitting.user.json(["pair", "show", &id, "--format", "json"]);
    let chosen = &shown["pairs"][0]["chosen"];
    assert_eq!(chosen["maker"]["person"], "tess");
    assert!(
        chosen["observation"]["text"]
            .as_str()
            .unwrap()
            .starts_with("mine: 42")
    );
    // What no parser takes is told, and what was typed stays.
    sitting.press("e ctrl-e").press("ctrl-s");
    // Ranks and reasons of all.
    sitting.press("i");
    let page = sitting.text();
    for part in [
        "What the judges say",
        "Candidate 0 (recorded)",
        "Candidate 3 (scripted)",
        "rules  score",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(page.contains("error:"), "{page}");
}

#[test]
fn a_step_that_was_edited_runs_again_and_its_branch_has_nothing_stale() {
    let user = user_with_demo("rerun-stale");
    let other = vec![vec![reply("I list the prices.", "print([7.60])")]];
    let end = vec![vec![reply("So much.", "final_answer(len(prices))")]];
    let scripts = scripted(vec![other, end]);
    let mut sitting = Sitting::with_controllers(user, 120, 40, 1, scripts);
    sitting
        .press("/")
        .type_text("id:trajectories/cafe-split")
        .press("enter enter l l");
    // The code of the second step: what it prints, and all that comes after it, no longer follows.
    sitting
        .press("e 2")
        .type_text("print(1 + 2)")
        .press("enter ctrl-s");
    let stale = |sitting: &Sitting, id: &str| -> Vec<bool> {
        let shown = sitting.user.json(["show", id, "--format", "json"]);
        let marks = shown["marks"].as_array().unwrap().iter();
        marks.map(|mark| !mark["stale"].is_null()).collect()
    };
    let id = "trajectories/cafe-split";
    assert_eq!(sitting.verbs(), ["edit"]);
    let before = stale(&sitting, id);
    assert!(
        !before[0] && before[1..].iter().all(|stale| *stale),
        "{before:?}"
    );
    // The edited step takes part as candidate 0, executed anew.
    sitting.press("R");
    let shown = sitting.text();
    assert!(
        shown.contains("recorded") && shown.contains("2 candidates")
            || shown.contains("1 candidates"),
        "{shown}"
    );
    sitting.press("h h enter c");
    let branch = sitting.text();
    let head = branch.lines().next().unwrap();
    let branch = head
        .split_whitespace()
        .find(|word| word.starts_with("branches/"))
        .unwrap_or_else(|| panic!("{branch}"))
        .to_owned();
    let shown = sitting.user.json(["show", &branch, "--format", "json"]);
    let steps = shown["trajectory"]["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 3, "{steps:?}");
    assert!(
        steps[1]["observation"]["text"]
            .as_str()
            .unwrap()
            .starts_with('3'),
        "{}",
        steps[1]
    );
    assert_eq!(shown["trajectory"]["answer"], "4");
    assert!(stale(&sitting, &branch).iter().all(|stale| !stale));
    // The source still says what an edit left there.
    assert_eq!(stale(&sitting, id), before);
}
