//! Key scripts: what somebody presses, and what becomes of it.

use super::Sitting;

#[test]
fn search_step_reject_and_quit() {
    let mut sitting = Sitting::with_demo("tui-first", 120, 40);
    assert!(sitting.text().contains("26 records"), "{}", sitting.text());
    sitting.press("/").type_text("receipt").press("enter");
    assert!(
        sitting.text().contains("receipt-date"),
        "{}",
        sitting.text()
    );
    sitting.press("enter");
    assert!(sitting.text().contains("▾ Task"), "{}", sitting.text());
    sitting.press("l l");
    assert!(sitting.text().contains("step 2 of"), "{}", sitting.text());
    sitting.press("r").press("1 tab").press("enter");
    assert!(sitting.text().contains("rejected"), "{}", sitting.text());
    assert_eq!(sitting.verbs(), ["reject"]);
    sitting.press("u");
    assert_eq!(sitting.verbs(), ["reject", "undo"]);
    sitting.press("esc esc");
    assert!(!sitting.is_over(), "esc alone leaves nothing");
    sitting.press("q");
    assert!(sitting.is_over());
}

#[test]
fn queries_are_completed_while_they_are_typed_and_never_fail() {
    let mut sitting = Sitting::with_demo("tui-query", 120, 30);
    sitting.press("/").type_text("tool:ob").press("tab");
    assert!(
        sitting.text().contains("/ tool:objectlocation"),
        "{}",
        sitting.text()
    );
    sitting.press("enter");
    let found = sitting.text();
    assert!(!found.contains("nothing is found"), "{found}");
    sitting.press("/").type_text(" AND (");
    assert!(!sitting.text().contains("panicked"));
    sitting.press("esc");
    assert!(
        sitting.text().contains("tool:objectlocation"),
        "{}",
        sitting.text()
    );
    sitting.press("backspace");
    assert!(sitting.text().contains("26 records"), "{}", sitting.text());
}

#[test]
fn facets_include_and_exclude() {
    let mut sitting = Sitting::with_demo("tui-facets", 120, 40);
    sitting.press("left down").press("x");
    let query = |sitting: &Sitting| sitting.text().lines().next().unwrap().trim().to_owned();
    assert_eq!(query(&sitting), "-source:trajectories");
    assert!(
        sitting.text().contains("1 of 9 records"),
        "{}",
        sitting.text()
    );
    // The only value that is left.
    sitting.press("i");
    assert_eq!(query(&sitting), "-source:trajectories source:pairs");
    sitting.press("i");
    assert_eq!(query(&sitting), "-source:trajectories");
}

#[test]
fn an_edit_is_saved_and_makes_later_steps_stale() {
    let mut sitting = Sitting::with_demo("tui-edit", 120, 40);
    sitting
        .press("/")
        .type_text("id:trajectories/receipt-date")
        .press("enter enter l");
    sitting.press("e 1");
    assert!(
        sitting.text().contains("saving makes stale"),
        "{}",
        sitting.text()
    );
    sitting.type_text("Look again: ").press("ctrl-s");
    let shown = sitting.text();
    assert!(shown.contains("Look again: "), "{shown}");
    assert!(shown.contains("✎"), "{shown}");
    assert!(shown.contains("stale"), "{shown}");
    assert_eq!(sitting.verbs(), ["edit"]);
    sitting.press("l F");
    assert_eq!(sitting.verbs(), ["edit", "fresh"]);
}

#[test]
fn leaving_an_editor_asks_before_it_drops_what_was_typed() {
    let mut sitting = Sitting::with_demo("tui-drop", 100, 30);
    sitting
        .press("/")
        .type_text("id:trajectories/receipt-date")
        .press("enter enter l e 2");
    sitting.type_text("x = (").press("esc");
    assert!(
        sitting.text().contains("Leave without saving"),
        "{}",
        sitting.text()
    );
    sitting.press("n");
    assert!(
        sitting.text().contains("Python: line"),
        "{}",
        sitting.text()
    );
    sitting.press("esc y");
    assert!(sitting.text().contains("▾ Code"), "{}", sitting.text());
    assert!(sitting.verbs().is_empty());
}

#[test]
fn marked_items_are_decided_as_one_batch() {
    let mut sitting = Sitting::with_demo("tui-bulk", 120, 40);
    sitting.press("space space space");
    assert!(sitting.text().contains("3 marked"), "{}", sitting.text());
    sitting.press("a");
    assert!(
        sitting.text().contains("3 items are to be accepted"),
        "{}",
        sitting.text()
    );
    sitting.press("y");
    assert_eq!(sitting.verbs(), ["accept", "accept", "accept"]);
    sitting.press("u");
    let log = sitting.press("f6").text();
    assert!(log.contains("undone"), "{log}");
}

