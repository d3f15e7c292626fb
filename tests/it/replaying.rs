//! `retake replay`, from the command line: what it prints, what it keeps, and what searches find of it.

use serde_json::{Value, json};

use crate::reading::shared;
use crate::user::{User, array, record};

/// A trajectory in the M-TRACE form, whose steps are given as (code, observation).
fn run(id: &str, steps: &[(&str, &str)], answer: &str) -> Value {
    let mut value = record(id, "What is it?", "x", answer);
    let prompt = "Tools:\n- visualizer: asks about a picture\n    Takes inputs: {'question': {'type': 'text', 'description': 'q'}}";
    let mut turns = vec![
        json!({"from": "system", "value": prompt}),
        json!({"from": "user", "value": "Task: What is it?"}),
    ];
    for (number, (code, observed)) in steps.iter().enumerate() {
        let reply = format!("Thought: t\nCode:\n```py\n{code}\n```");
        turns.push(json!({"from": "assistant", "value": reply}));
        if !observed.is_empty() {
            let turn = format!("[OUTPUT OF STEP {number}] Observation:\n{observed}");
            turns.push(json!({"from": "user", "value": turn}));
        }
    }
    value["conversations"] = turns.into();
    value
}

fn user(name: &str) -> User {
    let user = User::new(name);
    let runs = [
        run(
            "good",
            &[
                ("x = visualizer('q')\nprint(x)", "a cat"),
                ("final_answer(x)", ""),
            ],
            "a cat",
        ),
        run(
            "bad",
            &[
                ("print(1 + 1)", "2"),
                ("print(2 + 2)\nprint('same')", "5\nsame"),
                ("final_answer(4)", ""),
            ],
            "4",
        ),
        run(
            "odd",
            &[("import numpy\nnumpy.zeros(3)", "[0. 0. 0.]")],
            "0",
        ),
    ];
    user.write("runs.json", array(&runs));
    user.retake(["add", "runs.json"]).succeeds();
    user
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_selection_is_replayed_summed_up_and_found() {
    let user = user("replay-selection");
    let ended = user.retake(["replay"]).succeeds();
    for part in [
        "runs/bad step 2  differs  line 1 differs",
        "    - 5",
        "    + 4",
        "runs/odd step 1  unsupported",
        "4 of 6 steps of 3 trajectories reproduce",
        "the results of 1 of 1 tool calls are known",
        "2 of 2 answers equal the recorded one",
        "1  differs: line 1 differs",
    ] {
        assert!(ended.stdout.contains(part), "{part}\n{}", ended.stdout);
    }
    assert!(!ended.stdout.contains("runs/good step"), "{}", ended.stdout);
    assert_eq!(user.ids("replay:differs"), ["runs/bad"]);
    assert_eq!(user.ids("in:step replay:match"), ["runs/good", "runs/bad"]);
    assert_eq!(user.ids("in:step step:2 replay:match"), ["runs/good"]);
    assert_eq!(user.ids("replay:unsupported"), ["runs/odd"]);
    // An index that is built anew finds them, too.
    user.retake(["index", "--rebuild"]).succeeds();
    assert_eq!(user.ids("replay:differs"), ["runs/bad"]);
}

#[test]
fn one_object_a_step_for_programs() {
    let user = user("replay-json");
    let ended = user
        .retake(["replay", "runs/bad", "--format", "json"])
        .succeeds();
    let steps = json_lines(&ended.stdout);
    assert_eq!(steps.len(), 3);
    let step = &steps[1];
    assert_eq!(step["id"], "runs/bad");
    assert_eq!(step["step"], 2);
    assert_eq!(step["verdict"], "differs");
    assert_eq!(step["recorded"], "5\nsame");
    assert_eq!(step["actual"], "4\nsame\n");
    assert_eq!(step["independent"], true);
    assert_eq!(step["rule"], "reference");
    // By a query, with its calls.
    let ended = user
        .retake(["replay", "tool:visualizer", "--format", "json"])
        .succeeds();
    let steps = json_lines(&ended.stdout);
    assert_eq!(steps[0]["calls"][0]["result"], "'a cat'");
    assert_eq!(steps[0]["calls"][0]["provider"], "recorded");
    assert_eq!(steps[0]["independent"], false);
    user.retake(["replay", "tool:nothing"]).ends_with(1);
    user.retake(["replay", "--step", "2"]).ends_with(2);
    user.retake(["replay", "runs/bad", "--step", "4"])
        .ends_with(1);
}

#[test]
fn the_state_after_a_step_is_shown() {
    let user = user("replay-state");
    let ended = user
        .retake(["replay", "runs/good", "--step", "1", "--state"])
        .succeeds();
    assert!(
        ended.stdout.contains("x: str = 'a cat'"),
        "{}",
        ended.stdout
    );
    assert!(!ended.stdout.contains("step 2"), "{}", ended.stdout);
    // A part of a run is not kept as a replay of it.
    assert!(user.ids("replay:match").is_empty());
}

#[test]
fn what_was_replayed_is_kept_until_the_run_changes() {
    let user = user("replay-kept");
    user.retake(["replay"]).succeeds();
    let log = || std::fs::read_to_string(user.path(".retake/cache/replays.jsonl")).unwrap();
    let first = log();
    assert_eq!(first.lines().count(), 3);
    let again = user.retake(["replay"]).succeeds();
    assert!(again.stdout.contains("4 of 6 steps"), "{}", again.stdout);
    assert_eq!(log(), first, "nothing ran again");
    user.retake(["replay", "--fresh", "runs/bad"]).succeeds();
    assert_eq!(log().lines().count(), 4);
    // An edited step is another run: its old verdict is not shown any more, and a new one is found.
    user.write("code.txt", "print(5)\nprint('same')");
    user.retake([
        "review", "edit", "runs/bad", "--step", "2", "--field", "code", "--file", "code.txt",
    ])
    .succeeds();
    assert!(user.ids("replay:differs").is_empty());
    user.retake(["replay", "runs/bad"]).succeeds();
    assert!(user.ids("replay:differs").is_empty());
    assert_eq!(
        user.ids("in:step step:2 replay:match"),
        ["runs/good", "runs/bad"]
    );
}

#[test]
fn what_replays_said_goes_with_the_cache() {
    let user = user("replay-cache");
    user.retake(["replay"]).succeeds();
    assert_eq!(user.ids("replay:differs"), ["runs/bad"]);
    std::fs::remove_dir_all(user.path(".retake/cache")).unwrap();
    for verdict in ["differs", "match", "unsupported"] {
        assert!(
            user.ids(&format!("replay:{verdict}")).is_empty(),
            "{verdict}"
        );
    }
    user.retake(["replay", "runs/good"]).succeeds();
    assert_eq!(user.ids("replay:match"), ["runs/good"]);
    assert!(user.ids("replay:differs").is_empty());
}

#[test]
fn cpython_needs_its_walls() {
    let user = user("replay-python");
    let ended = user
        .retake(["replay", "runs/odd", "--python", "/nonexistent/python"])
        .ends_with(1);
    assert!(
        ended.stderr.contains("not run in CPython"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("bubblewrap"), "{}", ended.stderr);
}

/// The bars: of the code blocks of the published records at least 98% run, at most two steps into which no tool result comes
/// differ, every answer that is reached is the recorded one, and at least 94% of the tool calls are known.
#[test]
fn published_records_reproduce() {
    let Some(folder) = shared("m-trace") else {
        return;
    };
    let user = User::new("replay-real");
    let file = folder.join("m-trace.json");
    user.retake(["add", file.to_str().unwrap()]).succeeds();
    let ended = user.retake(["replay", "--format", "json"]).succeeds();
    let steps = json_lines(&ended.stdout);
    let blocks: Vec<&Value> = steps
        .iter()
        .filter(|step| !step["rule"].is_null())
        .collect();
    assert_eq!(blocks.len(), 162, "code blocks");
    let verdict = |step: &Value| step["verdict"].as_str().unwrap().to_owned();
    let run = blocks
        .iter()
        .filter(|step| !["unsupported", "not-run"].contains(&verdict(step).as_str()))
        .count();
    assert!(
        run * 100 >= blocks.len() * 98,
        "{run} of {} run",
        blocks.len()
    );
    let differ: Vec<_> = blocks
        .iter()
        .filter(|step| step["independent"] == true && verdict(step) == "differs")
        .collect();
    assert!(differ.len() <= 2, "{differ:?}");
    let calls: Vec<&Value> = blocks
        .iter()
        .flat_map(|step| step["calls"].as_array().unwrap())
        .collect();
    let known = calls
        .iter()
        .filter(|call| !call["provider"].is_null())
        .count();
    assert!(
        calls.len() > 90 && known * 100 >= calls.len() * 94,
        "{known} of {}",
        calls.len()
    );
    let summary = user.retake(["replay"]).succeeds().stdout;
    assert!(
        summary.contains("63 of 63 answers equal the recorded one"),
        "{summary}"
    );
}

#[test]
fn queries_know_every_verdict() {
    let field = retake::index::query::field_named("replay").unwrap();
    let names = retake::replay::Verdict::ALL.map(retake::replay::Verdict::name);
    assert_eq!(field.values, names);
}

#[test]
fn live_tools_answer_what_is_not_recorded() {
    let user = User::new("replay-live");
    let prompt = "Tools:\n- inspect_file_as_text: reads\n    Takes inputs: {'file_path': {'type': 'text', 'description': 'f'}}";
    let mut value = run(
        "sheet",
        &[(
            "t = inspect_file_as_text('files/a.csv')\nprint(len(t))",
            "30",
        )],
        "x",
    );
    value["conversations"][0]["value"] = prompt.into();
    user.write("runs.json", array(&[value]));
    user.write("pictures/files/a.csv", "x,y\n1,2\n");
    user.retake(["add", "runs.json", "--images", "pictures"])
        .succeeds();
    let step = |arguments: &[&str]| {
        let ended = user.retake(arguments).succeeds();
        json_lines(&ended.stdout).remove(0)
    };
    let recorded = step(&["replay", "--format", "json"]);
    assert_eq!(recorded["verdict"], "tool-result-unknown");
    let live = step(&["replay", "--live", "--format", "json"]);
    assert_eq!(live["verdict"], "match", "{live}");
    assert_eq!(live["calls"][0]["provider"], "built in");
    assert_eq!(
        live["calls"][0]["result"],
        "'| x | y |\\n|---|---|\\n| 1 | 2 |\\n'"
    );
}

/// What a model says of a picture, and of a tool that it plays; the second time nobody asks it about the picture.
#[test]
fn a_model_answers_questions_about_pictures_and_plays_tools() {
    let user = User::new("replay-model");
    let settings = "[controller]\nidle_seconds = 2\ndevice = \"cpu\"\n";
    user.write("../settings/config.toml", settings);
    let tool = |name: &str| {
        format!(
            "- {name}: looks\n    Takes inputs: {{'image_path': {{'type': 'text', 'description': 'f'}}}}\n"
        )
    };
    let mut value = run(
        "picture",
        &[
            (
                "a = visualizer('What is it?', 'a.png')\nprint(len(a) > 0)",
                "True",
            ),
            ("print(len(ocr('a.png')) > 0)", "True"),
        ],
        "x",
    );
    value["conversations"][0]["value"] =
        format!("Tools:\n{}{}", tool("visualizer"), tool("ocr")).into();
    user.write("runs.json", array(&[value]));
    user.write("pictures/note.txt", "");
    let picture = image::RgbImage::from_pixel(8, 6, image::Rgb([200, 30, 30]));
    picture.save(user.path("pictures/a.png")).unwrap();
    user.retake(["add", "runs.json", "--images", "pictures"])
        .succeeds();
    let steps = |arguments: &[&str]| {
        let ended = user
            .retake(arguments.iter().chain(&["--format", "json"]))
            .succeeds();
        json_lines(&ended.stdout)
    };
    let without = steps(&["replay", "--live"]);
    assert_eq!(without[0]["verdict"], "tool-result-unknown");
    let reason = without[0]["reason"].as_str().unwrap();
    assert!(reason.contains("name one with --model"), "{reason}");

    let model = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/reference/runnable/smolvlm"
    );
    let asked = steps(&["replay", "--live", "--model", model]);
    assert_eq!(asked[0]["verdict"], "match", "{}", asked[0]);
    assert_eq!(asked[0]["calls"][0]["provider"], format!("model:{model}"));
    assert_eq!(asked[1]["verdict"], "tool-result-unknown", "{}", asked[1]);
    let again = steps(&["replay", "--live", "--fresh", "--model", model]);
    assert_eq!(again[0]["verdict"], "match");
    assert_eq!(
        again[0]["calls"][0]["provider"],
        format!("model:{model} (kept)")
    );
    assert_eq!(
        again[0]["calls"][0]["result"],
        asked[0]["calls"][0]["result"]
    );

    let played = steps(&["replay", "--live", "--simulate", "--model", model]);
    assert_eq!(played[0]["verdict"], "match");
    assert_eq!(
        played[1]["calls"][0]["provider"],
        format!("simulated:{model}")
    );
    assert_eq!(played[1]["verdict"], "tool-result-unknown", "{}", played[1]);
    let reason = played[1]["reason"].as_str().unwrap();
    assert!(
        reason.contains(&format!("with results that simulated:{model} made up")),
        "{reason}"
    );
    for (arguments, part) in [
        (&["replay", "--simulate"][..], "--live"),
        (&["replay", "--model", model], "add --live"),
        (
            &["replay", "--live", "--simulate"],
            "--simulate needs a model",
        ),
    ] {
        let ended = user.retake(arguments).ends_with(2);
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
}
