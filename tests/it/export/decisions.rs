//! Exports go by what people decided, and by what trainers take.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use retake::domain::Task;
use retake::export::Split;
use serde_json::{Value, json};

use super::records::value;
use crate::user::{Ended, User, array, lines, record};

/// Four trajectories: `a` to `d`.
fn user(name: &str) -> User {
    let user = User::new(name);
    let records = ["a", "b", "c", "d"]
        .map(|id| record(id, &format!("How tall is tower {id}?"), "70 m", "70 m"));
    user.write("trips.json", array(&records));
    user.retake(["add", "trips.json"]).succeeds();
    user
}

fn review(user: &User, words: &[&str]) -> Ended {
    user.retake([&["review"], words].concat()).succeeds()
}

fn rows(user: &User, file: &str) -> Vec<Value> {
    let text = fs::read_to_string(user.path(file)).unwrap();
    match value(&text) {
        Value::Array(rows) => rows,
        other => panic!("{other}"),
    }
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["id"].as_str().unwrap()).collect()
}

#[test]
fn what_people_rejected_is_left_out_and_edits_are_written() {
    let user = user("export-decisions");
    review(&user, &["reject", "trips/a", "--reason", "wrong-answer"]);
    review(&user, &["accept", "trips/b"]);
    let edit = ["edit", "trips/c", "--step", "1", "--field", "thought"];
    review(&user, &[&edit[..], &["--text", "Ask somebody."]].concat());

    let ended = user
        .retake(["export", "m-trace", "-o", "all.json"])
        .succeeds();
    assert!(
        ended
            .stderr
            .contains("left out: 1 rejected (--include rejected)"),
        "{ended:?}"
    );
    assert!(
        ended.stderr.contains("left out: 1 stale (--include stale)"),
        "{ended:?}"
    );
    assert!(
        ended.stderr.contains("stale: trips/c step 1, 2"),
        "{ended:?}"
    );
    assert_eq!(ids(&rows(&user, "all.json")), ["b", "d"]);

    // Looked at again, the edited one is exported with its edit.
    review(&user, &["fresh", "trips/c", "--step", "1"]);
    review(&user, &["fresh", "trips/c", "--step", "2"]);
    let include = [
        "export",
        "m-trace",
        "-o",
        "more.json",
        "--include",
        "rejected",
    ];
    user.retake(include).succeeds();
    let written = rows(&user, "more.json");
    assert_eq!(ids(&written), ["a", "b", "c", "d"]);
    let reply = written[2]["conversations"][2]["value"].as_str().unwrap();
    assert!(
        reply.starts_with("Thought: Ask somebody.\n\nCode:"),
        "{reply}"
    );
    let untouched = record("d", "How tall is tower d?", "70 m", "70 m");
    assert_eq!(written[3], untouched);

    let checked = user.json(["check", "m-trace", "--format", "json"]);
    assert_eq!(checked["ready"], 3);
    assert_eq!(checked["left_out"], json!({"rejected": 1}));
    assert_eq!(checked["left_out_items"][0]["id"], "trips/a");
    let accepted = user.retake(["export", "m-trace", "is:accepted", "-o", "accepted.json"]);
    accepted.succeeds();
    assert_eq!(ids(&rows(&user, "accepted.json")), ["b"]);
}

