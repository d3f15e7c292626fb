use std::fs;
use std::process::Stdio;
use std::time::Duration;

use retake::domain::review::{Draft, TagName, Target, Verb};
use retake::domain::{ContentHash, TargetId};
use retake::journal::Journal;
use serde_json::json;

use super::{review, reviewer};
use crate::user::{User, lines, record};

const ALL: [&str; 3] = ["trips/tower", "trips/bridge", "trips/old"];

#[test]
fn ids_from_standard_input_are_one_batch() {
    let user = reviewer("review-batch");
    let ids = user.retake(["search", "--format", "ids"]).succeeds().stdout;
    let ended = user.retake_with(
        &format!("\n{ids}\n"),
        [
            "review", "reject", "-", "--reason", "other", "--format", "json",
        ],
    );
    let told: serde_json::Value = serde_json::from_str(&ended.succeeds().stdout).unwrap();
    assert_eq!(told["verb"], "reject");
    assert_eq!(told["changed"].as_array().unwrap().len(), 3);
    assert_eq!(told["changed"][0]["record"], told["batch"]);
    assert_eq!(user.ids("review:rejected"), ALL);
    // One undo reverses all of it, in another process as everything here.
    let undone = user.json(["undo", "--format", "json"]);
    assert_eq!(undone["undone"][0]["batch"], told["batch"]);
    assert_eq!(undone["undone"][0]["records"].as_array().unwrap().len(), 3);
    assert_eq!(user.ids("review:rejected"), [""; 0]);
    assert_eq!(user.ids("review:unreviewed"), ALL);
    let redone = user.json(["redo", "--format", "json"]);
    assert_eq!(redone["redone"][0]["batch"], told["batch"]);
    assert_eq!(user.ids("review:rejected reason:other"), ALL);
    // What is decided in between can't be redone over.
    user.retake(["undo"]).succeeds();
    user.retake(["review", "accept", "trips/tower"]).succeeds();
    let refused = user.retake(["redo"]).ends_with(1);
    assert!(refused.stderr.contains("nothing to redo"), "{refused:?}");
    // Nothing on standard input is no error.
    let none = user.retake_with("", ["review", "accept", "-"]).succeeds();
    assert_eq!(none.stdout, "nothing is selected\n");
}

#[test]
fn one_wrong_id_leaves_all_undecided() {
    let user = reviewer("review-wrong-id");
    let refused = user.retake(["review", "accept", "trips/tower", "trips/towr"]);
    assert!(refused.ends_with(1).stderr.contains("`trips/towr`"));
    assert_eq!(user.ids("is:reviewed"), [""; 0]);
    assert!(
        !user.path(".retake/journal").exists(),
        "nothing was decided, so there is no journal"
    );
    let local = fs::read_to_string(user.path(".retake/workspace.local.toml"));
    assert!(!local.unwrap_or_default().contains("writers"));
}

#[test]
fn queries_select_what_they_find() {
    let user = reviewer("review-query");
    user.retake(["review", "tag", "long", "--query", "bridge OR tower"])
        .succeeds();
    assert_eq!(user.ids("tag:long"), ["trips/tower", "trips/bridge"]);
    // A step stands for its trajectory, once.
    let accepted = user.json([
        "review",
        "accept",
        "--query",
        "in:step source:trips",
        "--format",
        "json",
    ]);
    assert_eq!(accepted["changed"].as_array().unwrap().len(), 3);
    // Or for itself.
    let labelled = user.json([
        "review",
        "label",
        "--value",
        "bad",
        "--query",
        "in:step step:2 -mill",
        "--format",
        "json",
    ]);
    let expected =
        [("trips/tower", 2), ("trips/bridge", 2)].map(|(id, step)| (json!(id), json!(step)));
    let changed = labelled["changed"].as_array().unwrap().iter();
    let changed: Vec<_> = changed
        .map(|c| (c["id"].clone(), c["step"].clone()))
        .collect();
    assert_eq!(changed, expected);
    assert_eq!(
        user.ids("in:step label:bad step:2"),
        ["trips/tower", "trips/bridge"]
    );
    assert_eq!(user.ids("in:step label:bad step:1"), [""; 0]);
    user.retake([
        "review",
        "note",
        "check",
        "--query",
        "in:step label:bad bridge",
    ])
    .succeeds();
    let notes = review(&user, "trips/bridge")["notes"].clone();
    assert_eq!(
        (&notes[0]["step"], &notes[0]["text"]),
        (&json!("2"), &json!("check"))
    );
    // A step that is named twice is not guessed.
    let twice = [
        "review", "label", "--value", "1", "--query", "in:step", "--step", "1",
    ];
    user.retake(twice).ends_with(2);
    let several = ["review", "first-wrong-step", "--query", "in:step bridge"];
    assert!(
        user.retake(several)
            .ends_with(1)
            .stderr
            .contains("only one")
    );
    user.retake(["review", "accept", "--query", "tol:x"])
        .ends_with(2);
    let nothing = user.retake(["review", "accept", "--query", "zeppelin"]);
    assert_eq!(nothing.succeeds().stdout, "nothing is selected\n");
}

