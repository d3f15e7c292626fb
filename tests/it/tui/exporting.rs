//! Exports from the workbench: what is found or marked, as a job.

use std::fs;

use retake::export::TARGETS;

use super::Sitting;

/// Opens the form for a target.
fn choose(sitting: &mut Sitting, target: &str) {
    let at = TARGETS.iter().position(|known| known.name == target);
    sitting.press("W home");
    for _ in 0..at.unwrap() {
        sitting.press("down");
    }
    sitting.press("enter");
}

/// Starts it with this path.
fn start(sitting: &mut Sitting, path: &str) {
    sitting
        .press("ctrl-e ctrl-u")
        .type_text(path)
        .press("enter");
}

#[test]
fn what_is_found_is_written_and_nothing_is_replaced_unasked() {
    let mut sitting = Sitting::with_demo("tui-export", 120, 40);
    let path = sitting.user.path("rows.json");
    let place = path.to_str().unwrap().to_owned();
    sitting
        .press("/")
        .type_text("id:trajectories/harbour-boats")
        .press("enter");
    choose(&mut sitting, "m-trace");
    assert!(
        sitting.text().contains("harbour-boats"),
        "{}",
        sitting.text()
    );
    start(&mut sitting, &place);
    assert!(
        sitting.text().contains("1 rows written"),
        "{}",
        sitting.text()
    );
    let rows: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    // Everything that is found, to the same place: asked about first.
    sitting.press("esc backspace");
    choose(&mut sitting, "m-trace");
    start(&mut sitting, &place);
    assert!(sitting.text().contains("Replace it?"), "{}", sitting.text());
    sitting.press("n");
    let rows: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    choose(&mut sitting, "m-trace");
    start(&mut sitting, &place);
    sitting.press("y");
    let rows: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert!(rows.as_array().unwrap().len() > 5, "{}", sitting.text());
    // The job says how it went, with all there is to say.
    sitting.press("esc f4");
    assert!(
        sitting.text().contains("export m-trace"),
        "{}",
        sitting.text()
    );
}

#[test]
fn marked_items_are_checked_and_nothing_is_written() {
    let mut sitting = Sitting::with_demo("tui-export-check", 100, 30);
    let before: Vec<_> = fs::read_dir(sitting.user.path(".")).unwrap().collect();
    sitting.press("space j space");
    choose(&mut sitting, "m-trace");
    assert!(
        sitting.text().contains("2 marked items"),
        "{}",
        sitting.text()
    );
    for _ in 0..12 {
        sitting.press("down");
    }
    sitting.press("space enter");
    assert!(
        sitting.text().contains("can be written as m-trace"),
        "{}",
        sitting.text()
    );
    let after = fs::read_dir(sitting.user.path(".")).unwrap();
    assert_eq!(after.count(), before.len());
    // A place that is a source is refused.
    sitting.press("esc U");
    choose(&mut sitting, "m-trace");
    for _ in 0..12 {
        sitting.press("down");
    }
    sitting.press("space");
    for _ in 0..12 {
        sitting.press("up");
    }
    let source = sitting.user.path("trajectories.json");
    start(&mut sitting, source.to_str().unwrap());
    assert!(
        sitting.text().contains("This did not work"),
        "{}",
        sitting.text()
    );
}
