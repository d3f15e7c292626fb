//! Branches that go on from a candidate.

use std::fs;
use std::time::Duration;

use super::scripted_server::ScriptedServer;
use super::{cats, objects, rerun, script, user};

#[test]
fn a_branch_goes_on_to_the_end_and_the_source_stays() {
    let user = user("rerun-branches", &[cats()]);
    let source = fs::read(user.path("runs.json")).unwrap();
    let server = ScriptedServer::start(script(), Duration::ZERO);
    let printed = objects(
        &user
            .retake(rerun(&server, &["--pick", "1", "--continue"]))
            .succeeds()
            .stdout,
    );
    let branch = &printed[1];
    assert_eq!(
        (branch["answer"].as_str(), branch["steps"].as_u64()),
        (Some("6"), Some(3)),
        "{branch}"
    );
    let id = branch["branch"].as_str().unwrap();
    let shown = user.json(["show", id, "--format", "json"]);
    let trajectory = &shown["trajectory"];
    assert_eq!(trajectory["origin"]["record"], "runs/cats");
    assert_eq!(trajectory["origin"]["step"], 1);
    assert_eq!(trajectory["origin"]["context"], printed[0]["context"]);
    assert_eq!(trajectory["steps"][0]["observation"]["text"], "3");
    assert_eq!(trajectory["steps"][1]["observation"]["text"], "6");
    assert_eq!(trajectory["steps"][1]["chosen"], 1);
    assert!(
        shown["marks"]
            .as_array()
            .unwrap()
            .iter()
            .all(|mark| mark["stale"].is_null())
    );
    // A branch of the branch, from its recorded step: nothing of it is asked for but what comes after.
    let words = [
        "rerun",
        id,
        "--step",
        "2",
        "-n",
        "1",
        "--model",
        &server.address,
        "--format",
        "json",
    ];
    let again = [&words[..], &["--pick", "0", "--continue"]].concat();
    let second = objects(&user.retake(again).succeeds().stdout).remove(1);
    let tree = user.json(["branches", "runs/cats", "--format", "json"]);
    let named: Vec<_> = tree
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["id"].as_str().unwrap(),
                one["depth"].as_u64().unwrap(),
                one["step"].as_u64(),
            )
        })
        .collect();
    assert_eq!(
        named,
        [
            ("runs/cats", 0, None),
            (id, 1, Some(2)),
            (second["branch"].as_str().unwrap(), 2, Some(2)),
        ]
    );
    assert_eq!(tree, {
        let mut from_below = user.json([
            "branches",
            second["branch"].as_str().unwrap(),
            "--format",
            "json",
        ]);
        for (one, first) in from_below
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .zip(tree.as_array().unwrap())
        {
            one["is_this"] = first["is_this"].clone();
        }
        from_below
    });
    user.retake(["export", "jsonl", "-o", "branch.jsonl", &format!("id:{id}")])
        .succeeds();
    assert_eq!(
        fs::read_to_string(user.path("branch.jsonl"))
            .unwrap()
            .lines()
            .count(),
        1
    );
    assert_eq!(fs::read(user.path("runs.json")).unwrap(), source);
}