#[test]
fn what_one_searches_for_is_found_after_each_verb() {
    let user = reviewer("review-found");
    user.retake([
        "review",
        "reject",
        "trips/old",
        "--reason",
        "hallucination",
        "--text",
        "no mill there",
    ])
    .succeeds();
    user.retake(["review", "note", "a wrong year, I think", "trips/old"])
        .succeeds();
    let query = "verdict:rejected reason:hallucination note:\"wrong year\"";
    assert_eq!(user.ids(query), ["trips/old"]);
    assert_eq!(user.ids("reason:\"no mill\""), ["trips/old"]);
    assert_eq!(user.ids("verdict:correct -verdict:rejected").len(), 2);
    let hits = user.json(["search", query, "--format", "json"]);
    assert_eq!(hits["hits"][0]["review"], "rejected");
    user.retake(["review", "accept", "trips/old"]).succeeds();
    let hits = user.json(["search", "mill", "--format", "json"]);
    assert_eq!(hits["hits"][0]["review"], "accepted");
    assert_eq!(user.ids(query), [""; 0]);
    user.retake(["undo"]).succeeds();
    assert_eq!(user.ids(query), ["trips/old"], "the rejection holds again");
    user.retake(["review", "first-wrong-step", "trips/old", "--step", "2"])
        .succeeds();
    assert_eq!(user.ids("label:first-wrong"), ["trips/old"]);
    // The index that is made anew says the same.
    user.retake(["index", "--rebuild"]).succeeds();
    assert_eq!(user.ids(query), ["trips/old"]);
}

#[test]
fn scripts_decide_only_about_what_they_have_seen() {
    let user = reviewer("review-expect");
    let hash = user.json(["show", "trips/tower", "--format", "json"])["hash"].clone();
    let hash = hash.as_str().unwrap();
    let wrong = "0".repeat(64);
    let refused = user.retake(["review", "accept", "trips/tower", "--expect-hash", &wrong]);
    let refused = refused.ends_with(1);
    assert!(refused.stderr.contains(hash), "{refused:?}");
    assert_eq!(user.ids("is:reviewed"), [""; 0]);
    for (id, hash) in [("trips/tower", &hash[..12]), (hash, hash)] {
        user.retake(["review", "accept", id, "--expect-hash", hash])
            .succeeds();
    }
    assert_eq!(user.ids("review:accepted"), ["trips/tower"]);
    let two = [
        "review",
        "accept",
        "trips/tower",
        "trips/old",
        "--expect-hash",
        hash,
    ];
    user.retake(two).ends_with(2);
    user.retake(["review", "accept", "trips/tower", "--expect-hash", "123"])
        .ends_with(2);
}

#[test]
fn what_was_committed_by_a_process_that_was_killed_is_shown() {
    let user = reviewer("review-killed");
    user.retake(["review", "tag", "first", "trips/old"])
        .succeeds();
    let shown = user.json(["show", "trips/tower", "--format", "json"]);
    let hash: ContentHash = shown["hash"].as_str().unwrap().parse().unwrap();
    // A commit, and no index that follows it.
    let folder = user.path(".retake/journal");
    let mut journal = Journal::open(&folder, "ana", "0000000a".parse().unwrap()).unwrap();
    let target = Target::new(TargetId::parse("trips/tower"), hash);
    let tag = "killed".to_owned();
    let draft = Draft::new(target, Verb::Tag(TagName { tag })).unwrap();
    journal.append(&[draft]).unwrap();
    assert_eq!(user.ids("tag:killed"), ["trips/tower"]);
    assert!(user.retake(["undo"]).succeeds().stdout.contains("killed"));
    assert_eq!(user.ids("tag:killed"), [""; 0]);
    assert_eq!(user.ids("tag:first"), ["trips/old"]);
}

