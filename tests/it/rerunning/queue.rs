//! A selection that is run again into a review queue.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use super::scripted_server::ScriptedServer;
use super::{objects, reply, run, script, user};

#[test]
fn a_selection_is_run_again_into_a_queue_and_a_kill_loses_and_repeats_nothing() {
    let runs: Vec<Value> = (0..4)
        .map(|number| {
            let failed = "Error: name 'cont' is not defined\nNow let's retry: take care not to repeat previous errors!";
            let steps = [
                ("I count the cats.", "count = 3\nprint(count)", "3"),
                ("I double the count.", "print(cont * 3)", failed),
            ];
            run(&format!("cats-{number}"), &steps, "9")
        })
        .collect();
    let user = user("rerun-queue", &runs);
    let mut script = script();
    script.insert(
        (1, 1),
        reply("I use what is not there.", "print(number_of_cats)"),
    );
    let server = ScriptedServer::start(script, Duration::from_millis(150));
    let words = [
        "rerun",
        "--query",
        "in:step thought:double",
        "--run",
        "night",
        "-n",
        "2",
        "--model",
        &server.address,
    ];
    // Killed as soon as there is something.
    let mut command = user.command(words);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.starts_with("night/runs.cats-0.2"), "{first}");
    child.kill().unwrap();
    child.wait().unwrap();
    let done = lines.map_while(Result::ok).count() + 1;
    let file = user.path(".retake/runs/night.jsonl");
    assert!(fs::read_to_string(&file).unwrap().lines().count() >= done);
    let asked = server.requests().len();
    let ended = user.retake(words).succeeds();
    assert!(ended.stderr.contains("were there already"), "{ended:?}");
    let rows = objects(&fs::read_to_string(&file).unwrap());
    let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(
        ids,
        [
            "night/runs.cats-0.2",
            "night/runs.cats-1.2",
            "night/runs.cats-2.2",
            "night/runs.cats-3.2"
        ]
    );
    assert!(
        server.requests().len() - asked <= 2 * 3,
        "what was done was not asked for again"
    );
    // The next morning.
    let queue = user.json(["queue", "night", "--next", "--format", "json"]);
    let next = queue["id"].as_str().unwrap().to_owned();
    let pair = &user.json(["pair", "show", &next, "--format", "json"])["pairs"][0];
    assert_eq!(pair["rejected"]["observation"]["is_error"], true);
    user.retake(["pair", "accept", &next]).succeeds();
    assert_ne!(
        user.json(["queue", "night", "--next", "--format", "json"])["id"],
        queue["id"]
    );
    user.retake(["pair", "verify", "source:night"]).succeeds();
    // The same call again does nothing.
    let asked = server.requests().len();
    user.retake(words).succeeds();
    assert_eq!(server.requests().len(), asked);
}
