//! Pairs that are verified, and candidates that are made again.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use super::scripted_server::{SILENT, Script, ScriptedServer};
use super::{cats, objects, rerun, run, script, user};
use crate::user::array;

#[test]
fn pairs_are_verified_and_made_again() {
    let user = user("rerun-verify", &[cats()]);
    let server = ScriptedServer::start(script(), Duration::ZERO);
    let words = rerun(&server, &["--pick", "1", "--reject", "4", "--save"]);
    let id = objects(&user.retake(words).succeeds().stdout)[1]["pair"]
        .as_str()
        .unwrap()
        .to_owned();
    let checked = user.json(["pair", "verify", &id, "--format", "json"]);
    assert_eq!(
        checked,
        json!({"id": id, "findings": [], "unchecked": [], "generated": 2})
    );
    let words = ["pair", "verify", &id, "--reproduce", "--format", "json"];
    let made = objects(&user.retake(words).succeeds().stdout).remove(0);
    assert!(
        made["reproduced"]
            .as_array()
            .unwrap()
            .iter()
            .all(|side| side["same"] == true),
        "{made}"
    );
    let asked = server.requests();
    let last = &asked[asked.len() - 1];
    // The whole batch of the rejected one, and nothing from a cache.
    assert_eq!(
        (
            last["n"].as_u64(),
            last["seed"].as_u64(),
            &last["cache_prompt"]
        ),
        (Some(3), Some(4097), &json!(false))
    );
    // Another model says something else.
    let other = ScriptedServer::start(Script::new(), Duration::ZERO);
    let words = [
        "pair",
        "verify",
        &id,
        "--reproduce",
        "--model",
        &other.address,
        "--format",
        "json",
    ];
    let made = objects(&user.retake(words).ends_with(3).stdout).remove(0);
    assert_eq!(made["reproduced"][0]["now"], SILENT);
    // Somebody changes what comes before the step.
    let words = [
        "review",
        "edit",
        "runs/cats",
        "--step",
        "1",
        "--field",
        "thought",
        "--text",
        "I look.",
    ];
    user.retake(words).succeeds();
    let found = objects(
        &user
            .retake(["pair", "verify", "--format", "json"])
            .ends_with(3)
            .stdout,
    )
    .remove(0);
    let checks: Vec<&str> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["check"].as_str().unwrap())
        .collect();
    assert_eq!(checks, ["stale", "context"], "{found}");
    user.retake(["undo"]).succeeds();
    // Somebody changes a kept candidate.
    let folder = user.path(".retake/blobs/candidates");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .flat_map(|group| fs::read_dir(group.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    assert_eq!(files.len(), 2);
    let text = fs::read_to_string(&files[0]).unwrap();
    fs::write(&files[0], text.replace("print", "prints")).unwrap();
    let found = user.retake(["pair", "verify", &id]).ends_with(3);
    assert!(
        found.stdout.contains("candidates") && found.stdout.contains("is not kept"),
        "{found:?}"
    );
    // The source record is another one.
    let mut other = cats();
    other["answer"] = "six".into();
    user.write("runs.json", array(&[other]));
    let found = user.retake(["pair", "verify"]).ends_with(3);
    assert!(
        found.stdout.contains(&id) && found.stdout.contains("source"),
        "{found:?}"
    );
}

/// A trajectory whose prompt fits in the 512 tokens of a model with random weights.
fn short() -> Value {
    let mut value = run("cats", &[("I count.", "print(3)", "3")], "3");
    value["conversations"][0]["value"] = "Act.".into();
    value["conversations"][1]["value"] = "Task: Count.".into();
    value
}

#[test]
fn a_batch_of_two_temperatures_is_made_again_with_the_weights_that_made_it() {
    let user = user("rerun-own-server", &[short()]);
    let settings = "[review]\nannotator = \"ana\"\n[controller]\nidle_seconds = 2\n";
    fs::write(user.folder().join("settings/config.toml"), settings).unwrap();
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/runnable/text");
    let words = [
        "rerun",
        "runs/cats",
        "--step",
        "1",
        "-n",
        "3",
        "--model",
        model,
        "--device",
        "cpu",
        "--quantize",
        "q8",
        "--max-tokens",
        "16",
        "--pick",
        "2",
        "--reject",
        "1",
        "--save",
        "--format",
        "json",
    ];
    let printed = objects(&user.retake(words).succeeds().stdout);
    let made = |number: usize| printed[0]["candidates"][number]["generation"].clone();
    for number in 1..4 {
        let generation = made(number);
        assert_eq!(generation["batch"], 3, "one request: {generation}");
        assert_eq!(generation["place"], number - 1);
        let temperature = |value: &Value| (value.as_f64().unwrap() * 10.0).round();
        let all: Vec<f64> = generation["temperatures"]
            .as_array()
            .unwrap()
            .iter()
            .map(temperature)
            .collect();
        assert_eq!(all, [7.0, 12.0, 12.0]);
        let own = temperature(&generation["sampling"]["temperature"]);
        assert_eq!(own, all[number - 1]);
        let backend = generation["backend"].as_str().unwrap();
        assert!(backend.ends_with("weights q8"), "{backend}");
        // Random weights do not stop by themselves.
        assert_eq!(generation["finish"], "length");
    }
    let id = printed[1]["pair"].as_str().unwrap();
    // Nobody says again how the weights were kept, or which model it was.
    let same = |words: &[&str]| {
        let base = [
            "pair",
            "verify",
            id,
            "--reproduce",
            "--format",
            "json",
            "--device",
            "cpu",
        ];
        let ended = user.retake(base.iter().chain(words));
        let made = objects(&ended.stdout).remove(0)["reproduced"].clone();
        let sides = made.as_array().unwrap();
        let same = sides.iter().all(|side| side["same"] == true);
        let notes: Vec<Value> = sides
            .iter()
            .flat_map(|side| side["notes"].as_array().cloned().unwrap())
            .collect();
        (same, notes, sides.len())
    };
    assert_eq!(same(&["--model", model]), (true, Vec::new(), 2));
}
