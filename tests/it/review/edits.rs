use std::fs;

use serde_json::{Value, json};

use super::{first_step, reviewer};
use crate::user::User;

/// The stale part of each step, as `show` marks it.
fn stale(user: &User, id: &str) -> Vec<Value> {
    let shown = user.json(["show", id, "--format", "json"]);
    let marks = shown["marks"].as_array().unwrap().iter();
    marks.map(|mark| mark["stale"].clone()).collect()
}

/// The thought of each step.
fn thoughts(user: &User, id: &str) -> Vec<Value> {
    let shown = user.json(["show", id, "--format", "json"]);
    let steps = shown["trajectory"]["steps"].as_array().unwrap().iter();
    steps.map(|step| step["thought"].clone()).collect()
}

#[test]
fn an_edit_is_shown_and_searched_and_the_source_stays() {
    let user = reviewer("review-edit");
    let before = fs::read(user.path("trips.json")).unwrap();
    user.write("thought.txt", "Measure it with a theodolite.\n");
    let told = user.json([
        "review",
        "edit",
        "trips/tower",
        "--step",
        "1",
        "--field",
        "thought",
        "--file",
        "thought.txt",
        "--format",
        "json",
    ]);
    let steps = json!([{ "step": 1, "part": "observation" }, { "step": 2, "part": "step" }]);
    assert_eq!(
        told["stale"],
        json!([{ "id": "trips/tower", "steps": steps }])
    );
    assert_eq!(
        first_step(&user, "trips/tower")["thought"],
        "Measure it with a theodolite."
    );
    assert_eq!(user.ids("thought:theodolite"), ["trips/tower"]);
    assert_eq!(user.ids("edit:theodolite has:edit"), ["trips/tower"]);
    assert_eq!(user.ids("in:step has:edit step:1"), ["trips/tower"]);
    assert_eq!(user.ids("in:step has:edit step:2"), [""; 0]);
    // The text that was replaced is no longer there, except in the source.
    assert_eq!(
        user.ids("thought:\"look it up\""),
        ["trips/bridge", "trips/old"]
    );
    assert_eq!(user.ids("thought:/Look it up/").len(), 2);
    let original = user.json([
        "show",
        "trips/tower",
        "--step",
        "1",
        "--original",
        "--format",
        "json",
    ]);
    assert_eq!(original["content"]["thought"], "Look it up.");
    assert_eq!(original["mark"]["edited"], false);
    assert_eq!(fs::read(user.path("trips.json")).unwrap(), before);

    user.retake([
        "review",
        "edit",
        "trips/tower",
        "--field",
        "task",
        "--text",
        "How high is it?",
    ])
    .succeeds();
    user.retake([
        "review",
        "edit",
        "trips/tower",
        "--field",
        "answer",
        "--text",
        "71 m",
    ])
    .succeeds();
    let shown = user.json(["show", "trips/tower", "--format", "json"]);
    assert_eq!(shown["trajectory"]["task"]["text"], "How high is it?");
    assert_eq!(shown["trajectory"]["answer"], "71 m");
    assert_eq!(user.ids("answer:71"), ["trips/tower"]);
    assert_eq!(user.ids("task:tall"), [""; 0]);

    // The same text again changes nothing, and undo finds nothing of it.
    let same = [
        "review",
        "edit",
        "trips/tower",
        "--field",
        "answer",
        "--text",
        "71 m",
    ];
    assert_eq!(
        user.retake(same).succeeds().stdout,
        "nothing changed: 1 was so already\n"
    );
    user.retake(["undo", "3"]).succeeds();
    assert_eq!(user.ids("thought:\"look it up\"").len(), 3);
    assert_eq!(user.ids("has:edit"), [""; 0]);
}

