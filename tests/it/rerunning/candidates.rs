//! What becomes of candidates: executed, folded, judged, and what may be picked.

use std::time::Duration;

use super::scripted_server::ScriptedServer;
use super::{cats, objects, rerun, script, user};

#[test]
fn candidates_are_executed_each_on_its_own_state_folded_and_judged() {
    let user = user("rerun-candidates", &[cats()]);
    let server = ScriptedServer::start(script(), Duration::ZERO);
    let found = &objects(&user.retake(rerun(&server, &[])).succeeds().stdout)[0];
    let candidates = found["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 5);
    let printed = |number: usize| candidates[number]["observation"]["text"].as_str();
    assert_eq!(
        (printed(0), candidates[0]["maker"].as_str()),
        (Some("9"), Some("recorded"))
    );
    assert_eq!(printed(1), Some("6"));
    assert_eq!(
        (candidates[2]["same_as"].as_u64(), printed(2)),
        (Some(0), None)
    );
    // No recording has this call, and there are no live tools: nothing is made up.
    let why = candidates[3]["unavailable"].as_str().unwrap();
    assert!(why.contains("looker") && printed(3).is_none(), "{why}");
    assert_eq!(candidates[4]["observation"]["is_error"], true);
    assert!(printed(4).unwrap().contains("number_of_cats"));
    let faults = candidates[4]["judgements"][0]["reasons"][0]
        .as_str()
        .unwrap();
    assert!(faults.starts_with("error:"), "{faults}");
    assert_eq!(candidates[4]["place"].as_u64(), Some(4));
    // How each was made: batches of the paper's sampling, seeds by place.
    let made = &candidates[4]["generation"];
    assert_eq!(
        (
            made["seed"].as_u64(),
            made["place"].as_u64(),
            made["batch"].as_u64()
        ),
        (Some(4097), Some(2), Some(3))
    );
    assert_eq!(
        made["sampling"]["temperature"]
            .as_f64()
            .map(|t| (t * 10.0).round()),
        Some(12.0)
    );
    assert_eq!(made["context"], found["context"]);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(
        (
            requests[0]["n"].as_u64().unwrap_or(1),
            requests[1]["n"].as_u64()
        ),
        (1, Some(3))
    );
    let turns: Vec<&str> = requests[0]["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["role"].as_str().unwrap())
        .collect();
    assert_eq!(turns, ["system", "user", "assistant", "user"]);
    // Nothing is saved of it.
    assert_eq!(user.json(["pair", "list", "--format", "json"])["total"], 0);
}

#[test]
fn what_can_not_be_picked_is_told_and_nothing_is_saved() {
    let user = user("rerun-refusals", &[cats()]);
    let server = ScriptedServer::start(script(), Duration::ZERO);
    user.retake(rerun(&server, &[])).succeeds();
    for (more, said) in [
        (
            vec!["--pick", "best", "--save"],
            "no candidate is better than all others",
        ),
        (vec!["--pick", "9", "--save"], "no candidate 9"),
        (
            vec!["--pick", "2", "--reject", "0", "--save"],
            "can't be preferred to itself",
        ),
        (
            vec!["--pick", "3", "--continue"],
            "no run can go on from candidate 3",
        ),
    ] {
        let mut words = rerun(&server, &["--last"]);
        words.extend(more.iter());
        let ended = user.retake(words).ends_with(1);
        assert!(ended.stderr.contains(said), "{said}: {ended:?}");
    }
    assert_eq!(user.json(["pair", "list", "--format", "json"])["total"], 0);
    // It may be picked for a pair, though.
    user.retake(rerun(&server, &["--last", "--pick", "3", "--save"]))
        .succeeds();
    assert_eq!(user.json(["pair", "list", "--format", "json"])["total"], 1);
    user.retake(rerun(&server, &["--last", "--none-good"]))
        .succeeds();
    let shown = user.json(["show", "runs/cats", "--format", "json"]);
    let note = shown["marks"][1]["notes"][0]["text"].as_str().unwrap();
    assert!(
        note.starts_with("re-run: none of 4 candidates of"),
        "{note}"
    );
    user.retake([
        "rerun",
        "runs/cats",
        "--step",
        "9",
        "--model",
        &server.address,
    ])
    .ends_with(1);
    user.retake(["rerun", "runs/cats", "--step", "2", "--judge", "nobody"])
        .ends_with(2);
}
