//! `retake rerun`, from the command line: candidates, pairs, branches, queues, and pairs that are verified.

mod scripted_server;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::user::{User, array, record};
use scripted_server::{SILENT, Script, ScriptedServer};

const PROMPT: &str = "Tools:\n- looker: asks about a picture\n    Takes inputs: {'question': {'type': 'text', 'description': 'q'}}\n- final_answer: ends the work\n    Takes inputs: {'answer': {'type': 'any', 'description': 'a'}}";

/// A trajectory in the M-TRACE form, whose steps are given as (thought, code, observation).
fn run(id: &str, steps: &[(&str, &str, &str)], answer: &str) -> Value {
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

fn reply(thought: &str, code: &str) -> String {
    format!("Thought: {thought}\nCode:\n```py\n{code}\n```")
}

/// The trajectory of most tests: its second step is wrong.
fn cats() -> Value {
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
fn script() -> Script {
    [
        ((1, 0), reply("I multiply the count of cats by two.", "twice = count * 2\nprint(twice)")),
        // The recorded step in other words and layout.
        ((1, 1), reply("Again.", "print( count*3 )  # three times")),
        ((1, 2), reply("I ask somebody who can see.", "print(looker(question='how many cats are there'))")),
        ((1, 3), reply("I use what is not there.", "print(number_of_cats + 1)")),
        ((2, 0), reply("Twice the count is the answer.", "final_answer(twice)")),
    ]
    .into_iter()
    .map(|(place, text)| (place, text.to_owned()))
    .collect()
}

fn user(name: &str, records: &[Value]) -> User {
    let user = User::new(name);
    fs::write(user.folder().join("settings/config.toml"), "[review]\nannotator = \"ana\"\n").unwrap();
    user.write("runs.json", array(records));
    user.retake(["add", "runs.json"]).succeeds();
    user
}

fn rerun<'a>(server: &'a ScriptedServer, more: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["rerun", "runs/cats", "--step", "2", "-n", "4", "--format", "json"];
    words.extend(["--model", &server.address]);
    words.extend(more);
    words
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn candidates_are_executed_each_on_its_own_state_folded_and_judged() {
    let user = user("rerun-candidates", &[cats()]);
    let server = ScriptedServer::start(script(), Duration::ZERO);
    let found = &objects(&user.retake(rerun(&server, &[])).succeeds().stdout)[0];
    let candidates = found["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 5);
    let printed = |number: usize| candidates[number]["observation"]["text"].as_str();
    assert_eq!((printed(0), candidates[0]["maker"].as_str()), (Some("9"), Some("recorded")));
    assert_eq!(printed(1), Some("6"));
    assert_eq!((candidates[2]["same_as"].as_u64(), printed(2)), (Some(0), None));
    // No recording has this call, and there are no live tools: nothing is made up.
    let why = candidates[3]["unavailable"].as_str().unwrap();
    assert!(why.contains("looker") && printed(3).is_none(), "{why}");
    assert_eq!(candidates[4]["observation"]["is_error"], true);
    assert!(printed(4).unwrap().contains("number_of_cats"));
    let faults = candidates[4]["judgements"][0]["reasons"][0].as_str().unwrap();
    assert!(faults.starts_with("error:"), "{faults}");
    assert_eq!(candidates[4]["place"].as_u64(), Some(4));
    // How each was made: batches of the paper's sampling, seeds by place.
    let made = &candidates[4]["generation"];
    assert_eq!((made["seed"].as_u64(), made["place"].as_u64(), made["batch"].as_u64()), (Some(4097), Some(2), Some(3)));
    assert_eq!(made["sampling"]["temperature"].as_f64().map(|t| (t * 10.0).round()), Some(12.0));
    assert_eq!(made["context"], found["context"]);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!((requests[0]["n"].as_u64().unwrap_or(1), requests[1]["n"].as_u64()), (1, Some(3)));
    let turns: Vec<&str> = requests[0]["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(turns, ["system", "user", "assistant", "user"]);
    // Nothing is saved of it.
    assert_eq!(user.json(["pair", "list", "--format", "json"])["total"], 0);
}

#[test]
fn a_picked_candidate_is_a_pair_that_tells_where_everything_comes_from() {
    let user = user("rerun-pairs", &[cats()]);
    let server = ScriptedServer::start(script(), Duration::ZERO);
    let words = rerun(&server, &["--pick", "1", "--save", "--accept", "--reason", "It doubles."]);
    let printed = objects(&user.retake(words).succeeds().stdout);
    let id = printed[1]["pair"].as_str().unwrap().to_owned();
    let shown = user.json(["pair", "show", &id, "--format", "json"]);
    let pair = &shown["pairs"][0];
    assert_eq!(pair["reason"], "It doubles.");
    assert_eq!(pair["chosen"]["observation"]["text"], "6");
    assert_eq!(pair["rejected"]["observation"]["text"], "9");
    assert_eq!(pair["chosen"]["generation"]["context"], printed[0]["context"]);
    assert_eq!(pair["chosen"]["judgements"][0]["judge"], "rules");
    assert_eq!(pair["rejected"]["judgements"][0]["judge"], "rules");
    assert_eq!(shown["pair_reviews"][0]["made_by"], "ana");
    let page = user.retake(["pair", "show", &id]).succeeds().stdout;
    for part in ["seed 4096, 1 of a batch of 1", "temperature 0.7", "prompt: ", "judge: rules 0", "server: http://127.0.0.1"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // In another call, from what was kept of the last one: all that the paper's rules reject.
    let asked = server.requests().len();
    let words = rerun(&server, &["--last", "--pick", "1", "--reject", "all", "--save"]);
    let more = objects(&user.retake(words).succeeds().stdout);
    assert_eq!(server.requests().len(), asked, "nobody was asked again");
    assert!(more.len() > 2, "{more:?}");
    // One undo takes them all back.
    user.retake(["undo"]).succeeds();
    assert_eq!(user.json(["pair", "list", "--format", "json"])["total"], 1);
    // The pair is exported for a trainer, and its preflight is green.
    user.retake(["export", "trl-preference", "-o", "pairs.jsonl", "in:pair"]).succeeds();
    let rows = objects(&fs::read_to_string(user.path("pairs.jsonl")).unwrap());
    assert_eq!(rows.len(), 1);
    assert!(rows[0]["chosen"].to_string().contains("count * 2"), "{}", rows[0]);
    assert!(rows[0]["rejected"].to_string().contains("count * 3"), "{}", rows[0]);
    // In retake's own lines all of it goes along.
    user.retake(["export", "jsonl", "-o", "own.jsonl", "id:runs/cats"]).succeeds();
    let own = objects(&fs::read_to_string(user.path("own.jsonl")).unwrap());
    assert_eq!(own[0]["pairs"][0]["chosen"]["generation"]["seed"], 4096);
    assert_eq!(own[0]["pairs"][0]["chosen"]["judgements"][0]["judge"], "rules");
    // So does what it was made of, to another copy of the workspace.
    let other = self::user("rerun-pairs-elsewhere", &[cats()]);
    other.retake([std::ffi::OsStr::new("merge"), user.path("").as_os_str()]).succeeds();
    assert_eq!(other.json(["pair", "show", &id, "--format", "json"])["pairs"], shown["pairs"]);
    other.retake(["pair", "verify"]).succeeds();
}

#[test]
fn what_can_not_be_picked_is_told_and_nothing_is_saved() {
    let user = user("rerun-refusals", &[cats()]);
    let server = ScriptedServer::start(script(), Duration::ZERO);
    user.retake(rerun(&server, &[])).succeeds();
    for (more, said) in [
        (vec!["--pick", "best", "--save"], "no candidate is better than all others"),
        (vec!["--pick", "9", "--save"], "no candidate 9"),
        (vec!["--pick", "2", "--reject", "0", "--save"], "can't be preferred to itself"),
        (vec!["--pick", "3", "--continue"], "no run can go on from candidate 3"),
    ] {
        let mut words = rerun(&server, &["--last"]);
        words.extend(more.iter());
        let ended = user.retake(words).ends_with(1);
        assert!(ended.stderr.contains(said), "{said}: {ended:?}");
    }
    assert_eq!(user.json(["pair", "list", "--format", "json"])["total"], 0);
    // It may be picked for a pair, though.
    user.retake(rerun(&server, &["--last", "--pick", "3", "--save"])).succeeds();
    assert_eq!(user.json(["pair", "list", "--format", "json"])["total"], 1);
    user.retake(rerun(&server, &["--last", "--none-good"])).succeeds();
    let shown = user.json(["show", "runs/cats", "--format", "json"]);
    let note = shown["marks"][1]["notes"][0]["text"].as_str().unwrap();
    assert!(note.starts_with("re-run: none of 4 candidates of"), "{note}");
    user.retake(["rerun", "runs/cats", "--step", "9", "--model", &server.address]).ends_with(1);
    user.retake(["rerun", "runs/cats", "--step", "2", "--judge", "nobody"]).ends_with(2);
}

#[test]
fn a_branch_goes_on_to_the_end_and_the_source_stays() {
    let user = user("rerun-branches", &[cats()]);
    let source = fs::read(user.path("runs.json")).unwrap();
    let server = ScriptedServer::start(script(), Duration::ZERO);
    let printed = objects(&user.retake(rerun(&server, &["--pick", "1", "--continue"])).succeeds().stdout);
    let branch = &printed[1];
    assert_eq!((branch["answer"].as_str(), branch["steps"].as_u64()), (Some("6"), Some(3)), "{branch}");
    let id = branch["branch"].as_str().unwrap();
    let shown = user.json(["show", id, "--format", "json"]);
    let trajectory = &shown["trajectory"];
    assert_eq!(trajectory["origin"]["record"], "runs/cats");
    assert_eq!(trajectory["origin"]["step"], 1);
    assert_eq!(trajectory["origin"]["context"], printed[0]["context"]);
    assert_eq!(trajectory["steps"][0]["observation"]["text"], "3");
    assert_eq!(trajectory["steps"][1]["observation"]["text"], "6");
    assert_eq!(trajectory["steps"][1]["chosen"], 1);
    assert!(shown["marks"].as_array().unwrap().iter().all(|mark| mark["stale"].is_null()));
    // A branch of the branch, from its recorded step: nothing of it is asked for but what comes after.
    let words = ["rerun", id, "--step", "2", "-n", "1", "--model", &server.address, "--format", "json"];
    let again = [&words[..], &["--pick", "0", "--continue"]].concat();
    let second = objects(&user.retake(again).succeeds().stdout).remove(1);
    let tree = user.json(["branches", "runs/cats", "--format", "json"]);
    let named: Vec<_> = tree
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].as_str().unwrap(), one["depth"].as_u64().unwrap(), one["step"].as_u64()))
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
        let mut from_below = user.json(["branches", second["branch"].as_str().unwrap(), "--format", "json"]);
        for (one, first) in from_below.as_array_mut().unwrap().iter_mut().zip(tree.as_array().unwrap()) {
            one["is_this"] = first["is_this"].clone();
        }
        from_below
    });
    user.retake(["export", "jsonl", "-o", "branch.jsonl", &format!("id:{id}")]).succeeds();
    assert_eq!(fs::read_to_string(user.path("branch.jsonl")).unwrap().lines().count(), 1);
    assert_eq!(fs::read(user.path("runs.json")).unwrap(), source);
}