#[test]
fn stale_steps_are_confirmed_one_by_one() {
    let user = reviewer("review-stale");
    let edit = |field: &str, text: &str| {
        let edit = [
            "review",
            "edit",
            "trips/old",
            "--step",
            "1",
            "--field",
            field,
            "--text",
            text,
        ];
        user.retake(edit).succeeds();
    };
    assert_eq!(stale(&user, "trips/old"), [Value::Null, Value::Null]);
    edit("code", "print(1421)");
    assert_eq!(
        stale(&user, "trips/old"),
        [json!("observation"), json!("step")]
    );
    assert_eq!(user.ids("is:stale"), ["trips/old"]);
    assert_eq!(user.ids("in:step is:stale step:2"), ["trips/old"]);
    let shown = user.retake(["show", "trips/old"]).succeeds().stdout;
    assert!(
        shown.contains("Step 1  edited, stale observation\n"),
        "{shown}"
    );
    assert!(shown.contains("Step 2  stale\n"), "{shown}");
    for step in ["1", "2"] {
        user.retake(["review", "fresh", "trips/old", "--step", step])
            .succeeds();
    }
    assert_eq!(stale(&user, "trips/old"), [Value::Null, Value::Null]);
    assert_eq!(user.ids("is:stale"), [""; 0]);
    let again = user
        .retake(["review", "fresh", "trips/old", "--step", "2"])
        .succeeds();
    assert!(again.stdout.starts_with("nothing changed"), "{again:?}");
    // A query confirms all that it finds.
    edit("observation", "1421");
    assert_eq!(stale(&user, "trips/old"), [Value::Null, json!("step")]);
    user.retake(["review", "fresh", "--query", "in:step is:stale"])
        .succeeds();
    assert_eq!(user.ids("is:stale"), [""; 0]);
    user.retake(["undo"]).succeeds();
    assert_eq!(user.ids("is:stale"), ["trips/old"]);
}

#[test]
fn steps_are_added_moved_and_removed() {
    let user = reviewer("review-steps");
    let id = "trips/bridge";
    user.retake_with(
        "Thought: Ask first.\nCode:\n```py\nask()\n```",
        ["review", "add-step", id, "--after", "0", "--file", "-"],
    )
    .succeeds();
    let add = [
        "review",
        "add-step",
        id,
        "--thought",
        "Check it.",
        "--observation",
        "fine",
    ];
    user.retake(add).succeeds();
    assert_eq!(
        thoughts(&user, id),
        ["Ask first.", "Look it up.", "That is all.", "Check it."]
    );
    let shown = user.json(["show", id, "--step", "1", "--format", "json"]);
    assert_eq!(shown["content"]["action"], json!({ "code": "ask()" }));
    assert_eq!(shown["mark"]["added"], true);
    // Numbers are those that are shown: the added step counts.
    user.retake(["review", "note", "mine", id, "--step", "4"])
        .succeeds();
    let edit = [
        "review",
        "edit",
        id,
        "--step",
        "2",
        "--field",
        "thought",
        "--text",
        "Look again.",
    ];
    user.retake(edit).succeeds();
    user.retake(["review", "move-step", id, "--step", "4", "--after", "1"])
        .succeeds();
    assert_eq!(
        thoughts(&user, id),
        ["Ask first.", "Check it.", "Look again.", "That is all."]
    );
    let text = user.retake(["show", id]).succeeds().stdout;
    assert!(text.contains("ana on step 2"), "{text}");
    user.retake(["review", "remove-step", id, "--step", "3"])
        .succeeds();
    assert_eq!(
        thoughts(&user, id),
        ["Ask first.", "Check it.", "That is all."]
    );
    assert_eq!(user.ids("thought:again"), [""; 0]);
    let stays = ["review", "move-step", id, "--step", "2", "--after", "1"];
    assert!(
        user.retake(stays)
            .succeeds()
            .stdout
            .starts_with("nothing changed")
    );
    for wrong in [
        ["review", "move-step", id, "--step", "1", "--after", "7"].as_slice(),
        &["review", "remove-step", id, "--step", "4"],
    ] {
        assert!(
            user.retake(wrong)
                .ends_with(1)
                .stderr
                .contains("steps: 1 to 3")
        );
    }
    user.retake(["review", "add-step", id]).ends_with(2);
    user.retake(["undo", "6"]).succeeds();
    assert_eq!(thoughts(&user, id), ["Look it up.", "That is all."]);
}

