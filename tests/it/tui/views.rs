//! What each view looks like at 80×24 and 120×40. Snapshots are in `tests/snapshots/tui/`; pictures are drawn as half-blocks.

use insta::assert_snapshot;
use regex::Regex;

use super::Sitting;

pub(super) fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots/tui");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| assert_snapshot!(name, timeless(text)));
}

/// Times of records and of jobs are those of the test.
fn timeless(text: &str) -> String {
    let time = Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d").unwrap();
    let took = Regex::new(r"done in \d+\.\d s").unwrap();
    let text = time.replace_all(text, "[DATE     TIME    ]");
    took.replace_all(&text, "done in [TIME]").into_owned()
}

const SIZES: [(u16, u16, &str); 2] = [(80, 24, "small"), (120, 40, "large")];

/// The same keys at both sizes.
pub(super) fn view(name: &str, keys: impl Fn(&mut Sitting)) {
    for (columns, rows, size) in SIZES {
        let mut sitting = Sitting::with_demo(&format!("view-{name}-{size}"), columns, rows);
        keys(&mut sitting);
        snapshot(&format!("{name}_{size}"), &sitting.text());
    }
}

#[test]
fn corpus() {
    view("corpus", |_| {});
}

#[test]
fn corpus_with_facets_and_query() {
    view("corpus_query", |sitting| {
        sitting
            .press("/")
            .type_text("boats tool:visualizer")
            .press("enter tab tab tab");
    });
}

#[test]
fn replay() {
    view("replay", |sitting| {
        sitting
            .press("/")
            .type_text("id:trajectories/harbour-boats")
            .press("enter enter l");
    });
}

#[test]
fn replay_of_an_error() {
    view("replay_error", |sitting| {
        sitting
            .press("/")
            .type_text("id:trajectories/receipt-date")
            .press("enter enter E");
    });
}

#[test]
fn compare() {
    view("compare", |sitting| {
        sitting
            .press("/")
            .type_text("in:pair")
            .press("enter enter f");
    });
}

#[test]
fn edit() {
    view("edit", |sitting| {
        sitting
            .press("/")
            .type_text("id:trajectories/receipt-date")
            .press("enter enter l e 2");
    });
}

#[test]
fn statistics() {
    view("statistics", |sitting| {
        sitting.press("f3");
    });
}

#[test]
fn jobs() {
    view("jobs", |sitting| {
        sitting.press("f4");
    });
}

#[test]
fn log() {
    view("log", |sitting| {
        sitting.press("a down r 2 enter f6");
    });
}

#[test]
fn overlays() {
    for (name, keys) in [
        ("help", "?"),
        ("palette", ":"),
        ("rejection", "r"),
        ("confirmation", "space space a"),
    ] {
        let mut sitting = Sitting::with_demo(&format!("overlay-{name}"), 80, 24);
        sitting.press(keys);
        snapshot(&format!("overlay_{name}"), &sitting.text());
    }
}

#[test]
fn wide_characters_keep_their_columns() {
    let user = crate::user::User::new("tui-wide");
    let mut record =
        crate::user::record("塔", "この塔の高さは？ 🗼", "高さは七十メートル 👩‍👩‍👧", "70 m");
    record["answer"] = "七十メートル".into();
    user.write("wide.json", crate::user::array(&[record]));
    user.retake(["add", "wide.json"]).succeeds();
    let mut sitting = Sitting::new(user, 80, 24);
    snapshot("wide_corpus", &sitting.text());
    sitting.press("enter l");
    snapshot("wide_replay", &sitting.text());
}

#[test]
fn a_screen_that_is_too_small_says_so() {
    let mut sitting = Sitting::with_demo("tui-small", 80, 24);
    sitting.resize(40, 10);
    assert!(
        sitting.text().contains("40×10 is too small"),
        "{}",
        sitting.text()
    );
    sitting.resize(1, 1);
    sitting.resize(60, 15);
    assert!(sitting.text().contains("records"), "{}", sitting.text());
}
