//! Pairs of what was picked, and edits of what comes before.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::scripted_server::ScriptedServer;
use super::{cats, objects, rerun, script, user};

#[test]
fn a_picked_candidate_is_a_pair_that_tells_where_everything_comes_from() {
    let user = user("rerun-pairs", &[cats()]);
    let server = ScriptedServer::start(script(), Duration::ZERO);
    let words = rerun(
        &server,
        &[
            "--pick",
            "1",
            "--save",
            "--accept",
            "--reason",
            "It doubles.",
        ],
    );
    let printed = objects(&user.retake(words).succeeds().stdout);
    let id = printed[1]["pair"].as_str().unwrap().to_owned();
    let shown = user.json(["pair", "show", &id, "--format", "json"]);
    let pair = &shown["pairs"][0];
    assert_eq!(pair["reason"], "It doubles.");
    assert_eq!(pair["chosen"]["observation"]["text"], "6");
    assert_eq!(pair["rejected"]["observation"]["text"], "9");
    assert_eq!(
        pair["chosen"]["generation"]["context"],
        printed[0]["context"]
    );
    assert_eq!(pair["chosen"]["judgements"][0]["judge"], "rules");
    assert_eq!(pair["rejected"]["judgements"][0]["judge"], "rules");
    assert_eq!(shown["pair_reviews"][0]["made_by"], "ana");
    let page = user.retake(["pair", "show", &id]).succeeds().stdout;
    for part in [
        "seed 4096, 1 of a batch of 1",
        "temperature 0.7",
        "prompt: ",
        "judge: rules 0",
        "server: http://127.0.0.1",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // In another call, from what was kept of the last one: all that the paper's rules reject.
    let asked = server.requests().len();
    let words = rerun(
        &server,
        &["--last", "--pick", "1", "--reject", "all", "--save"],
    );
    let more = objects(&user.retake(words).succeeds().stdout);
    assert_eq!(server.requests().len(), asked, "nobody was asked again");
    assert!(more.len() > 2, "{more:?}");
    // One undo takes them all back.
    user.retake(["undo"]).succeeds();
    assert_eq!(user.json(["pair", "list", "--format", "json"])["total"], 1);
    // The pair is exported for a trainer, and its preflight is green.
    user.retake(["export", "trl-preference", "-o", "pairs.jsonl", "in:pair"])
        .succeeds();
    let rows = objects(&fs::read_to_string(user.path("pairs.jsonl")).unwrap());
    assert_eq!(rows.len(), 1);
    assert!(
        rows[0]["chosen"].to_string().contains("count * 2"),
        "{}",
        rows[0]
    );
    assert!(
        rows[0]["rejected"].to_string().contains("count * 3"),
        "{}",
        rows[0]
    );
    // In retake's own lines all of it goes along.
    user.retake(["export", "jsonl", "-o", "own.jsonl", "id:runs/cats"])
        .succeeds();
    let own = objects(&fs::read_to_string(user.path("own.jsonl")).unwrap());
    assert_eq!(own[0]["pairs"][0]["chosen"]["generation"]["seed"], 4096);
    assert_eq!(
        own[0]["pairs"][0]["chosen"]["judgements"][0]["judge"],
        "rules"
    );
    // So does what it was made of, to another copy of the workspace.
    let other = super::user("rerun-pairs-elsewhere", &[cats()]);
    other
        .retake([std::ffi::OsStr::new("merge"), user.path("").as_os_str()])
        .succeeds();
    assert_eq!(
        other.json(["pair", "show", &id, "--format", "json"])["pairs"],
        shown["pairs"]
    );
    other.retake(["pair", "verify"]).succeeds();
}

#[test]
fn an_edited_context_is_what_the_controller_sees_and_is_saved_with_the_pair() {
    let user = user("rerun-edits", &[cats()]);
    let server = ScriptedServer::start(script(), Duration::ZERO);
    let editor = user.write(
        "editor",
        "#!/bin/sh\nsed -i 's/count = 3/count = 4/; s/^3$/4/' \"$1\"\n",
    );
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = user.command(rerun(&server, &["--edit-context", "--pick", "1", "--save"]));
    command.env("EDITOR", &editor);
    let printed = objects(&crate::user::Ended::of(command).succeeds().stdout);
    assert_eq!(printed[0]["candidates"][1]["observation"]["text"], "8");
    // Its recorded observation is from before the edit: it was executed anew.
    assert_eq!(printed[0]["candidates"][0]["observation"]["text"], "12");
    let sent = server.requests()[0]["messages"].to_string();
    assert!(
        sent.contains("count = 4") && !sent.contains("count = 3"),
        "{sent}"
    );
    let shown = user.json(["show", "runs/cats", "--format", "json"]);
    assert_eq!(
        shown["trajectory"]["steps"][0]["action"]["code"],
        "count = 4\nprint(count)"
    );
    assert_eq!(shown["trajectory"]["steps"][0]["observation"]["text"], "4");
    let id = printed[1]["pair"].as_str().unwrap();
    assert_eq!(
        user.json(["pair", "show", id, "--format", "json"])["pairs"][0]["chosen"]["observation"]["text"],
        "8"
    );
    user.retake(["pair", "verify", id]).succeeds();
    user.retake(["undo"]).succeeds();
    let shown = user.json(["show", "runs/cats", "--format", "json"]);
    assert_eq!(
        shown["trajectory"]["steps"][0]["action"]["code"],
        "count = 3\nprint(count)"
    );
}
