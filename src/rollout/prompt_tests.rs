//! Prompts beside what the reference's own records hold, and beside what is written out by hand.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::*;
use crate::controller::{Content, ContentPart};
use crate::domain::{
    Action, Attachment, Context, Interner, Observation, PictureReference, PreferencePair, Step,
    Task, ToolCall, ToolDefinition, ToolParameter, Trajectory,
};
use crate::ingest::{RecordText, format_named};
use crate::media::PictureRoots;

#[allow(clippy::print_stderr)]
fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("RETAKE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let path = root.join("data").join(path);
    if !path.exists() {
        eprintln!("skipped: ../shared not there");
        return None;
    }
    Some(path)
}

fn records(path: &str) -> Vec<(String, Value)> {
    let Some(path) = shared(path) else {
        return Vec::new();
    };
    let text = std::fs::read_to_string(path).expect("a file");
    match serde_json::from_str(&text).expect("JSON") {
        Value::Array(records) => records.into_iter().map(|r| (String::new(), r)).collect(),
        Value::Object(records) => records.into_iter().collect(),
        _ => panic!("no records"),
    }
}

fn read(format: &str, key: &str, record: &Value) -> (Option<Trajectory>, Vec<PreferencePair>) {
    let interner = Interner::default();
    let format = format_named(format).expect("a format");
    let read = (format.read)(&RecordText {
        text: &record.to_string(),
        key: Some(key).filter(|key| !key.is_empty()),
        path: "a.json",
        interner: &interner,
    });
    let content = read.expect("readable");
    (content.trajectory, content.pairs)
}

/// A turn's text without the marks that pixels take the place of.
fn without_marks(text: &str) -> String {
    let marks = regex::Regex::new("<img>[^<]*</img>|<image(_[0-9]+)?>").expect("an expression");
    marks.replace_all(text, "").into_owned()
}

/// Role and text of each message.
fn turns(prompt: &Prompt) -> Vec<(String, String)> {
    let turn = |message: &Message| (message.role.to_owned(), message.text());
    prompt.messages.iter().map(turn).collect()
}

#[test]
fn contexts_of_m_trace_are_its_own_turns() {
    let (mut prompts, mut pictures) = (0, 0);
    for (_, record) in records("m-trace/m-trace.json") {
        let trajectory = read("m-trace", "", &record).0.expect("a trajectory");
        let recorded: Vec<(String, String)> = record["conversations"]
            .as_array()
            .expect("turns")
            .iter()
            .map(|turn| {
                let (role, text) = (turn["from"].as_str(), turn["value"].as_str());
                let text = without_marks(text.expect("a text"));
                (role.expect("a role").to_owned(), text)
            })
            .collect();
        let marks = record["conversations"].to_string().matches("<img>").count();
        for step in 0..trajectory.steps.len() {
            let context = Context::before(&trajectory, step);
            let prompt = prompt(&context).expect("a prompt");
            assert_eq!(prompt.form, PromptForm::Code);
            let made = turns(&prompt);
            assert_eq!(made.len(), 2 + 2 * step, "{}", record["id"]);
            for (made, recorded) in made.iter().zip(&recorded) {
                // Readers keep no blank lines at the end of what was printed; one line feed ends it.
                let ends = |text: &str| match text.trim_end_matches('\n') {
                    whole if whole.len() < text.len() => format!("{whole}\n"),
                    whole => whole.to_owned(),
                };
                let recorded = (recorded.0.clone(), ends(&recorded.1));
                assert_eq!(*made, recorded, "{} step {step}", record["id"]);
            }
            let shown = prompt.messages.iter().flat_map(Message::pictures).count();
            assert_eq!(shown, marks, "{}", record["id"]);
            (prompts, pictures) = (prompts + 1, pictures + shown);
        }
        assert_eq!(recorded.len(), 1 + 2 * trajectory.steps.len());
    }
    if shared("m-trace/m-trace.json").is_some() {
        assert_eq!((prompts, pictures > 50), (172, true), "{pictures}");
    }
}

#[test]
fn contexts_of_pairs_are_the_turns_that_trainers_are_given() {
    for (_, record) in records("pref-x/pref-x-llamafactory.json") {
        let pairs = read("pref-x", "", &record).1;
        let [pair] = pairs.as_slice() else {
            panic!("{}", pairs.len())
        };
        let prompt = prompt(&pair.context).expect("a prompt");
        let turns = turns(&prompt);
        let mut made = turns.iter();
        if let Some(system) = record["system"].as_str() {
            assert_eq!(made.next().map(|turn| turn.1.as_str()), Some(system));
        }
        for recorded in record["conversations"].as_array().expect("turns") {
            let (role, text) = made.next().expect("a turn");
            let wanted = if recorded["from"] == "human" {
                "user"
            } else {
                "assistant"
            };
            assert_eq!(role, wanted);
            // Trainers' rows end a reply with the text that ended it, and say nothing of where pictures go.
            let recorded = without_marks(recorded["value"].as_str().expect("a text"));
            // The sampler heads errors like other observations.
            let plain = |text: &str| {
                let text = text.trim().trim_end_matches("<end_action>").trim();
                text.replace("] Error: ", "] Observation:\n")
            };
            assert_eq!(plain(&without_marks(text)), plain(&recorded));
        }
        assert!(made.next().is_none());
    }
}

