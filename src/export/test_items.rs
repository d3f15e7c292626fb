//! Items of our own invention for tests of rows and rules.

use std::sync::Arc;

use serde_json::json;

use super::Outgoing;
use crate::domain::review::{StepKey, StepLabel};
use crate::domain::{
    Action, Attachment, Candidate, Content, ContentHash, Context, Observation, PictureReference,
    PreferencePair, Provenance, Record, RecordId, Step, Task, ToolCall, ToolDefinition,
    ToolParameter, Trajectory,
};

fn record(content: Content) -> Record {
    Record {
        id: RecordId::new("runs", "1"),
        hash: ContentHash([0; 32]),
        raw: "{}".into(),
        key: None,
        content,
    }
}

/// A record that is a trajectory.
pub fn run(trajectory: Trajectory) -> Outgoing {
    Outgoing::from(record(Content {
        trajectory: Some(trajectory),
        ..Content::default()
    }))
}

/// A record that is pairs.
pub fn pairs(pairs: Vec<PreferencePair>) -> Outgoing {
    Outgoing::from(record(Content {
        pairs,
        ..Content::default()
    }))
}

pub fn observation(text: &str) -> Option<Observation> {
    Some(Observation {
        text: text.to_owned(),
        ..Observation::default()
    })
}

/// A reply of a code agent, as it was written.
pub fn code_reply(thought: &str, code: &str) -> String {
    format!("Thought: {thought}\nCode:\n```py\n{code}\n```<end_action>")
}

/// A step of a code agent.
pub fn code_step(thought: &str, code: &str, printed: Option<&str>) -> Step {
    Step {
        thought: Some(thought.to_owned()),
        action: Some(Action::Code(code.to_owned())),
        observation: printed.and_then(observation),
        reply: Some(code_reply(thought, code)),
        ..Step::default()
    }
}

fn code_candidate(thought: &str, code: &str) -> Candidate {
    let step = code_step(thought, code, None);
    Candidate {
        thought: step.thought,
        action: step.action,
        reply: step.reply,
        ..Candidate::default()
    }
}

fn kite_task() -> Task {
    Task {
        text: "Which colour has the kite?".to_owned(),
        prompt: Some("<image>\nTask: Which colour has the kite?".to_owned()),
        attachments: vec![Attachment::from_path("zoo/kite.jpg", true)],
    }
}

fn from(format: &str) -> Provenance {
    Provenance {
        format: format.to_owned(),
        ..Provenance::default()
    }
}

/// A run of a code agent: three steps, one picture.
pub fn code_run() -> Trajectory {
    Trajectory {
        system_prompt: Some("Use ask().".into()),
        task: kite_task(),
        steps: vec![
            code_step("Look.", "print(ask('colour'))", Some("blue")),
            code_step("Look again.", "print(ask('sure?'))", Some("yes")),
            code_step("It is blue.", "final_answer('blue')", None),
        ],
        answer: Some("blue".to_owned()),
        provenance: from("m-trace"),
        ..Trajectory::default()
    }
}

/// A pair of a code agent's replies in its second step.
pub fn code_pair() -> PreferencePair {
    let run = code_run();
    PreferencePair {
        context: Context {
            system_prompt: run.system_prompt,
            tools: Vec::new(),
            task: run.task,
            steps: run.steps[..1].to_vec(),
        },
        chosen: code_candidate("It is blue.", "final_answer('blue')"),
        rejected: code_candidate("It is red.", "final_answer('red')"),
        reason: None,
        part: None,
        provenance: from("pref-x-beam"),
    }
}

pub fn tools() -> Vec<ToolDefinition> {
    let parameter = |name: &str, kind: &str| ToolParameter {
        name: name.to_owned(),
        kind: Some(kind.to_owned()),
        ..ToolParameter::default()
    };
    vec![ToolDefinition {
        name: "crop".to_owned(),
        description: Some("Cuts out a part.".to_owned()),
        parameters: vec![parameter("picture", "image"), parameter("box", "list")],
    }]
}

/// The same as JSON schemas.
pub fn tool_schemas() -> serde_json::Value {
    json!([{"type": "function", "function": {
        "name": "crop",
        "description": "Cuts out a part.",
        "parameters": {
            "type": "object",
            "properties": {"picture": {"type": "string", "description": "image"}, "box": {"type": "array"}},
            "required": ["picture", "box"],
        },
    }}])
}

fn crop(id: Option<&str>, corner: u8, result: &str) -> ToolCall {
    ToolCall {
        id: id.map(str::to_owned),
        name: "crop".to_owned(),
        arguments: json!({"picture": "map.png", "box": [0, corner]}),
        result: Some(result.to_owned()),
    }
}

/// A run of an agent that calls tools: two calls at once, a picture that a tool made, and a message as its answer.
pub fn tool_run() -> Trajectory {
    let calls = Step {
        // Some thoughts of GTA end in a fence.
        thought: Some("Both halves.\n\n```\n".to_owned()),
        action: Some(Action::ToolCalls(vec![
            crop(Some("c1"), 1, "upper"),
            crop(None, 2, "lower.png"),
        ])),
        observation: Some(Observation {
            text: "upper\nlower.png".to_owned(),
            is_error: false,
            pictures: vec![PictureReference::Path("lower.png".to_owned())],
        }),
        ..Step::default()
    };
    let answer = Step {
        action: Some(Action::Message("North.".to_owned())),
        ..Step::default()
    };
    Trajectory {
        tools: tools(),
        task: Task {
            text: "Where does the arrow point?".to_owned(),
            prompt: None,
            attachments: vec![
                Attachment::from_path("map.png", true),
                Attachment::from_path("legend.pdf", false),
            ],
        },
        steps: vec![calls, answer],
        answer: Some("North.".to_owned()),
        provenance: from("gta"),
        ..Trajectory::default()
    }
}

/// A pair of an agent that calls tools, in its second step: a call, and an answer too early.
pub fn tool_pair() -> PreferencePair {
    let run = tool_run();
    let candidate = |thought: Option<&str>, action| Candidate {
        thought: thought.map(str::to_owned),
        action: Some(action),
        ..Candidate::default()
    };
    PreferencePair {
        context: Context {
            system_prompt: Some("Be exact.".into()),
            tools: run.tools,
            task: run.task,
            steps: run.steps[..1].to_vec(),
        },
        chosen: candidate(
            Some("Closer."),
            Action::ToolCalls(vec![crop(None, 3, "arrow")]),
        ),
        rejected: candidate(None, Action::Message("South.".to_owned())),
        reason: None,
        part: Some("2.1".to_owned()),
        provenance: from("trl-preference"),
    }
}

/// Labels a step, counted from 1.
pub fn label(outgoing: &mut Outgoing, annotator: &str, step: u32, value: i8) {
    let labels = outgoing.review.labels.entry(StepKey::Source(step));
    let label = StepLabel::new(value).unwrap();
    labels.or_default().insert(Arc::from(annotator), label);
}

/// Says which step is the first wrong one.
pub fn first_wrong(outgoing: &mut Outgoing, annotator: &str, step: u32) {
    let first = &mut outgoing.review.first_wrong_steps;
    first.insert(Arc::from(annotator), StepKey::Source(step));
}
