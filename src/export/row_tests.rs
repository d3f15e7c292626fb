//! The rows that trainers get, word for word.

use serde_json::{Value, json};

use super::pictures::{Media, Pictures};
use super::test_items::{
    code_pair, code_reply, code_run, first_wrong, label, pairs, run, tool_pair, tool_run,
    tool_schemas,
};
use super::{Contents, Outgoing, target_named};
use crate::domain::{Observation, ReviewState, Trajectory};

/// The rows of a record, with the pair and the step of each.
fn rows(target: &str, outgoing: &Outgoing) -> Vec<(Option<String>, Option<usize>, Value)> {
    let target = target_named(target).unwrap();
    let rendered = (target.render)(outgoing, &mut Pictures::new(Media::Path));
    assert_eq!(rendered.refusals, [], "{}", target.name);
    let rows = rendered.rows.into_iter();
    rows.map(|row| (row.part, row.step, serde_json::from_str(&row.json).unwrap()))
        .collect()
}

fn row(target: &str, outgoing: &Outgoing) -> Value {
    let mut rows = rows(target, outgoing);
    assert_eq!(rows.len(), 1, "{target}");
    rows.remove(0).2
}

fn keys(row: &Value) -> Vec<&str> {
    row.as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

fn without_pictures(mut trajectory: Trajectory) -> Trajectory {
    trajectory.task.attachments.clear();
    for step in &mut trajectory.steps {
        if let Some(observation) = &mut step.observation {
            observation.pictures.clear();
        }
    }
    trajectory
}

const ARROW: &str = "Where does the arrow point?\nAttachment: map.png; legend.pdf; ";
const KITE: &str = "Task: Which colour has the kite?";

fn arguments(corner: u8) -> Value {
    json!({"picture": "map.png", "box": [0, corner]})
}

fn call(corner: u8) -> String {
    json!({"name": "crop", "arguments": arguments(corner)}).to_string()
}

fn text(text: &str) -> Value {
    json!([{"type": "text", "text": text}])
}

fn tools_text() -> String {
    format!("You can call these tools:\n{}", tool_schemas()[0])
}

#[test]
fn llamafactory_gets_calls_and_one_observation() {
    let row = row("llamafactory-sft", &run(tool_run()));
    assert_eq!(keys(&row), ["conversations", "system", "tools", "images"]);
    assert_eq!(
        row["conversations"],
        json!([
            {"from": "human", "value": format!("<image>\n{ARROW}")},
            {"from": "function_call", "value": format!("<think>\nBoth halves.\n</think>\n\n[{}, {}]", call(1), call(2))},
            {"from": "observation", "value": "upper\nlower.png\n<image>"},
            {"from": "gpt", "value": "North."},
        ])
    );
    assert_eq!(row["system"], "");
    assert_eq!(row["tools"], tool_schemas().to_string());
    assert_eq!(row["images"], json!(["map.png", "lower.png"]));
}

#[test]
fn llamafactory_gets_code_agents_as_text() {
    let mut trajectory = code_run();
    // What comes behind the last reply teaches nothing, and would be a turn too many.
    trajectory.steps[2].observation = super::test_items::observation("done");
    let row = row("llamafactory-sft", &run(trajectory));
    assert_eq!(
        row["conversations"],
        json!([
            {"from": "human", "value": format!("<image>\n{KITE}\nAttachment: zoo/kite.jpg; ")},
            {"from": "gpt", "value": code_reply("Look.", "print(ask('colour'))")},
            {"from": "human", "value": "[OUTPUT OF STEP 0] Observation:\nblue"},
            {"from": "gpt", "value": code_reply("Look again.", "print(ask('sure?'))")},
            {"from": "human", "value": "[OUTPUT OF STEP 1] Observation:\nyes"},
            {"from": "gpt", "value": code_reply("It is blue.", "final_answer('blue')")},
        ])
    );
    assert_eq!(row["system"], "Use ask().");
    assert_eq!(row["tools"], "");
}

#[test]
fn trl_gets_pictures_in_turns_of_the_user_and_tools_in_the_system_prompt() {
    let row = row("trl-sft", &run(tool_run()));
    assert_eq!(keys(&row), ["messages", "images"]);
    let called = |corner| json!({"type": "function", "function": {"name": "crop", "arguments": arguments(corner)}});
    assert_eq!(
        row["messages"],
        json!([
            {"role": "system", "content": text(&tools_text())},
            {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": ARROW}]},
            {"role": "assistant", "content": text("Both halves."), "tool_calls": [called(1), called(2)]},
            {"role": "tool", "name": "crop", "content": text("upper")},
            {"role": "tool", "name": "crop", "content": text("lower.png")},
            {"role": "user", "content": [{"type": "image"}]},
            {"role": "assistant", "content": text("North.")},
        ])
    );
    assert_eq!(row["images"], json!(["map.png", "lower.png"]));
}

#[test]
fn trl_gets_texts_as_texts_and_tools_as_json_text() {
    let row = row("trl-sft", &run(without_pictures(tool_run())));
    assert_eq!(keys(&row), ["messages", "tools"]);
    assert_eq!(
        row["messages"][0],
        json!({"role": "user", "content": "Where does the arrow point?"})
    );
    assert_eq!(row["messages"][1]["content"], "Both halves.");
    assert_eq!(row["tools"], tool_schemas().to_string());
}

#[test]
fn rows_of_trl_take_the_form_of_their_file() {
    let complete = target_named("trl-sft").unwrap().complete.unwrap();
    let object = |trajectory| {
        row("trl-sft", &run(trajectory))
            .as_object()
            .unwrap()
            .clone()
    };
    let [mut plain, mut calling] =
        [code_run(), tool_run()].map(|run| object(without_pictures(run)));
    // Beside rows with tools.
    let tools = Contents {
        tools: true,
        calls: true,
        ..Contents::default()
    };
    complete(&mut plain, tools);
    assert_eq!(plain["tools"], "[]");
    // Beside rows with pictures.
    let pictures = Contents {
        pictures: true,
        ..tools
    };
    let mut plain = object(without_pictures(code_run()));
    complete(&mut plain, pictures);
    complete(&mut calling, pictures);
    for row in [&plain, &calling] {
        assert_eq!(row.keys().collect::<Vec<_>>(), ["messages", "images"]);
        assert_eq!(row["images"], json!([]));
    }
    assert_eq!(plain["messages"][1]["content"], text(KITE));
    assert_eq!(
        calling["messages"][0],
        json!({"role": "system", "content": text(&tools_text())})
    );
    let once = calling.clone();
    complete(&mut calling, pictures);
    assert_eq!(calling, once);
}

#[test]
fn trl_prefers_a_call_to_an_answer() {
    let rows = rows("trl-preference", &pairs(vec![tool_pair()]));
    let (part, step, row) = &rows[0];
    assert_eq!((part.as_deref(), *step), (Some("2.1"), None));
    assert_eq!(keys(row), ["prompt", "chosen", "rejected", "images"]);
    let prompt = row["prompt"].as_array().unwrap();
    let roles: Vec<_> = prompt.iter().map(|message| &message["role"]).collect();
    assert_eq!(
        roles,
        ["system", "user", "assistant", "tool", "tool", "user"]
    );
    let system = &prompt[0]["content"];
    assert_eq!(system[0]["text"], format!("Be exact.\n\n{}", tools_text()));
    assert_eq!(
        row["chosen"],
        json!([{"role": "assistant", "content": text("Closer."), "tool_calls": [
            {"type": "function", "function": {"name": "crop", "arguments": arguments(3)}},
        ]}])
    );
    assert_eq!(
        row["rejected"],
        json!([{"role": "assistant", "content": text("South.")}])
    );
}

#[test]
fn trl_prefers_one_code_to_another() {
    let mut pair = code_pair();
    pair.context.task.attachments.clear();
    let row = row("trl-preference", &pairs(vec![pair]));
    let said = |role: &str, text: &str| json!({"role": role, "content": text});
    assert_eq!(
        row,
        json!({
            "prompt": [
                said("system", "Use ask()."),
                said("user", KITE),
                said("assistant", &code_reply("Look.", "print(ask('colour'))")),
                said("user", "[OUTPUT OF STEP 0] Observation:\nblue"),
            ],
            "chosen": [said("assistant", &code_reply("It is blue.", "final_answer('blue')"))],
            "rejected": [said("assistant", &code_reply("It is red.", "final_answer('red')"))],
        })
    );
}

#[test]
fn replies_that_people_write_end_as_the_others_do() {
    let mut pair = code_pair();
    pair.chosen.reply = None;
    let chosen =
        |pair| row("trl-preference", &pairs(vec![pair]))["chosen"][0]["content"][0]["text"].clone();
    assert_eq!(
        chosen(pair.clone()),
        "Thought: It is blue.\n\nCode:\n```py\nfinal_answer('blue')\n```<end_action>"
    );
    for reply in [&mut pair.rejected.reply, &mut pair.context.steps[0].reply] {
        let written = reply.as_mut().unwrap();
        *written = written.replace("<end_action>", "");
    }
    assert_eq!(
        chosen(pair),
        "Thought: It is blue.\n\nCode:\n```py\nfinal_answer('blue')\n```"
    );
}

#[test]
fn kto_judges_each_reply_by_its_trajectory_and_by_its_own_labels() {
    let mut outgoing = run(without_pictures(code_run()));
    let labels = |outgoing: &Outgoing| -> Vec<(Option<usize>, bool)> {
        let rows = rows("kto", outgoing).into_iter();
        rows.map(|(_, step, row)| (step, row["label"].as_bool().unwrap()))
            .collect()
    };
    assert_eq!(labels(&outgoing), []);
    outgoing.state = ReviewState::Rejected;
    let all = |label| vec![(Some(1), label), (Some(2), label), (Some(3), label)];
    assert_eq!(labels(&outgoing), all(false));
    outgoing.state = ReviewState::Accepted;
    assert_eq!(labels(&outgoing), all(true));
    // The first wrong step says that the one before it is right; of the third it says nothing.
    outgoing.state = ReviewState::Rejected;
    first_wrong(&mut outgoing, "ann", 2);
    assert_eq!(
        labels(&outgoing),
        [(Some(1), true), (Some(2), false), (Some(3), false)]
    );
    label(&mut outgoing, "ann", 1, 0);
    assert_eq!(labels(&outgoing), [(Some(2), false), (Some(3), false)]);
    let row = &rows("kto", &outgoing)[0].2;
    assert_eq!(keys(row), ["prompt", "completion", "label"]);
    assert_eq!(
        row["prompt"][3]["content"],
        "[OUTPUT OF STEP 0] Observation:\nblue"
    );
    let reply = code_reply("Look again.", "print(ask('sure?'))");
    assert_eq!(
        row["completion"],
        json!([{"role": "assistant", "content": reply}])
    );
}

#[test]
fn kto_judges_the_sides_of_pairs_once() {
    let mut other = code_pair();
    let black = code_reply("It is black.", "final_answer('black')");
    other.rejected = crate::domain::Candidate {
        reply: Some(black),
        ..crate::domain::Candidate::default()
    };
    let [mut first, mut second] = [code_pair(), other];
    first.part = Some("2.1".to_owned());
    second.part = Some("2.2".to_owned());
    let outgoing = pairs(vec![first, second]);
    let judged = |target: &str, label: &str| -> Vec<(String, bool)> {
        let rows = rows(target, &outgoing).into_iter();
        rows.map(|(part, _, row)| (part.unwrap(), row[label].as_bool().unwrap()))
            .collect()
    };
    let expected = [("2.1", true), ("2.1", false), ("2.2", false)]
        .map(|(part, label)| (part.to_owned(), label));
    assert_eq!(judged("kto", "label"), expected);
    assert_eq!(judged("llamafactory-kto", "kto_tag"), expected);
    let row = &rows("llamafactory-kto", &outgoing)[1].2;
    assert_eq!(
        keys(row),
        ["conversations", "kto_tag", "system", "tools", "images"]
    );
    let turns = row["conversations"].as_array().unwrap();
    assert_eq!(turns.len(), 4);
    assert_eq!(
        turns[3],
        json!({"from": "gpt", "value": code_reply("It is red.", "final_answer('red')")})
    );
}

#[test]
fn process_rewards_end_where_a_step_has_no_label() {
    let mut outgoing = run(code_run());
    label(&mut outgoing, "ann", 1, 1);
    label(&mut outgoing, "ann", 2, -1);
    let row = row("trl-prm", &outgoing);
    assert_eq!(
        row,
        json!({
            "prompt": format!("Use ask().\n\n{KITE}\nAttachment: zoo/kite.jpg; "),
            "completions": [
                format!("{}\n[OUTPUT OF STEP 0] Observation:\nblue", code_reply("Look.", "print(ask('colour'))")),
                format!("{}\n[OUTPUT OF STEP 1] Observation:\nyes", code_reply("Look again.", "print(ask('sure?'))")),
            ],
            "labels": [true, false],
        })
    );
    let target = target_named("trl-prm").unwrap();
    assert!(target.finds_something_in(&outgoing));
    assert!(!target.finds_something_in(&run(code_run())));
    label(&mut outgoing, "ann", 1, 0);
    let rendered = target.rows_of(&outgoing);
    assert_eq!((rendered.rows.len(), rendered.refusals.len()), (0, 1));
}

#[test]
fn calls_are_python_where_a_trainer_knows_none() {
    let mut outgoing = run(tool_run());
    first_wrong(&mut outgoing, "ann", 2);
    let row = row("trl-prm", &outgoing);
    assert_eq!(
        row["completions"],
        json!([
            "Thought: Both halves.\n\nCode:\n```py\nprint(crop(picture=\"map.png\", box=[0, 1]))\nprint(crop(picture=\"map.png\", box=[0, 2]))\n```\n[OUTPUT OF STEP 0] Observation:\nupper\nlower.png",
            "Code:\n```py\nfinal_answer(\"North.\")\n```",
        ])
    );
    let told = "You can call these tools as Python functions:\n- crop: Cuts out a part.\n    Takes inputs: {'picture': image, 'box': list}";
    assert_eq!(row["prompt"], format!("{told}\n\nTask: {ARROW}"));
}

#[test]
fn swift_repeats_shared_steps_behind_the_last_turn_of_the_user() {
    let row = row("ms-swift", &pairs(vec![tool_pair()]));
    assert_eq!(
        keys(&row),
        ["messages", "rejected_response", "tools", "images"]
    );
    let said = |role: &str, text: &str| json!({"role": role, "content": text});
    let shared = [
        said("assistant", "Both halves."),
        said("tool_call", &call(1)),
        said("tool_call", &call(2)),
        said("tool_response", "upper"),
        said("tool_response", "lower.png\n<image>"),
    ];
    let mut messages = vec![
        said("system", "Be exact."),
        said("user", &format!("<image>\n{ARROW}")),
    ];
    messages.extend(shared.clone());
    messages.extend([said("assistant", "Closer."), said("tool_call", &call(3))]);
    assert_eq!(row["messages"], Value::from(messages));
    let mut rejected = shared.to_vec();
    rejected.push(said("assistant", "South."));
    assert_eq!(row["rejected_response"], Value::from(rejected));
    assert_eq!(row["tools"], tool_schemas().to_string());
    assert_eq!(row["images"], json!(["map.png", "lower.png"]));
    // A code agent's observations are turns of the user.
    let row = self::row("ms-swift", &pairs(vec![code_pair()]));
    assert_eq!(row["rejected_response"].as_array().unwrap().len(), 1);
    assert_eq!(row["tools"], "[]");
}

#[test]
fn swift_trains_on_whole_runs() {
    let row = row("ms-swift-sft", &run(code_run()));
    assert_eq!(keys(&row), ["messages", "tools", "images"]);
    assert_eq!(row["messages"].as_array().unwrap().len(), 7);
    assert_eq!(row["images"], json!(["zoo/kite.jpg"]));
}

#[test]
fn axolotl_gets_text_and_names_pictures_in_messages() {
    let mut pair = tool_pair();
    pair.rejected.action = Some(crate::domain::Action::Message(" South.\n".to_owned()));
    let row = row("axolotl", &pairs(vec![pair]));
    assert_eq!(keys(&row), ["messages", "chosen", "rejected"]);
    let roles: Vec<_> = row["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| &m["role"])
        .collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
    assert_eq!(
        row["messages"][3]["content"],
        "[OUTPUT OF STEP 0] Observation:\nupper\nlower.png"
    );
    let code =
        "Thought: Closer.\n\nCode:\n```py\nprint(crop(picture=\"map.png\", box=[0, 3]))\n```";
    assert_eq!(row["chosen"], json!({"role": "assistant", "content": code}));
    assert_eq!(
        row["rejected"],
        json!({"role": "assistant", "content": "South."})
    );

    let row = self::row("axolotl-sft", &run(tool_run()));
    assert_eq!(keys(&row), ["messages"]);
    let content = &row["messages"][1]["content"];
    assert_eq!(content[0], json!({"type": "image", "path": "map.png"}));
    let seen = &row["messages"][3]["content"];
    assert_eq!(seen[1], json!({"type": "image", "path": "lower.png"}));
    let row = self::row("axolotl-sft", &run(without_pictures(code_run())));
    assert_eq!(row["messages"][1], json!({"role": "user", "content": KITE}));
}

#[test]
fn openai_gets_calls_with_ids() {
    let row = row("openai-messages", &run(tool_run()));
    assert_eq!(keys(&row), ["messages", "tools"]);
    let picture = |name: &str| json!({"type": "image_url", "image_url": {"url": name}});
    let called = |id: &str, corner| json!({"id": id, "type": "function", "function": {"name": "crop", "arguments": arguments(corner).to_string()}});
    assert_eq!(
        row["messages"],
        json!([
            {"role": "user", "content": [picture("map.png"), {"type": "text", "text": ARROW}]},
            {"role": "assistant", "content": "Both halves.", "tool_calls": [called("c1", 1), called("call_1_2", 2)]},
            {"role": "tool", "tool_call_id": "c1", "content": "upper"},
            {"role": "tool", "tool_call_id": "call_1_2", "content": "lower.png"},
            {"role": "user", "content": [picture("lower.png")]},
            {"role": "assistant", "content": "North."},
        ])
    );
    assert_eq!(row["tools"], tool_schemas());
    let row = self::row("openai-messages", &run(without_pictures(code_run())));
    assert_eq!(keys(&row), ["messages"]);
}

#[test]
fn marks_of_the_data_are_the_places_of_its_pictures() {
    let mut trajectory = tool_run();
    trajectory.task.prompt = Some("Here: <image>\nWhere does the arrow point?".to_owned());
    trajectory.task.attachments.pop();
    trajectory.steps[0].action = trajectory.steps[1].action.clone();
    trajectory.steps[0].observation = Some(Observation {
        text: "Look at <image> again.".to_owned(),
        ..trajectory.steps[0].observation.clone().unwrap()
    });
    let outgoing = run(trajectory);
    let row = row("llamafactory-sft", &outgoing);
    assert_eq!(
        row["conversations"][0]["value"],
        "Here: <image>\nWhere does the arrow point?"
    );
    assert_eq!(row["conversations"][2]["value"], "Look at <image> again.");
    let row = self::row("trl-sft", &outgoing);
    let words = |text: &str| json!({"type": "text", "text": text});
    let user = row["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|m| m["role"] == "user");
    let contents: Vec<_> = user.map(|message| &message["content"]).collect();
    assert_eq!(
        contents,
        [
            &json!([words("Here: "), {"type": "image"}, words("\nWhere does the arrow point?")]),
            &json!([words("Look at "), {"type": "image"}, words(" again.")]),
        ]
    );
}

#[test]
fn thoughts_apart_are_in_marks() {
    let mut trajectory = without_pictures(tool_run());
    trajectory.steps[1].thought = Some("The upper half.".to_owned());
    let said = |trajectory: &Trajectory| {
        let row = row("trl-sft", &run(trajectory.clone()));
        row["messages"].as_array().unwrap().last().unwrap()["content"].clone()
    };
    assert_eq!(
        said(&trajectory),
        "<think>\nThe upper half.\n</think>\n\nNorth."
    );
    // A reply is kept as it was written, unless somebody edited it.
    trajectory.steps[1].reply = Some("<think>The upper half.</think>North.".to_owned());
    assert_eq!(said(&trajectory), "<think>The upper half.</think>North.");
    trajectory.steps[1].thought = Some("The lower half.".to_owned());
    assert_eq!(
        said(&trajectory),
        "<think>\nThe lower half.\n</think>\n\nNorth."
    );
    // A reply with a call keeps what it says beside its thought.
    trajectory.steps[0].reply = Some("<think>Both halves.</think>I crop.".to_owned());
    let row = row("trl-sft", &run(trajectory.clone()));
    assert_eq!(
        row["messages"][1]["content"],
        "<think>Both halves.</think>I crop."
    );
    let row = self::row("llamafactory-sft", &run(trajectory));
    let value = row["conversations"][1]["value"].as_str().unwrap();
    assert!(
        value.starts_with("<think>\nBoth halves.\n\nI crop.\n</think>\n\n[{"),
        "{value}"
    );
}