#[test]
fn a_review_that_is_killed_leaves_a_workspace_that_works() {
    let user = User::new("review-kill");
    let records: Vec<_> = (0..400)
        .map(|n| record(&format!("r{n}"), &format!("Question {n}?"), "some", "any"))
        .collect();
    user.write("many.jsonl", lines(&records));
    user.retake(["add", "many.jsonl"]).succeeds();
    for (round, pause) in [3, 20, 40, 60, 90, 130, 180, 250].into_iter().enumerate() {
        let tag = format!("round-{round}");
        let mut command = user.command([
            "--as-user",
            "ana",
            "review",
            "tag",
            &tag,
            "--query",
            "source:many",
        ]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
        // Whatever is in the journal is found, and one undo takes it back.
        let found = user.ids(&format!("tag:{tag}"));
        let log = user.json([
            "--as-user",
            "ana",
            "log",
            "--format",
            "json",
            "--limit",
            "1",
        ]);
        let entry = &log["entries"][0];
        if found.is_empty() {
            continue;
        }
        assert_eq!(entry["records"].as_array().unwrap().len(), found.len());
        assert_eq!(entry["records"][0]["payload"]["tag"], tag.as_str());
        user.retake(["--as-user", "ana", "undo"]).succeeds();
        assert_eq!(user.ids(&format!("tag:{tag}")), [""; 0]);
    }
    let whole = [
        "--as-user",
        "ana",
        "review",
        "tag",
        "whole",
        "--query",
        "source:many",
    ];
    user.retake(whole).succeeds();
    assert_eq!(user.ids("tag:whole").len(), 400);
}

#[test]
fn every_script_is_written_as_it_was_typed() {
    let user = reviewer("review-unicode");
    let note = "年が違う — naïve e\u{301}, 👩‍🔬, ‏שלום, a\ttab\nand a second line";
    let ana = ["--as-user", "王小明 (Ann)"];
    let with = |more: &[&str]| {
        let all = ana.iter().chain(more).copied().collect::<Vec<_>>();
        user.retake(all).succeeds()
    };
    with(&["review", "note", note, "trips/tower"]);
    with(&["review", "tag", "良い例", "trips/tower"]);
    let told = user.retake_with(
        "観察する。\r\n",
        [
            "--as-user",
            "王小明 (Ann)",
            "review",
            "edit",
            "trips/tower",
            "--step",
            "1",
            "--field",
            "thought",
            "--file",
            "-",
        ],
    );
    told.succeeds();
    let review = review(&user, "trips/tower");
    assert_eq!(review["notes"][0]["text"], note);
    assert_eq!(review["notes"][0]["annotator"], "王小明 (Ann)");
    assert_eq!(review["tags"][0]["tag"], "良い例");
    assert_eq!(
        super::first_step(&user, "trips/tower")["thought"],
        "観察する。"
    );
    for query in ["note:年が違う", "tag:良い例", "note:שלום", "edit:観察する"] {
        assert_eq!(user.ids(query), ["trips/tower"], "{query}");
    }
    let journals: Vec<String> = fs::read_dir(user.path(".retake/journal"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        journals[0].starts_with("王小明%20%28Ann%29@"),
        "{journals:?}"
    );
    // Control characters of a note don't reach the terminal.
    with(&["review", "note", "\u{1b}[2Jgone", "trips/old"]);
    for command in [["show", "trips/old"].as_slice(), &["log"], &["undo"]] {
        assert!(!with(command).stdout.contains('\u{1b}'), "{command:?}");
    }
}

#[test]
fn notes_are_replaced_and_taken_away() {
    let user = reviewer("review-notes");
    user.retake(["review", "note", "frist", "trips/tower", "--step", "1"])
        .succeeds();
    let note = review(&user, "trips/tower")["notes"][0]["note"].clone();
    let note = note.as_str().unwrap();
    user.retake(["review", "note", "first", "trips/tower", "--replaces", note])
        .succeeds();
    let notes = review(&user, "trips/tower")["notes"].clone();
    assert_eq!(notes.as_array().unwrap().len(), 1);
    assert_eq!(
        (&notes[0]["text"], &notes[0]["step"]),
        (&json!("first"), &json!("1"))
    );
    assert_eq!(user.ids("note:frist"), [""; 0]);
    assert_eq!(user.ids("note:first"), ["trips/tower"]);
    let other = ["review", "note", "x", "trips/old", "--replaces", note];
    assert!(
        user.retake(other)
            .ends_with(1)
            .stderr
            .contains("has no note")
    );
    user.retake(["review", "note", "", "trips/tower"])
        .ends_with(2);
    user.retake(["review", "note", "", "trips/tower", "--replaces", note])
        .succeeds();
    assert_eq!(review(&user, "trips/tower")["notes"], json!([]));
    user.retake(["undo"]).succeeds();
    assert_eq!(user.ids("note:first"), ["trips/tower"]);
}

/// A file system in memory in the place of the journals, while this lives.
#[cfg(unix)]
struct SmallDisk(std::path::PathBuf);

#[cfg(unix)]
impl Drop for SmallDisk {
    fn drop(&mut self) {
        let umount = std::process::Command::new("umount").arg(&self.0).status();
        drop(umount);
    }
}

#[cfg(unix)]
#[test]
#[allow(clippy::print_stderr)]
fn on_a_full_disk_nothing_is_decided_and_that_is_said() {
    let user = reviewer("review-full-disk");
    let folder = user.path(".retake/journal");
    fs::create_dir_all(&folder).unwrap();
    if !crate::journal::mount(&["-t", "tmpfs", "-o", "size=16k", "tmpfs"], &folder) {
        eprintln!("skipped: no tmpfs can be mounted here");
        return;
    }
    let disk = SmallDisk(folder.clone());
    user.retake(["review", "tag", "fits", "trips/tower"])
        .succeeds();
    let note = "x".repeat(20_000);
    let refused = user
        .retake(["review", "note", &note, "trips/tower"])
        .ends_with(1);
    assert!(
        refused.stderr.contains("error: nothing was saved: ") && refused.stdout.is_empty(),
        "{refused:?}"
    );
    // What fits is saved afterwards, and nothing of what did not is there.
    user.retake(["review", "tag", "too", "trips/tower"])
        .succeeds();
    assert_eq!(user.ids("tag:fits tag:too"), ["trips/tower"]);
    let log = user.json(["log", "--format", "json"]);
    assert_eq!(log["entries"].as_array().unwrap().len(), 2);
    drop(disk);
}
