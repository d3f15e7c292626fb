use std::fs;

use serde_json::{Value, json};

use super::{records, review, reviewer};
use crate::user::{User, array};

/// The source with another observation and answer of `trips/tower`.
fn change_source(user: &User) {
    let mut records = records();
    records[0]["conversations"][3]["value"] =
        "[OUTPUT OF STEP 0] Observation:\nThe tower: 71 m".into();
    records[0]["answer"] = "71 m".into();
    user.write("trips.json", array(&records));
}

fn changes(user: &User) -> Value {
    user.json(["show", "trips/tower", "--format", "json"])["source_changes"].clone()
}

/// A review of what the source was, and another source since.
fn changed(name: &str) -> User {
    let user = reviewer(name);
    for command in [
        [
            "review",
            "reject",
            "trips/tower",
            "--reason",
            "wrong-answer",
        ]
        .as_slice(),
        &["review", "tag", "towers", "trips/tower"],
        &[
            "review",
            "edit",
            "trips/tower",
            "--step",
            "1",
            "--field",
            "observation",
            "--text",
            "The tower: 69 m",
        ],
        &["review", "accept", "trips/old"],
    ] {
        user.retake(command).succeeds();
    }
    change_source(&user);
    user
}

#[test]
fn a_review_is_kept_and_not_applied_to_what_it_was_not_about() {
    let user = changed("source-changed");
    assert_eq!(user.ids("is:source-changed"), ["trips/tower"]);
    let now = review(&user, "trips/tower");
    assert_eq!(now["state"], "unreviewed");
    assert_eq!(now["source_changed"], true);
    assert_eq!(now["tags"], json!([]));
    assert_eq!(user.ids("review:rejected"), [""; 0]);
    assert_eq!(user.ids("tag:towers"), [""; 0]);
    assert_eq!(user.ids("has:edit"), [""; 0]);
    assert_eq!(
        super::first_step(&user, "trips/tower")["observation"]["text"],
        "The tower: 71 m"
    );

    let changes = changes(&user);
    let change = &changes[0];
    assert_eq!(change["review"]["own"], "rejected");
    assert_eq!(change["review"]["tags"][0]["tag"], "towers");
    let observation = json!({
        "step_before": 1, "step": 1, "field": "observation",
        "before": "The tower: 70 m", "after": "The tower: 71 m",
    });
    let answer = json!({ "field": "answer", "before": "70 m", "after": "71 m" });
    assert_eq!(change["differences"], json!([observation, answer]));
    assert_eq!(change["edits"][0]["text"], "The tower: 69 m");
    assert_eq!(change["edits"][0]["present"], "The tower: 71 m");
    let text = user.retake(["show", "trips/tower"]).succeeds().stdout;
    for line in [
        "Source changed  it was ",
        "    ana rejected (wrong-answer)",
        "    ana tagged towers",
        "    - The tower: 70 m",
        "    + The tower: 71 m",
        "    - 70 m",
        "    + 71 m",
        "    + The tower: 69 m",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }

    // Decided again, it counts again; what was decided then is still told.
    user.retake(["review", "accept", "trips/tower"]).succeeds();
    assert_eq!(review(&user, "trips/tower")["state"], "accepted");
    assert_eq!(
        user.ids("is:source-changed review:accepted"),
        ["trips/tower"]
    );
    // Undo reaches back to what was decided about the record as it was.
    let undone = user.retake(["undo", "2"]).succeeds().stdout;
    assert!(
        undone.contains("trips/tower") && undone.contains("trips/old"),
        "{undone}"
    );

    // When the source is what it was, the review holds as it did.
    user.write("trips.json", array(&records()));
    assert_eq!(review(&user, "trips/tower")["state"], "rejected");
    assert_eq!(user.ids("tag:towers has:edit"), ["trips/tower"]);
    assert_eq!(user.ids("is:source-changed"), [""; 0]);
}

#[test]
fn without_the_old_text_edits_are_compared_with_what_is_there() {
    let user = changed("source-changed-elsewhere");
    fs::remove_dir_all(user.path(".retake/blobs")).unwrap();
    let changes = changes(&user);
    assert_eq!(changes[0]["differences"], Value::Null);
    assert_eq!(changes[0]["edits"][0]["field"], "observation");
    let text = user.retake(["show", "trips/tower"]).succeeds().stdout;
    for line in [
        "What it was is not kept here.",
        "    ana rejected (wrong-answer)",
        "    - The tower: 71 m",
        "    + The tower: 69 m",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("70 m\n    +"), "{text}");
}

#[test]
fn records_are_kept_once_as_they_were_reviewed() {
    let user = reviewer("source-kept");
    let kept = || -> Vec<String> {
        let groups = fs::read_dir(user.path(".retake/blobs/records"));
        let groups = groups
            .into_iter()
            .flatten()
            .map(|group| group.unwrap().path());
        let files = groups.flat_map(|group| fs::read_dir(group).unwrap());
        let mut names: Vec<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(kept(), [""; 0]);
    user.retake(["review", "accept", "trips/tower"]).succeeds();
    user.retake(["review", "reject", "trips/tower"]).succeeds();
    user.retake(["--as-user", "bo", "review", "tag", "x", "trips/tower"])
        .succeeds();
    let hash = user.json(["show", "trips/tower", "--format", "json"])["hash"].clone();
    assert_eq!(kept(), [format!("{}.json.zst", hash.as_str().unwrap())]);
    let ignored = fs::read_to_string(user.path(".retake/.gitignore")).unwrap();
    assert!(ignored.contains("/blobs/records/"), "{ignored}");
    // What can't be kept is no reason not to decide.
    fs::remove_dir_all(user.path(".retake/blobs")).unwrap();
    user.write(".retake/blobs", "in the way");
    let warned = user.retake(["review", "accept", "trips/old"]).succeeds();
    assert!(warned.stderr.contains("can't be kept"), "{warned:?}");
    assert_eq!(user.ids("review:accepted"), ["trips/old"]);
}

#[test]
fn a_blind_annotator_sees_no_verdict_on_what_a_record_was() {
    let user = changed("source-changed-blind");
    let bo = |arguments: &[&str]| {
        let arguments = ["--as-user", "bo"].iter().chain(arguments).copied();
        user.retake(arguments.collect::<Vec<_>>()).succeeds().stdout
    };
    let seen = bo(&["show", "trips/tower"]) + &bo(&["show", "trips/tower", "--format", "json"]);
    assert!(seen.contains("tagged towers"), "{seen}");
    assert!(
        !seen.contains("reject") && !seen.contains("wrong-answer"),
        "{seen}"
    );
    let log = bo(&["log", "trips/tower"]);
    assert!(log.contains("towers") && !log.contains("reject"), "{log}");
}