#[test]
fn a_queue_leads_from_verdict_to_verdict() {
    let mut sitting = Sitting::with_demo("tui-queue", 120, 40);
    sitting.press("K Q enter");
    let first = sitting.text().lines().next().unwrap().to_owned();
    sitting.press("a");
    let second = sitting.text().lines().next().unwrap().to_owned();
    assert_ne!(first, second);
    assert_eq!(sitting.verbs(), ["accept"]);
    assert!(
        sitting.text().contains("queue: 1 of 17 done"),
        "{}",
        sitting.text()
    );
    sitting.press("a");
    assert_eq!(sitting.verbs(), ["accept", "accept"]);
    assert_ne!(second, sitting.text().lines().next().unwrap());
}

#[test]
fn a_pair_is_compared_swapped_and_judged_blind() {
    let mut sitting = Sitting::with_demo("tui-pair", 120, 40);
    sitting.press("/").type_text("in:pair").press("enter enter");
    let shown = sitting.text();
    assert!(
        shown.contains("Chosen") && shown.contains("Rejected"),
        "{shown}"
    );
    sitting.press("B");
    let blind = sitting.text();
    assert!(
        !blind.contains("Chosen") && blind.contains("blind"),
        "{blind}"
    );
    sitting.press("1");
    assert!(sitting.text().contains("Chosen"), "{}", sitting.text());
    let verbs = sitting.verbs();
    assert!(
        verbs == ["accept"] || verbs == ["pair-swap", "accept"],
        "{verbs:?}"
    );
}

#[test]
fn a_pair_is_made_of_a_step_and_something_better() {
    let mut sitting = Sitting::with_demo("tui-make-pair", 120, 40);
    sitting
        .press("/")
        .type_text("id:trajectories/receipt-date")
        .press("enter enter l c 1");
    assert!(
        sitting.text().contains("A better candidate"),
        "{}",
        sitting.text()
    );
    sitting
        .press("ctrl-home")
        .type_text("Thought: Better. ")
        .press("ctrl-s");
    assert_eq!(sitting.verbs(), ["pair-new"]);
}

#[test]
fn help_and_palette_come_from_the_table() {
    let mut sitting = Sitting::with_demo("tui-help", 100, 40);
    sitting.press("?");
    assert!(
        sitting.text().contains("Keys: corpus"),
        "{}",
        sitting.text()
    );
    sitting.press("esc :").type_text("statist").press("enter");
    assert!(
        sitting.text().contains("Statistics of everything"),
        "{}",
        sitting.text()
    );
    sitting.press("esc");
    assert!(sitting.text().contains("records"), "{}", sitting.text());
}

#[test]
fn a_journal_that_cannot_be_written_is_an_error_and_the_view_stays() {
    let mut sitting = Sitting::with_demo("tui-read-only", 100, 30);
    let journal = sitting.user.path(".retake/journal");
    std::fs::create_dir_all(journal.parent().unwrap()).unwrap();
    // A file where the folder should be.
    std::fs::remove_dir_all(&journal).ok();
    std::fs::write(&journal, "in the way").unwrap();
    sitting.press("a");
    assert!(
        sitting.text().contains("This did not work"),
        "{}",
        sitting.text()
    );
    sitting.press("enter");
    assert!(sitting.text().contains("records"), "{}", sitting.text());
}

#[test]
fn steps_run_again_and_say_what_differs() {
    let mut sitting = Sitting::with_demo("tui-run-again", 120, 40);
    sitting.press("/").type_text("id:trajectories/cafe-split").press("enter enter l X");
    let shown = sitting.text();
    assert!(shown.contains("steps do what was recorded"), "{shown}");
    assert!(shown.contains("Run again"), "{shown}");
    assert!(shown.contains('↻'), "{shown}");
    sitting.press("l");
    assert!(sitting.text().contains("Variables"), "{}", sitting.text());
}

#[test]
fn a_table_of_the_task_is_read_as_text() {
    let mut sitting = Sitting::with_demo("tui-attachment", 120, 40);
    sitting.press("/").type_text("id:trajectories/rainfall-difference").press("enter enter d");
    assert!(sitting.text().contains("rainfall.csv"), "{}", sitting.text());
}
