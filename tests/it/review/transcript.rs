use insta::assert_snapshot;
use regex::Regex;

use super::reviewer;

fn snapshot(name: &str, transcript: &str) {
    let id = Regex::new(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap();
    let time = Regex::new(r"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{3}Z)?").unwrap();
    let text = id.replace_all(transcript, "[UUID]");
    let text = time.replace_all(&text, "[TIME]");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| assert_snapshot!(name, text));
}

#[test]
fn deciding() {
    let user = reviewer("review-deciding");
    let transcript = user.transcript(&[
        &["review", "accept", "trips/tower"],
        &["review", "accept", "trips/tower", "trips/old"],
        &[
            "review",
            "reject",
            "trips/bridge",
            "--reason",
            "wrong answer,hallucination",
            "--text",
            "It is 80 m.",
        ],
        &[
            "review",
            "reject",
            "trips/bridge",
            "--reason",
            "halucination",
        ],
        &[
            "review",
            "label",
            "trips/bridge",
            "--step",
            "1",
            "--value",
            "-1",
        ],
        &[
            "review",
            "label",
            "trips/bridge",
            "--step",
            "1",
            "--value",
            "+1",
            "--format",
            "json",
        ],
        &["review", "label", "trips/bridge", "--value", "0"],
        &[
            "review",
            "label",
            "trips/bridge",
            "--step",
            "1",
            "--value",
            "2",
        ],
        &[
            "review",
            "label",
            "trips/bridge",
            "--step",
            "3",
            "--value",
            "1",
        ],
        &["review", "first-wrong-step", "trips/bridge", "--step", "1"],
        &["review", "tag", "second look", "trips/bridge"],
        &["review", "tag", "second look", "trips/bridge"],
        &[
            "review",
            "note",
            "wrong year",
            "trips/bridge",
            "--step",
            "2",
        ],
        &[
            "review",
            "edit",
            "trips/bridge",
            "--step",
            "1",
            "--field",
            "thought",
            "--text",
            "Search for it.",
        ],
        &[
            "review",
            "edit",
            "trips/bridge",
            "--step",
            "1",
            "--field",
            "thougth",
            "--text",
            "x",
        ],
        &["review", "fresh", "trips/bridge", "--step", "2"],
        &[
            "review",
            "untag",
            "second look",
            "--query",
            "tag:\"second look\"",
        ],
        &["review", "accept", "trips/nobody"],
        &["review", "accept"],
        &["review", "tag", " ", "trips/tower"],
        &["show", "trips/bridge"],
        &["show", "trips/bridge", "--original", "--step", "1"],
        &["show", "trips/bridge", "--step", "1", "--format", "json"],
        &["search", "verdict:rejected"],
        &["log"],
        &["log", "trips/tower"],
        &["undo"],
        &["undo", "2"],
        &["redo", "9"],
        &["redo"],
        &["log", "--limit", "2"],
        &["log", "trips/old", "--format", "json"],
        &["--demo", "review", "accept", "trajectories/harbour-boats"],
    ]);
    snapshot("deciding", &transcript);
}

#[test]
fn help_of_reviewing() {
    let user = reviewer("review-help");
    snapshot(
        "help_review",
        &user.transcript(&[
            &["help", "review"],
            &["help", "review", "edit"],
            &["help", "pair", "new"],
            &["help", "review", "nothing"],
        ]),
    );
    let manual = user.retake(["man", "review", "edit"]).succeeds();
    assert!(manual.stdout.contains("expect\\-hash"), "{manual:?}");
    user.retake(["man", "review", "nothing"]).ends_with(2);
}