#[test]
fn an_edited_side_is_kept_back_where_rows_hold_what_it_led_to() {
    let user = user("export-edited-side");
    let side = json!({"thought": "Measure it.", "code": "print(height())", "observation": "70 m"});
    let chosen = format!("text:{side}");
    let new = [
        "pair",
        "new",
        "trips/a",
        "--step",
        "1",
        "--rejected",
        "step",
        "--accept",
    ];
    let made = user.json([&new[..], &["--chosen", &chosen, "--format", "json"]].concat());
    let id = made["id"].as_str().unwrap();
    let export = |target: &str| {
        let to = format!("{target}.out");
        let ended = user.retake(["export", target, "in:pair", "-o", &to, "--overwrite"]);
        let text = fs::read_to_string(user.path(&to)).unwrap_or_default();
        (ended.succeeds(), text)
    };
    let count = |text: &str, what: &str| text.matches(what).count();
    let edit = ["edit", id, "--side", "chosen"];
    review(
        &user,
        &[&edit[..], &["--field", "code", "--text", "print(climb())"]].concat(),
    );

    // Rows of a trainer end in the reply: the edit is all that there is to know.
    let (ended, text) = export("trl-preference");
    assert_eq!(
        (count(&text, "climb()"), count(&text, "70 m")),
        (1, 0),
        "{ended:?}"
    );
    assert!(!ended.stderr.contains("stale"), "{ended:?}");
    // The ranking form has a place for what the old code printed.
    let (ended, text) = export("pref-x");
    assert_eq!(count(&text, "climb()"), 0, "{text}");
    assert!(
        ended.stderr.contains(&format!("stale: {id} step 1")),
        "{ended:?}"
    );
    review(
        &user,
        &[&edit[..], &["--field", "observation", "--text", "71 m"]].concat(),
    );
    let (ended, text) = export("pref-x");
    assert_eq!(
        (count(&text, "climb()"), count(&text, "71 m")),
        (1, 1),
        "{ended:?}"
    );
}

#[test]
fn annotators_who_disagree_keep_an_item_back() {
    let user = user("export-disputed");
    for (who, verb) in [("ada", "accept"), ("bo", "reject")] {
        review(&user, &[verb, "trips/a", "--as-user", who]);
    }
    let ended = user
        .retake(["export", "m-trace", "-o", "out.json"])
        .succeeds();
    assert!(ended.stderr.contains("left out: 1 disputed"), "{ended:?}");
    // Whoever exports need not have an own verdict to be told of it.
    let other = ["check", "m-trace", "--format", "json", "--as-user", "cy"];
    assert_eq!(user.json(other)["left_out"], json!({"disputed": 1}));
    let all = [
        "export",
        "m-trace",
        "-o",
        "all.json",
        "--include",
        "disputed",
    ];
    user.retake(all).succeeds();
    assert_eq!(rows(&user, "all.json").len(), 4);
}

#[test]
fn a_source_that_changed_under_a_review_is_kept_back() {
    let user = user("export-changed");
    review(&user, &["accept", "trips/a"]);
    let text = fs::read_to_string(user.path("trips.json")).unwrap();
    user.write("trips.json", text.replacen("70 m", "71 m", 1));
    let checked = user.json(["check", "m-trace", "--format", "json"]);
    assert_eq!(checked["left_out"], json!({"source-changed": 1}));
    review(&user, &["accept", "trips/a"]);
    let checked = user.json(["check", "m-trace", "--format", "json"]);
    assert_eq!(checked["left_out"], json!({}));
    assert_eq!(checked["ready"], 4);
}