#[test]
fn tool_calls_are_edited_as_json() {
    let user = reviewer("review-calls");
    let line = json!({
        "messages": [
            { "role": "user", "content": "How many?" },
            { "role": "assistant", "content": "I count.", "tool_calls": [
                { "type": "function", "id": "a", "function": { "name": "count", "arguments": "{\"of\": \"cups\"}" } },
            ] },
            { "role": "tool", "tool_call_id": "a", "content": "3" },
            { "role": "assistant", "content": "Three." },
        ],
        "tools": [{ "type": "function", "function": { "name": "count", "parameters": { "type": "object", "properties": {} } } }],
    });
    user.write("chat.jsonl", format!("{line}\n"));
    user.retake(["add", "chat.jsonl"]).succeeds();
    let id = &user.ids("source:chat")[0];
    let edit = |text: &str| {
        user.retake([
            "review", "edit", id, "--step", "1", "--field", "code", "--text", text,
        ])
    };
    for wrong in ["count(cups)", "[{\"name\": \"\"}]", "{}"] {
        let refused = edit(wrong).ends_with(1);
        assert!(
            refused.stderr.contains("JSON array of tool calls"),
            "{refused:?}"
        );
    }
    assert_eq!(user.ids("has:edit"), [""; 0]);
    edit("[{\"name\": \"weigh\", \"arguments\": {\"of\": \"plates\"}}]").succeeds();
    assert_eq!(user.ids("tool:weigh code:plates"), [id.as_str()]);
    assert_eq!(user.ids("tool:count"), [""; 0]);
}

#[test]
fn what_can_not_be_edited_is_told() {
    let user = reviewer("review-wrong-edits");
    let edit = |more: &[&str]| {
        let arguments = ["review", "edit", "trips/tower"].iter().chain(more);
        user.retake(arguments.copied().collect::<Vec<_>>())
    };
    for wrong in [
        ["--field", "thought", "--text", "x"].as_slice(),
        &["--field", "task", "--text", "x", "--step", "1"],
        &[
            "--field", "thought", "--text", "x", "--step", "1", "--side", "chosen",
        ],
        &["--field", "thought", "--step", "1"],
        &[
            "--field", "thought", "--step", "1", "--text", "x", "--file", "y",
        ],
        &["--field", "thought", "--step", "0", "--text", "x"],
    ] {
        edit(wrong).ends_with(2);
    }
    edit(&["--field", "thought", "--step", "3", "--text", "x"]).ends_with(1);
    edit(&["--field", "answer", "--file", "nowhere.txt"]).ends_with(1);
    user.write("latin1.txt", b"caf\xe9");
    let latin1 = edit(&["--field", "answer", "--file", "latin1.txt"]).ends_with(1);
    assert!(
        latin1.stderr.contains("not valid UTF-8 at byte 3"),
        "{latin1:?}"
    );
    let both = ["review", "edit", "-", "--field", "answer", "--file", "-"];
    user.retake_with("x", both).ends_with(2);
    assert_eq!(user.ids("has:edit"), [""; 0]);
}

#[test]
fn an_export_has_the_edits() {
    let user = reviewer("review-export");
    user.retake([
        "review",
        "edit",
        "trips/old",
        "--field",
        "answer",
        "--text",
        "601 years",
    ])
    .succeeds();
    user.retake(["export", "jsonl", "mill", "-o", "out.jsonl"])
        .succeeds();
    let lines = fs::read_to_string(user.path("out.jsonl")).unwrap();
    assert!(lines.contains("601 years"), "{lines}");
    let line: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    let written = line["trajectory"]["answer"].clone();
    assert_eq!(written, "601 years", "{line}");
}