#[test]
fn contexts_of_gta_are_chats_with_calls() {
    for (key, record) in records("gta/dataset.json") {
        let task = read("gta", &key, &record).0.expect("a trajectory");
        let steps = task.steps.len();
        let prompt = prompt(&Context::before(&task, steps)).expect("a prompt");
        assert_eq!(prompt.form, PromptForm::ToolCalls, "{key}");
        let names: Vec<&str> = record["tools"]
            .as_array()
            .expect("tools")
            .iter()
            .filter_map(|tool| tool["name"].as_str())
            .collect();
        let schemas = prompt.tools.iter();
        let told: Vec<&str> = schemas
            .filter_map(|t| t["function"]["name"].as_str())
            .collect();
        assert_eq!(told, names, "{key}");
        let dialog = record["dialogs"].as_array().expect("turns");
        let called = |turn: &Value| -> Vec<(String, Value)> {
            let calls = turn["tool_calls"].as_array().into_iter().flatten();
            let call = |call: &Value| {
                let arguments = match &call["function"]["arguments"] {
                    Value::String(text) => serde_json::from_str(text).unwrap_or(json!(text)),
                    arguments => arguments.clone(),
                };
                (
                    call["function"]["name"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned(),
                    arguments,
                )
            };
            calls.map(call).collect()
        };
        let made: Vec<_> = prompt
            .messages
            .iter()
            .flat_map(|message| called(&Value::Object(message.fields.clone())))
            .collect();
        let recorded: Vec<_> = dialog.iter().flat_map(called).collect();
        assert_eq!(made, recorded, "{key}");
        let question = dialog[0]["content"].as_str().expect("a question");
        assert!(prompt.messages[0].text().starts_with(question), "{key}");
        assert_eq!(
            prompt.messages[0].pictures().count(),
            record["files"].as_array().map_or(0, Vec::len),
            "{key}"
        );
    }
}

fn observed(text: &str, is_error: bool) -> Option<Observation> {
    Some(Observation {
        text: text.to_owned(),
        is_error,
        pictures: Vec::new(),
    })
}

fn code(thought: &str, code: &str, observation: Option<Observation>) -> Step {
    Step {
        thought: Some(thought.to_owned()),
        action: Some(Action::Code(code.to_owned())),
        observation,
        ..Step::default()
    }
}

#[test]
fn a_context_without_recorded_turns_is_written_out() {
    let context = Context {
        system_prompt: Some("You solve tasks.".into()),
        task: Task {
            text: "How many boats?".to_owned(),
            prompt: None,
            attachments: vec![Attachment {
                alias: Some("files/harbour.png".to_owned()),
                ..Attachment::from_path("pictures/harbour.png", true)
            }],
        },
        steps: vec![
            code("I look.", "print(1)", observed("1", false)),
            code("Again.", "f(", observed("Error in code parsing:\nno", true)),
        ],
        ..Context::default()
    };
    let prompt = prompt(&context).unwrap();
    let reply = |thought: &str, code: &str| {
        format!("Thought: {thought}\n\nCode:\n```py\n{code}\n```<end_action>")
    };
    let wanted = [
        ("system", "You solve tasks.".to_owned()),
        (
            "user",
            "Task: How many boats?\nAttachment: files/harbour.png; ".to_owned(),
        ),
        ("assistant", reply("I look.", "print(1)")),
        ("user", "[OUTPUT OF STEP 0] Observation:\n1\n".to_owned()),
        ("assistant", reply("Again.", "f(")),
        (
            "user",
            "[OUTPUT OF STEP 1] Error: Error in code parsing:\nno\n".to_owned(),
        ),
    ];
    let made = turns(&prompt);
    for ((role, text), (wanted_role, wanted)) in made.iter().zip(&wanted) {
        assert_eq!((role.as_str(), text), (*wanted_role, wanted));
    }
    assert_eq!(made.len(), wanted.len());
    assert_eq!(prompt.messages[1].pictures().count(), 1);
}

#[test]
fn pictures_are_sent_as_pixels_at_their_marks() {
    let folder = std::env::temp_dir().join(format!("retake-prompt-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    image::RgbImage::new(2, 2)
        .save(folder.join("a.png"))
        .expect("a picture");
    let context = |files: &[&str]| {
        let pictures = files.iter().enumerate();
        let marks: String = pictures
            .map(|(number, file)| format!("Picture {}: <img>{file}</img>\n", number + 1))
            .collect();
        let turn = format!("{marks}Task: What is it?");
        Context {
            task: crate::ingest::task_turn::read_task(&turn, Vec::new(), Vec::new()),
            ..Context::default()
        }
    };
    let pictures = Pictures {
        roots: PictureRoots::new(vec![folder.clone()]),
        ..Pictures::default()
    };
    let loaded = prompt(&context(&["a.png"]))
        .unwrap()
        .load(&pictures)
        .unwrap();
    let Some(Content::Parts(parts)) = &loaded.messages[0].content else {
        panic!("{:?}", loaded.messages)
    };
    let [
        ContentPart::Text { text: before },
        picture,
        ContentPart::Text { text: after },
    ] = parts.as_slice()
    else {
        panic!("{parts:?}")
    };
    assert_eq!(
        (before.as_str(), after.as_str()),
        ("Picture 1: ", "\nTask: What is it?")
    );
    assert!(
        matches!(picture, ContentPart::ImageUrl { image_url } if image_url.url.starts_with("data:image/png;base64,iVBOR"))
    );
    assert_eq!(loaded.images(), std::slice::from_ref(picture));
    let two = prompt(&context(&["a.png", "gone.png"])).unwrap();
    let refused = two.load(&pictures).unwrap_err();
    assert!(refused.to_string().contains("gone.png"), "{refused}");
    let left_out = two.load(&Pictures {
        missing: MissingPictures::LeaveOut,
        ..pictures.clone()
    });
    let left_out = left_out.unwrap();
    assert_eq!((left_out.pictures, left_out.left_out.len()), (1, 1));
    // The hash is of the pixels' file, wherever it lies.
    std::fs::create_dir_all(folder.join("b")).expect("a folder");
    std::fs::copy(folder.join("a.png"), folder.join("b/a.png")).expect("a copy");
    let elsewhere = Pictures {
        roots: PictureRoots::new(vec![folder.join("b")]),
        ..Pictures::default()
    };
    let again = prompt(&context(&["a.png"]))
        .unwrap()
        .load(&elsewhere)
        .unwrap();
    assert_eq!(again.hash, loaded.hash);
    image::RgbImage::new(3, 3)
        .save(folder.join("b/a.png"))
        .expect("a picture");
    let other = prompt(&context(&["a.png"]))
        .unwrap()
        .load(&elsewhere)
        .unwrap();
    assert_ne!(other.hash, loaded.hash);
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn calls_are_told_with_their_results_one_by_one() {
    let called = |name: &str, result: Option<&str>| ToolCall {
        id: None,
        name: name.to_owned(),
        arguments: json!({"image": "a.png"}),
        result: result.map(str::to_owned),
    };
    let context = Context {
        tools: vec![ToolDefinition {
            name: "OCR".to_owned(),
            description: Some("Reads.".to_owned()),
            parameters: vec![ToolParameter {
                name: "image".to_owned(),
                kind: Some("image".to_owned()),
                optional: false,
                description: None,
            }],
        }],
        task: Task {
            text: "What does it say?".to_owned(),
            ..Task::default()
        },
        steps: vec![Step {
            thought: Some("I read both.".to_owned()),
            action: Some(Action::ToolCalls(vec![
                called("OCR", Some("Stop")),
                called("OCR", Some("Go")),
            ])),
            observation: Some(Observation {
                text: "Stop\nGo".to_owned(),
                is_error: false,
                pictures: vec![PictureReference::from_text("made.png")],
            }),
            ..Step::default()
        }],
        ..Context::default()
    };
    let prompt = prompt(&context).unwrap();
    assert_eq!(prompt.form, PromptForm::ToolCalls);
    assert_eq!(
        prompt.tools[0]["function"]["parameters"]["required"],
        json!(["image"])
    );
    let roles: Vec<&str> = prompt.messages.iter().map(|m| m.role).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "tool", "user"]);
    let calls = &prompt.messages[1].fields["tool_calls"];
    assert_eq!(
        calls[1]["function"],
        json!({"name": "OCR", "arguments": "{\"image\":\"a.png\"}"})
    );
    for (message, call, text) in [(2, 0, "Stop"), (3, 1, "Go")] {
        let message = &prompt.messages[message];
        assert_eq!(message.text(), text);
        assert_eq!(message.fields["tool_call_id"], calls[call]["id"]);
    }
    assert_eq!(prompt.messages[4].pictures().count(), 1);
}