#[test]
fn splits_keep_tasks_whole_and_stay() {
    let user = User::new("export-splits");
    let records = |count: usize, prefix: &str| -> Vec<Value> {
        let one = |n: usize| {
            record(
                &format!("{prefix}{n}"),
                &format!("What is {}?", n / 2),
                "x",
                "x",
            )
        };
        (0..count).map(one).collect()
    };
    user.write("first.jsonl", lines(&records(60, "f")));
    user.write("second.jsonl", lines(&records(30, "s")));
    user.retake(["add", "first.jsonl", "second.jsonl"])
        .succeeds();
    let split = ["--split", "train=0.7,val=0.2,test=0.1", "--seed", "3"];
    let export = |to: &str| {
        let words = [&["export", "m-trace", "-o", to][..], &split].concat();
        user.retake(words).succeeds()
    };
    let ended = export("parts");
    assert!(
        ended.stderr.contains("90 rows written to parts"),
        "{ended:?}"
    );
    let places = |folder: &str| {
        let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for name in ["train", "val", "test"] {
            for row in rows(&user, &format!("{folder}/{name}.json")) {
                let task = row["conversations"][1]["value"].as_str().unwrap();
                places
                    .entry(task.to_owned())
                    .or_default()
                    .insert(name.to_owned());
            }
        }
        places
    };
    let before = places("parts");
    assert_eq!(before.len(), 30);
    assert!(before.values().all(|names| names.len() == 1), "{before:?}");
    let in_train = before
        .values()
        .filter(|names| names.contains("train"))
        .count();
    assert!((14..28).contains(&in_train), "{in_train}");
    // More data moves nobody.
    user.write("second.jsonl", lines(&records(200, "s")));
    export("later");
    let after = places("later");
    assert!(before.iter().all(|(task, names)| after[task] == *names));

    let manifest = value(&fs::read_to_string(user.path("parts/manifest.json")).unwrap());
    assert_eq!(manifest["split"]["seed"], 3);
    assert_eq!(manifest["sources"][0]["name"], "first");
    let file = manifest["files"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["path"] == "val.json");
    let named: Vec<String> = file.unwrap()["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap().split_once('/').unwrap().1.to_owned())
        .collect();
    assert_eq!(named, ids(&rows(&user, "parts/val.json")));
    // The same call with another name writes the same bytes.
    export("again");
    for name in ["train.json", "val.json", "test.json", "manifest.json"] {
        let [one, two] =
            ["later", "again"].map(|f| fs::read(user.path(&format!("{f}/{name}"))).unwrap());
        assert_eq!(one, two, "{name}");
    }
    for (words, reason) in [
        (
            ["--split", "train=0.5"],
            "the shares add up to 0.5, and must add up to 1",
        ),
        (["--split", "train"], "is no split"),
    ] {
        let ended = user.retake([&["export", "m-trace", "-o", "no"][..], &words].concat());
        assert!(ended.ends_with(2).stderr.contains(reason));
    }
    let stream = [&["export", "m-trace", "-o", "-"][..], &split].concat();
    assert!(
        user.retake(stream)
            .ends_with(1)
            .stderr
            .contains("can't go to stdout")
    );
}

proptest::proptest! {
    #[test]
    fn a_task_is_in_the_same_split_whatever_else_there_is(text in ".{0,40}", seed: u64) {
        let split = Split::parse("a=0.25,b=0.75", seed).unwrap();
        let task = Task { text, ..Task::default() };
        let with_files = Task {
            attachments: vec![retake::domain::Attachment::from_path("a.png", true)],
            ..task.clone()
        };
        proptest::prop_assert_eq!(split.of(&task), split.of(&with_files));
        proptest::prop_assert!(split.of(&task) < 2);
    }
}

#[test]
fn copies_make_an_export_portable() {
    let user = User::new("export-copies");
    fs::create_dir(user.path("out")).unwrap();
    let pairs = [
        "--demo",
        "export",
        "pref-x",
        "-o",
        "out/pairs.json",
        "--media",
        "copy",
    ];
    user.retake(pairs).succeeds();
    let written = rows(&user, "out/pairs.json");
    let mut seen = BTreeSet::new();
    for row in &written {
        for name in row["images"].as_array().unwrap() {
            let name = name.as_str().unwrap();
            assert!(name.starts_with("media/"), "{name}");
            assert!(user.path("out").join(name).is_file(), "{name}");
            seen.insert(name.to_owned());
        }
    }
    // One picture of two pairs is there once.
    let files = fs::read_dir(user.path("out/media")).unwrap().count();
    assert_eq!((seen.len(), files), (7, 7));
    // Once more into the same folder: the copies are there, and are the same.
    let more = [
        "--demo",
        "export",
        "pref-x",
        "-o",
        "out/more.json",
        "--media",
        "copy",
    ];
    user.retake(more).succeeds();
    let info = value(&fs::read_to_string(user.path("out/dataset_info.json")).unwrap());
    let names: Vec<&String> = info.as_object().unwrap().keys().collect();
    assert_eq!(names, ["pairs", "more"]);
    assert_eq!(info["pairs"]["file_name"], "pairs.json");
    assert_eq!(info["pairs"]["ranking"], true);

    // Texts and code name these by path, so copies stand at those paths.
    let trajectories = [
        "--demo",
        "export",
        "m-trace",
        "-o",
        "out/runs.json",
        "--media",
        "copy",
    ];
    user.retake(trajectories).succeeds();
    assert!(user.path("out/images/harbour.png").is_file());

    let embedded = ["--demo", "export", "pref-x", "-o", "-", "--media", "embed"];
    let text = user.retake(embedded).succeeds().stdout;
    let first = &value(&text)[0]["images"][0];
    assert!(
        first
            .as_str()
            .unwrap()
            .starts_with("data:image/png;base64,iVBOR"),
        "{first}"
    );
    for (words, reason) in [
        (
            ["m-trace", "--media", "embed"],
            "`m-trace` can't have its pictures with `--media embed`",
        ),
        (
            ["pref-x", "--media", "copy"],
            "copies of pictures have no place beside stdout",
        ),
    ] {
        let ended = user.retake([&["--demo", "export", "-o", "-"][..], &words].concat());
        assert!(ended.ends_with(1).stderr.contains(reason));
    }
}

/// A pair whose pictures are these.
fn pair(images: &[&str], chosen: &str) -> Value {
    let marks = "<image>".repeat(images.len());
    json!({
        "images": images,
        "conversations": [{"from": "human", "value": format!("{marks}\nTask: What is it?")}],
        "chosen": {"from": "gpt", "value": format!("Thought: {chosen}\nCode:\n```py\nlook()\n```<end_action>")},
        "rejected": {"from": "gpt", "value": "Thought: A guess.\nCode:\n```py\nfinal_answer(1)\n```<end_action>"},
        "system": "You are careful.",
    })
}

#[test]
fn rows_that_a_trainer_would_not_take_are_listed_and_not_written() {
    let user = User::new("export-preflight");
    let mut even = pair(&[], "Look.");
    let turn = json!({"from": "gpt", "value": "Thought: No.\nCode:\n```py\npass\n```<end_action>"});
    even["conversations"].as_array_mut().unwrap().push(turn);
    let mut marks = pair(&[], "Look at <image> again.");
    marks["system"] = "".into();
    let pairs = [
        pair(&[], "Look."),
        pair(&["gone.png"], "Look."),
        even,
        marks,
    ];
    user.write("pairs.json", array(&pairs));
    user.retake(["add", "pairs.json"]).succeeds();

    let ended = user
        .retake(["check", "pref-x", "--format", "json"])
        .ends_with(3);
    let checked = value(&ended.stdout);
    assert_eq!(
        (&checked["ready"], &checked["failed"]),
        (&json!(1), &json!(3))
    );
    let found: Vec<(String, String)> = checked["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| {
            ["id", "rule"]
                .map(|key| failure[key].as_str().unwrap().to_owned())
                .into()
        })
        .collect();
    let expected = [
        ("pairs/1", "missing-picture"),
        ("pairs/2", "turns-alternate"),
        ("pairs/3", "picture-marks"),
        ("pairs/3", "no-system-prompt"),
    ];
    for (id, rule) in expected {
        assert!(
            found.contains(&(id.to_owned(), rule.to_owned())),
            "{id} {rule}: {found:?}"
        );
    }
    assert_eq!(found.len(), expected.len(), "{found:?}");

    let ended = user
        .retake(["export", "pref-x", "-o", "out.json"])
        .ends_with(3);
    assert!(
        ended
            .stderr
            .contains("not written: pairs/1: missing-picture: gone.png"),
        "{ended:?}"
    );
    assert_eq!(rows(&user, "out.json").len(), 1);
    let manifest = value(&fs::read_to_string(user.path("out.json.manifest.json")).unwrap());
    assert_eq!(manifest["failed"]["missing-picture"], 1);
    assert_eq!(manifest["files"][0]["rows"], json!(["pairs/0"]));

    let allow = "missing-picture,picture-marks,no-system-prompt,turns-alternate";
    let all = ["export", "pref-x", "-o", "all.json", "--allow", allow];
    user.retake(all).succeeds();
    assert_eq!(rows(&user, "all.json").len(), 4);
    // What can't be copied can't be allowed either.
    let copied = [
        &all[..3],
        &["copied.json", "--media", "copy", "--allow", allow],
    ]
    .concat();
    let ended = user.retake(copied).ends_with(3);
    assert!(
        ended
            .stderr
            .contains("not written: pairs/1: not-writable: "),
        "{ended:?}"
    );
    for (rule, reason) in [
        ("no-rule", "`pref-x` has no rule `no-rule`"),
        ("not-writable", "can't be allowed"),
    ] {
        let ended = user
            .retake(["check", "pref-x", "--allow", rule])
            .ends_with(2);
        assert!(ended.stderr.contains(reason), "{ended:?}");
    }
    assert_eq!(rows(&user, "copied.json").len(), 3);
}
