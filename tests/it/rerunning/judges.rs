//! Judges that go on from candidates.

use std::fs;
use std::time::Duration;

use serde_json::json;

use super::scripted_server::ScriptedServer;
use super::{cats, objects, reply, script, user};
use crate::user::{User, lines};

/// The trajectory of most tests as retake writes it, with the answer that is right.
fn with_reference(name: &str) -> User {
    let user = user(name, &[cats()]);
    user.retake(["export", "jsonl", "-o", "own.jsonl", "id:runs/cats"])
        .succeeds();
    let mut rows = objects(&fs::read_to_string(user.path("own.jsonl")).unwrap());
    rows[0]["id"] = "cats".into();
    rows[0]["trajectory"]["reference_answer"] = json!({"text": "6"});
    user.write("known.jsonl", lines(&rows));
    user.retake(["add", "known.jsonl"]).succeeds();
    user
}

#[test]
fn candidates_are_judged_by_the_answers_that_runs_from_them_end_with() {
    let user = with_reference("rerun-outcome");
    let candidates = ScriptedServer::start(script(), Duration::ZERO);
    // Runs go on from candidates 0, 1, 3 and 4, as the second is folded: four from each, a seed after the other.
    let answers = [
        // From the recorded step: the variables before it and its own are there, and once the answer is right.
        "final_answer(count * 2)",
        "final_answer(count * 3)",
        "final_answer(count * 3)",
        "final_answer(count * 3)",
        // From the one that doubles.
        "final_answer(twice)",
        "final_answer(twice)",
        "final_answer(twice)",
        "final_answer(twice + 1)",
    ];
    let mut continued: std::collections::HashMap<_, _> = answers
        .iter()
        .zip(0..)
        .map(|(code, number)| ((3, number), reply("I end it.", code)))
        .collect();
    // What nobody answers is not gone on from; from the error once to the right answer.
    for number in 12..16 {
        let code = if number == 12 {
            "final_answer(6)"
        } else {
            "final_answer(7)"
        };
        continued.insert((3, number), reply("I end it.", code));
    }
    let ends = ScriptedServer::start(continued, Duration::ZERO);
    let judge = format!("outcome:{}", ends.address);
    let words = [
        "rerun",
        "known/cats",
        "--step",
        "2",
        "-n",
        "4",
        "--format",
        "json",
        "--model",
        &candidates.address,
        "--judge",
        &judge,
    ];
    let found = objects(&user.retake(words).succeeds().stdout).remove(0);
    let judged = |number: usize| found["candidates"][number]["judgements"][0].clone();
    assert_eq!(judged(0)["score"], 0.25, "{}", judged(0));
    assert_eq!(judged(1)["score"], 0.75, "{}", judged(1));
    assert_eq!(judged(1)["judge"], judge.as_str());
    assert_eq!(
        judged(1)["reasons"][0],
        "3 of 4 runs end with the right answer"
    );
    // Wilson's interval of 3 of 4.
    let interval: Vec<f64> = judged(1)["interval"]
        .as_array()
        .unwrap()
        .iter()
        .map(|end| (end.as_f64().unwrap() * 1e4).round())
        .collect();
    assert_eq!(interval, [3006.0, 9544.0]);
    assert!(judged(2).is_null(), "it is folded");
    let unavailable = judged(3)["no_verdict"].as_str().unwrap().to_owned();
    assert!(unavailable.contains("looker"), "{unavailable}");
    assert!(judged(3)["score"].is_null());
    assert_eq!(judged(4)["score"], 0.25, "{}", judged(4));
    assert_eq!(found["best"], 1);
    let places: Vec<_> = (0..5)
        .map(|number| found["candidates"][number]["place"].as_u64())
        .collect();
    assert_eq!(places, [Some(2), Some(1), None, None, Some(2)]);
    assert_eq!(ends.requests().len(), 12);
    // Each run was shown the candidate that it goes on from.
    let shown = ends.requests()[4]["messages"].to_string();
    assert!(shown.contains("twice = count * 2"), "{shown}");

    // Without a reference answer there is nothing to compare with.
    let words = words.map(|word| word.replace("known/", "runs/"));
    let found = objects(&user.retake(words).succeeds().stdout).remove(0);
    let none = &found["candidates"][1]["judgements"][0];
    assert_eq!(none["no_verdict"], "the task has no reference answer");
    assert!(found["best"].is_null());
}