#[test]
fn an_edited_context_is_what_the_controller_sees_and_is_saved_with_the_pair() {
    let user = user("rerun-edits", &[cats()]);
    let server = ScriptedServer::start(script(), Duration::ZERO);
    let editor = user.write("editor", "#!/bin/sh\nsed -i 's/count = 3/count = 4/; s/^3$/4/' \"$1\"\n");
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = user.command(rerun(&server, &["--edit-context", "--pick", "1", "--save"]));
    command.env("EDITOR", &editor);
    let printed = objects(&crate::user::Ended::of(command).succeeds().stdout);
    assert_eq!(printed[0]["candidates"][1]["observation"]["text"], "8");
    // Its recorded observation is from before the edit: it was executed anew.
    assert_eq!(printed[0]["candidates"][0]["observation"]["text"], "12");
    let sent = server.requests()[0]["messages"].to_string();
    assert!(sent.contains("count = 4") && !sent.contains("count = 3"), "{sent}");
    let shown = user.json(["show", "runs/cats", "--format", "json"]);
    assert_eq!(shown["trajectory"]["steps"][0]["action"]["code"], "count = 4\nprint(count)");
    assert_eq!(shown["trajectory"]["steps"][0]["observation"]["text"], "4");
    let id = printed[1]["pair"].as_str().unwrap();
    assert_eq!(user.json(["pair", "show", id, "--format", "json"])["pairs"][0]["chosen"]["observation"]["text"], "8");
    user.retake(["pair", "verify", id]).succeeds();
    user.retake(["undo"]).succeeds();
    let shown = user.json(["show", "runs/cats", "--format", "json"]);
    assert_eq!(shown["trajectory"]["steps"][0]["action"]["code"], "count = 3\nprint(count)");
}

