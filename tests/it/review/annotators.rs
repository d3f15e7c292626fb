use std::fs;

use serde_json::{Value, json};

use super::{review, reviewer};
use crate::user::{Ended, User};

fn by<'a>(name: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    ["--as-user", name]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect()
}

/// Everything that a person can print of what was decided.
fn all_that_is_printed(user: &User, name: &str) -> String {
    let commands: [&[&str]; 9] = [
        &["show", "trips/tower"],
        &["show", "trips/tower", "--format", "json"],
        &["search", "tower"],
        &["search", "tower", "--format", "json"],
        &["facets"],
        &["stats", "--format", "json"],
        &["log"],
        &["log", "--format", "json"],
        &["log", "trips/tower", "--format", "json"],
    ];
    let print = |command: &&[&str]| user.retake(by(name, command)).succeeds().stdout;
    commands.iter().map(print).collect()
}

#[test]
fn others_judge_unseen_until_ones_own_verdict_is_given() {
    let user = reviewer("review-blind");
    for command in [
        [
            "review",
            "reject",
            "trips/tower",
            "--reason",
            "unsafe",
            "--text",
            "zeppelin",
        ]
        .as_slice(),
        &[
            "review",
            "label",
            "trips/tower",
            "--step",
            "1",
            "--value",
            "-1",
        ],
        &["review", "first-wrong-step", "trips/tower", "--step", "1"],
        &["review", "tag", "shared", "trips/tower"],
        &["review", "note", "for all", "trips/tower"],
    ] {
        user.retake(command).succeeds();
    }
    let seen = all_that_is_printed(&user, "bo");
    for secret in [
        "unsafe",
        "zeppelin",
        "reject",
        "label -1",
        "first wrong",
        "first-wrong-step",
    ] {
        assert!(!seen.contains(secret), "`{secret}` is seen:\n{seen}");
    }
    for open in ["shared", "for all"] {
        assert!(seen.contains(open), "`{open}` is not seen:\n{seen}");
    }
    let ids = |name: &str, query: &str| -> Vec<String> {
        let ended = user.retake(by(name, &["search", query, "--format", "ids"]));
        ended.succeeds().stdout.lines().map(str::to_owned).collect()
    };
    for query in [
        "verdict:rejected",
        "review:rejected",
        "is:reviewed",
        "label:bad",
        "reason:zeppelin",
    ] {
        assert_eq!(ids("bo", query), [""; 0], "{query}");
        assert_eq!(ids("ana", query), ["trips/tower"], "{query}");
    }
    // An undo of what one may not see is not seen either.
    user.retake(by(
        "ana",
        &["review", "reject", "trips/old", "--text", "zeppelin"],
    ))
    .succeeds();
    user.retake(by("ana", &["undo"])).succeeds();
    let log = user.json(by("bo", &["log", "--format", "json"]));
    let log_text = log.to_string();
    assert!(
        !log_text.contains("\"undo\"") && !log_text.contains("trips/old"),
        "{log_text}"
    );
    assert_eq!(log["hidden"], 5);

    user.retake(by("bo", &["review", "accept", "trips/tower"]))
        .succeeds();
    let seen = all_that_is_printed(&user, "bo");
    for secret in ["unsafe", "zeppelin", "label -1"] {
        assert!(seen.contains(secret), "`{secret}` is not seen:\n{seen}");
    }
    for name in ["ana", "bo", "cy"] {
        assert_eq!(ids(name, "is:disputed"), ["trips/tower"], "{name}");
    }
    // A third one sees that there is a dispute, and not whose.
    let shown = user.json(by("cy", &["show", "trips/tower", "--format", "json"]));
    assert_eq!(shown["review"]["state"], "disputed");
    assert_eq!(shown["review"]["verdicts"], json!([]));
    // Whoever takes their verdict back sees no more than before.
    user.retake(by("bo", &["undo"])).succeeds();
    assert!(!all_that_is_printed(&user, "bo").contains("zeppelin"));
}

#[test]
fn each_reverses_what_is_their_own() {
    let user = reviewer("review-own-undo");
    user.retake(by("ana", &["review", "tag", "of-ana", "trips/tower"]))
        .succeeds();
    user.retake(by("bo", &["review", "tag", "of-bo", "trips/tower"]))
        .succeeds();
    let undone = user.retake(by("ana", &["undo"])).succeeds();
    assert!(undone.stdout.contains("of-ana"), "{undone:?}");
    assert_eq!(user.ids("tag:of-ana"), [""; 0]);
    assert_eq!(user.ids("tag:of-bo"), ["trips/tower"]);
    let nothing = user.retake(by("ana", &["undo"])).ends_with(1);
    assert!(nothing.stderr.contains("nothing to undo"), "{nothing:?}");
}

