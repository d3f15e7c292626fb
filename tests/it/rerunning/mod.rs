//! `retake rerun`, from the command line: candidates, pairs, branches, queues, and pairs that are verified.

mod branches;
mod candidates;
mod judges;
mod pairs;
mod queue;
mod scripted_server;
mod verification;

use std::fs;

use serde_json::{Value, json};

use crate::user::{User, array, record};
use scripted_server::Script;
pub(crate) use scripted_server::ScriptedServer;

const PROMPT: &str = "Tools:\n- looker: asks about a picture\n    Takes inputs: {'question': {'type': 'text', 'description': 'q'}}\n- final_answer: ends the work\n    Takes inputs: {'answer': {'type': 'any', 'description': 'a'}}";

/// A trajectory in the M-TRACE form, whose steps are given as (thought, code, observation).
pub(crate) fn run(id: &str, steps: &[(&str, &str, &str)], answer: &str) -> Value {
    let mut value = record(id, "What is it?", "x", answer);
    let mut turns = vec![
        json!({"from": "system", "value": PROMPT}),
        json!({"from": "user", "value": "Task: Double the number of cats."}),
    ];
    for (number, (thought, code, observed)) in steps.iter().enumerate() {
        turns.push(json!({"from": "assistant", "value": reply(thought, code)}));
        if !observed.is_empty() {
            let turn = match observed.starts_with("Error") {
                true => format!("[OUTPUT OF STEP {number}] {observed}"),
                false => format!("[OUTPUT OF STEP {number}] Observation:\n{observed}"),
            };
            turns.push(json!({"from": "user", "value": turn}));
        }
    }
    value["conversations"] = turns.into();
    value
}

pub(crate) fn reply(thought: &str, code: &str) -> String {
    format!("Thought: {thought}\nCode:\n```py\n{code}\n```")
}

/// The trajectory of most tests: its second step is wrong.
pub(crate) fn cats() -> Value {
    run(
        "cats",
        &[
            ("I count the cats.", "count = 3\nprint(count)", "3"),
            ("I double the count.", "print(count * 3)", "9"),
            ("I know the answer.", "final_answer(9)", ""),
        ],
        "9",
    )
}

/// What is said of the second step, and afterwards.
pub(crate) fn script() -> Script {
    [
        (
            (1, 0),
            reply(
                "I multiply the count of cats by two.",
                "twice = count * 2\nprint(twice)",
            ),
        ),
        // The recorded step in other words and layout.
        ((1, 1), reply("Again.", "print( count*3 )  # three times")),
        (
            (1, 2),
            reply(
                "I ask somebody who can see.",
                "print(looker(question='how many cats are there'))",
            ),
        ),
        (
            (1, 3),
            reply("I use what is not there.", "print(number_of_cats + 1)"),
        ),
        (
            (2, 0),
            reply("Twice the count is the answer.", "final_answer(twice)"),
        ),
    ]
    .into_iter()
    .map(|(place, text)| (place, text.to_owned()))
    .collect()
}

pub(crate) fn user(name: &str, records: &[Value]) -> User {
    let user = User::new(name);
    fs::write(
        user.folder().join("settings/config.toml"),
        "[review]\nannotator = \"ana\"\n",
    )
    .unwrap();
    user.write("runs.json", array(records));
    user.retake(["add", "runs.json"]).succeeds();
    user
}

fn rerun<'a>(server: &'a ScriptedServer, more: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec![
        "rerun",
        "runs/cats",
        "--step",
        "2",
        "-n",
        "4",
        "--format",
        "json",
    ];
    words.extend(["--model", &server.address]);
    words.extend(more);
    words
}

fn objects(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