#[test]
fn pairs_are_verified_and_made_again() {
    let user = user("rerun-verify", &[cats()]);
    let server = ScriptedServer::start(script(), Duration::ZERO);
    let words = rerun(&server, &["--pick", "1", "--reject", "4", "--save"]);
    let id = objects(&user.retake(words).succeeds().stdout)[1]["pair"].as_str().unwrap().to_owned();
    let checked = user.json(["pair", "verify", &id, "--format", "json"]);
    assert_eq!(checked, json!({"id": id, "findings": [], "unchecked": [], "generated": 2}));
    let words = ["pair", "verify", &id, "--reproduce", "--format", "json"];
    let made = objects(&user.retake(words).succeeds().stdout).remove(0);
    assert!(made["reproduced"].as_array().unwrap().iter().all(|side| side["same"] == true), "{made}");
    let asked = server.requests();
    let last = &asked[asked.len() - 1];
    // The whole batch of the rejected one, and nothing from a cache.
    assert_eq!((last["n"].as_u64(), last["seed"].as_u64(), &last["cache_prompt"]), (Some(3), Some(4097), &json!(false)));
    // Another model says something else.
    let other = ScriptedServer::start(Script::new(), Duration::ZERO);
    let words = ["pair", "verify", &id, "--reproduce", "--model", &other.address, "--format", "json"];
    let made = objects(&user.retake(words).ends_with(3).stdout).remove(0);
    assert_eq!(made["reproduced"][0]["now"], SILENT);
    // Somebody changes what comes before the step.
    let words = ["review", "edit", "runs/cats", "--step", "1", "--field", "thought", "--text", "I look."];
    user.retake(words).succeeds();
    let found = objects(&user.retake(["pair", "verify", "--format", "json"]).ends_with(3).stdout).remove(0);
    let checks: Vec<&str> = found["findings"].as_array().unwrap().iter().map(|one| one["check"].as_str().unwrap()).collect();
    assert_eq!(checks, ["stale", "context"], "{found}");
    user.retake(["undo"]).succeeds();
    // Somebody changes a kept candidate.
    let folder = user.path(".retake/blobs/candidates");
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().flat_map(|group| fs::read_dir(group.unwrap().path()).unwrap()).map(|file| file.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 2);
    let text = fs::read_to_string(&files[0]).unwrap();
    fs::write(&files[0], text.replace("print", "prints")).unwrap();
    let found = user.retake(["pair", "verify", &id]).ends_with(3);
    assert!(found.stdout.contains("candidates") && found.stdout.contains("is not kept"), "{found:?}");
    // The source record is another one.
    let mut other = cats();
    other["answer"] = "six".into();
    user.write("runs.json", array(&[other]));
    let found = user.retake(["pair", "verify"]).ends_with(3);
    assert!(found.stdout.contains(&id) && found.stdout.contains("source"), "{found:?}");
}

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
    script.insert((1, 1), reply("I use what is not there.", "print(number_of_cats)"));
    let server = ScriptedServer::start(script, Duration::from_millis(150));
    let words = ["rerun", "--query", "in:step thought:double", "--run", "night", "-n", "2", "--model", &server.address];
    // Killed as soon as there is something.
    let mut command = user.command(words);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
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
    assert_eq!(ids, ["night/runs.cats-0.2", "night/runs.cats-1.2", "night/runs.cats-2.2", "night/runs.cats-3.2"]);
    assert!(server.requests().len() - asked <= 2 * 3, "what was done was not asked for again");
    // The next morning.
    let queue = user.json(["queue", "night", "--next", "--format", "json"]);
    let next = queue["id"].as_str().unwrap().to_owned();
    let pair = &user.json(["pair", "show", &next, "--format", "json"])["pairs"][0];
    assert_eq!(pair["rejected"]["observation"]["is_error"], true);
    user.retake(["pair", "accept", &next]).succeeds();
    assert_ne!(user.json(["queue", "night", "--next", "--format", "json"])["id"], queue["id"]);
    user.retake(["pair", "verify", "source:night"]).succeeds();
    // The same call again does nothing.
    let asked = server.requests().len();
    user.retake(words).succeeds();
    assert_eq!(server.requests().len(), asked);
}