fn journals(user: &User) -> Vec<String> {
    let folder = fs::read_dir(user.path(".retake/journal")).unwrap();
    let mut names: Vec<String> = folder
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_annotator_is_who_is_named_first() {
    let user = User::new("review-who");
    user.write("trips.json", crate::user::array(&super::records()));
    user.retake(["add", "trips.json"]).succeeds();
    let tag = |who: &[(&str, &str)], tag: &str| {
        let mut command = user.command(["review", "tag", tag, "trips/tower"]);
        command.envs(who.iter().copied());
        Ended::of(command).succeeds();
        let tags = review(&user, "trips/tower")["tags"].clone();
        let mut tags = tags.as_array().unwrap().iter();
        tags.find(|known| known["tag"] == tag).unwrap()["annotator"].clone()
    };
    assert_eq!(tag(&[("LOGNAME", "lo"), ("USER", "us")], "a"), "lo");
    assert_eq!(tag(&[("LOGNAME", ""), ("USER", "us")], "b"), "us");
    assert_eq!(tag(&[("USERNAME", "wi")], "c"), "wi");
    // Nothing in the environment: the system knows whose process it is.
    #[cfg(unix)]
    {
        let told = std::process::Command::new("id")
            .arg("-un")
            .output()
            .unwrap();
        let name = String::from_utf8(told.stdout).unwrap();
        assert_eq!(tag(&[], "d"), name.trim());
    }
    let settings = user.folder().join("settings/config.toml");
    fs::write(settings, "[review]\nannotator = \"set\"\n").unwrap();
    assert_eq!(tag(&[("USER", "us")], "e"), "set");
    user.retake(["--as-user", " given ", "review", "tag", "f", "trips/tower"])
        .succeeds();
    assert!(
        journals(&user)
            .iter()
            .any(|name| name.starts_with("given@"))
    );
    for wrong in ["", " ", "a\nb"] {
        user.retake(["--as-user", wrong, "search", "x"])
            .ends_with(2);
    }
    // One machine has one writer id, whoever writes.
    let ids = journals(&user)
        .into_iter()
        .map(|name| name.rsplit_once('@').unwrap().1.to_owned());
    assert_eq!(ids.collect::<std::collections::BTreeSet<_>>().len(), 1);
}

#[cfg(unix)]
#[test]
fn without_a_name_one_reads_and_does_not_decide() {
    let user = reviewer("review-nobody");
    fs::remove_file(user.folder().join("settings/config.toml")).unwrap();
    let nobody = |arguments: &[&str]| {
        let mut command = user.command(arguments);
        // There is no program that could tell.
        command.env("PATH", user.path("nothing-here"));
        Ended::of(command)
    };
    nobody(&["show", "trips/tower"]).succeeds();
    let refused = nobody(&["review", "accept", "trips/tower"]).ends_with(1);
    assert!(refused.stderr.contains("--as-user"), "{refused:?}");
    nobody(&["--as-user", "ana", "review", "accept", "trips/tower"]).succeeds();
    let seen = nobody(&["show", "trips/tower", "--format", "json"])
        .succeeds()
        .stdout;
    let seen: Value = serde_json::from_str(&seen).unwrap();
    assert_eq!(
        seen["review"]["state"], "unreviewed",
        "nobody has given a verdict"
    );
}

#[test]
fn a_copy_of_a_workspace_is_another_writer_and_trust_stays() {
    let user = User::new("review-copy");
    let outside = user.folder().join("outside.json");
    fs::write(&outside, crate::user::array(&super::records())).unwrap();
    user.retake(["add".as_ref(), outside.as_os_str()])
        .succeeds();
    user.retake(by("ana", &["review", "accept", "outside/tower"]))
        .succeeds();
    // The source is outside: it is still followed, so the workspace is still trusted.
    user.retake(["show", "outside/tower"]).succeeds();
    let first = journals(&user);
    assert_eq!(first.len(), 1);
    let copied = std::process::Command::new("cp")
        .args(["-r".as_ref(), user.path(".retake").as_os_str()])
        .arg(user.path("copy"))
        .status();
    if !copied.is_ok_and(|status| status.success()) {
        return;
    }
    fs::create_dir_all(user.path("elsewhere")).unwrap();
    fs::rename(user.path("copy"), user.path("elsewhere/.retake")).unwrap();
    user.retake(["--workspace", "elsewhere", "trust"])
        .succeeds();
    let accept = [
        "--workspace",
        "elsewhere",
        "--as-user",
        "ana",
        "review",
        "accept",
        "outside/old",
    ];
    user.retake(accept).succeeds();
    assert_eq!(journals(&user), first, "the original is left alone");
    let there = fs::read_dir(user.path("elsewhere/.retake/journal")).unwrap();
    assert_eq!(there.count(), 2);
    // And it stays what it was.
    user.retake(by("ana", &["review", "accept", "outside/bridge"]))
        .succeeds();
    assert_eq!(journals(&user), first);
}
