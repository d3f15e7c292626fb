//! Runs beside their gold, and flags with the place that each points at.

use ratatui::style::Modifier;

use super::Sitting;
use super::views::snapshot;
use crate::user::{User, array, gta_run, gta_tasks, record};

fn sitting_with_runs(name: &str) -> Sitting {
    let user = User::new(name);
    user.write("gta.json", gta_tasks(&[1, 2]));
    user.write("first.json", gta_run(&[(1, "right"), (2, "wrong")]));
    user.write("second.json", gta_run(&[(1, "wrong")]));
    user.retake(["add", "gta.json", "first.json", "second.json"])
        .succeeds();
    Sitting::new(user, 120, 40)
}

#[test]
fn a_run_stands_beside_its_gold() {
    let mut sitting = sitting_with_runs("gold-run");
    sitting
        .press("/")
        .type_text("run:first outcome:pass")
        .press("enter");
    let preview = sitting.text();
    assert!(preview.contains("Gold"), "{preview}");
    assert!(preview.contains("gta/1"), "{preview}");
    assert!(preview.contains("Answer: It is right."), "{preview}");
    snapshot("gold_preview", &preview);
    // In the replay, and from there to the gold record.
    sitting.press("enter");
    assert!(sitting.text().contains("▾ Gold"), "{}", sitting.text());
    sitting.press("O");
    let gold = sitting.text();
    let head = gold.lines().next().unwrap();
    assert!(head.contains("gta/1"), "{head}");
    assert!(gold.contains("▾ Runs"), "{gold}");
    assert!(gold.contains("pass    first/1"), "{gold}");
    assert!(gold.contains("fail    second/1"), "{gold}");
    assert!(!gold.contains("first/2"), "another task: {gold}");
    snapshot("gold_replay", &gold);
    // From the gold to one of its runs.
    sitting.press("O");
    assert!(
        sitting.text().contains("pass first/1"),
        "{}",
        sitting.text()
    );
    sitting.press("2");
    let run = sitting.text();
    assert!(run.lines().next().unwrap().contains("second/1"), "{run}");
    sitting.press("esc esc");
    assert!(sitting.text().lines().next().unwrap().contains("first/1"));
}

#[test]
fn what_is_no_run_has_no_gold() {
    let mut sitting = Sitting::with_demo("gold-none", 100, 30);
    sitting.press("O");
    assert!(
        sitting.text().contains("it is no run"),
        "{}",
        sitting.text()
    );
    sitting.press("enter O");
    assert!(
        sitting.text().contains("it is no run"),
        "{}",
        sitting.text()
    );
}

/// The text on the screen that is underlined, in reading order.
fn underlined(sitting: &Sitting) -> String {
    let buffer = sitting.rehearsal.buffer();
    let cells = buffer.content().iter();
    let marked = cells.filter(|cell| cell.modifier.contains(Modifier::UNDERLINED));
    marked.map(|cell| cell.symbol()).collect()
}

#[test]
fn keys_go_from_flag_to_flag_and_paint_what_each_points_at() {
    let user = User::new("flags");
    let observation = "The first line.\nThen Error code: 429 came.";
    let flagged = record("odd", "How high is it?", observation, "4711 m");
    user.write("odd.json", array(&[flagged]));
    user.retake(["add", "odd.json"]).succeeds();
    let mut sitting = Sitting::new(user, 120, 40);
    sitting.press("enter");
    assert_eq!(underlined(&sitting), "");
    sitting.press("!");
    let first = sitting.text();
    assert!(first.contains("step 1 of 2"), "{first}");
    assert!(first.contains("flag 1 of 2: infra-error"), "{first}");
    assert_eq!(underlined(&sitting), "Error code: 429");
    sitting.press("!");
    let second = sitting.text();
    assert!(
        second.contains("flag 2 of 2: ungrounded-answer"),
        "{second}"
    );
    assert_eq!(underlined(&sitting), "4711");
    sitting.press("!");
    assert!(sitting.text().contains("flag 1 of 2"), "round again");
    // From a place behind the first the next one is the second.
    sitting.press("l !");
    assert!(sitting.text().contains("flag 2 of 2"), "{}", sitting.text());
}
