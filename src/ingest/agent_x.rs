//! Agent-X's `data.json` (paper §3g): `{"0": [{query, file_path, tool_metadata, reasoning_steps, final_answer}]}`.

use serde_json::Value;

use super::conversation::answer_of;
use super::json_field::{elements, field, filled, items, plain, plain_field, text};
use super::tool_schema::tools;
use super::{Format, Layout, ReadError, RecordText, Sample, Top};
use crate::domain::{
    Action, Attachment, Benchmark, Content, Observation, PictureReference, Provenance,
    ReferenceAnswer, Role, Step, Task, ToolCall, Trajectory,
};

/// The row of `FORMATS`.
pub(super) const FORMAT: Format = Format {
    name: "agent-x",
    title: "Agent-X tasks with gold steps (data.json)",
    detect,
    read,
};

fn detect(sample: &Sample<'_>) -> Option<Layout> {
    let task = elements(sample.values.first()?)?.first()?;
    let found = sample.top == Top::Object
        && text(task, "query").is_some()
        && task.get("reasoning_steps").is_some();
    found.then_some(Layout::Members)
}

fn read(record: &RecordText<'_>) -> Result<Content, ReadError> {
    let value: Value = serde_json::from_str(record.text)?;
    let list = elements(&value).unwrap_or(std::slice::from_ref(&value));
    let task = list
        .first()
        .filter(|task| task.is_object())
        .ok_or_else(|| {
            ReadError("an Agent-X task is a list of one object; this record holds none".to_owned())
        })?;
    let mut problems = Vec::new();
    if list.len() > 1 {
        problems.push(format!(
            "the key holds {} tasks; only the first is shown",
            list.len()
        ));
    }
    let run = run(task, &mut problems);
    let key = record.key.map(str::to_owned);
    Ok(Content {
        natural_id: key.clone(),
        trajectory: Some(Trajectory {
            tools: field(task, "tool_metadata").map(tools).unwrap_or_default(),
            task: Task {
                text: plain_field(task, "query").unwrap_or_default(),
                prompt: None,
                attachments: files(task, "file_path"),
            },
            reference_answer: run.answer.clone().map(ReferenceAnswer::Text),
            steps: run.steps,
            answer: run.answer,
            provenance: Provenance {
                format: FORMAT.name.to_owned(),
                role: Role::Gold,
                benchmark: Some(Benchmark::AgentX),
                task_key: key,
                ..Provenance::default()
            },
            ..Trajectory::default()
        }),
        pairs: Vec::new(),
        problems,
    })
}

/// `"a.jpg, b.jpg"`, or a list of names.
pub(super) fn files(of: &Value, key: &str) -> Vec<Attachment> {
    let names: Vec<&str> = match field(of, key) {
        Some(Value::String(joined)) => joined.split(',').collect(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let names = names.into_iter().map(str::trim);
    names
        .filter(|name| !name.is_empty())
        .map(|name| Attachment::from_path(name, true))
        .collect()
}

/// The steps and the answer of a task or a prediction; the answer with its justification is the last step.
pub(super) struct Run {
    pub steps: Vec<Step>,
    pub answer: Option<String>,
}

/// Reads `reasoning_steps` and `final_answer`; what models malformed becomes a problem.
pub(super) fn run(of: &Value, problems: &mut Vec<String>) -> Run {
    let mut steps: Vec<Step> = match field(of, "reasoning_steps") {
        Some(Value::Array(steps)) => steps
            .iter()
            .enumerate()
            .filter_map(|(n, value)| {
                let read = step(value);
                if read.is_none() {
                    problems.push(format!("reasoning step {} is no object", n + 1));
                }
                read
            })
            .collect(),
        None => {
            problems.push("there are no reasoning steps".to_owned());
            Vec::new()
        }
        Some(other) => {
            problems.push("the reasoning steps are no list".to_owned());
            // A text that is not the expected list may still be worth reading.
            let reply = plain(other).filter(|text| !text.trim().is_empty());
            reply
                .map(|reply| Step {
                    reply: Some(reply),
                    ..Step::default()
                })
                .into_iter()
                .collect()
        }
    };
    let last = match field(of, "final_answer") {
        Some(answer @ Value::Object(_)) => Step {
            thought: filled(answer, "justification").map(str::to_owned),
            action: plain_field(answer, "value").map(Action::Message),
            ..Step::default()
        },
        Some(other) => {
            problems.push("the final answer is no object with `value`".to_owned());
            Step {
                action: plain(other)
                    .filter(|text| !text.is_empty())
                    .map(Action::Message),
                ..Step::default()
            }
        }
        None => {
            problems.push("there is no final answer".to_owned());
            Step::default()
        }
    };
    let answer = answer_of(&last);
    if last != Step::default() {
        steps.push(last);
    }
    Run { steps, answer }
}

/// `{task, tool | tool_used, input, output | tool_output, thought}`.
fn step(value: &Value) -> Option<Step> {
    if !value.is_object() {
        return None;
    }
    let either = |a, b| plain_field(value, a).or_else(|| plain_field(value, b));
    let printed = either("output", "tool_output");
    let arguments = field(value, "input")
        .or_else(|| field(value, "tool_input"))
        .cloned()
        .unwrap_or(Value::Null);
    let mut calls: Vec<ToolCall> = tool_names(value)
        .map(|name| ToolCall {
            id: None,
            name: name.to_owned(),
            arguments: arguments.clone(),
            result: None,
        })
        .collect();
    // One output for several tools says nothing about each.
    if let [call] = calls.as_mut_slice() {
        call.result.clone_from(&printed);
    }
    let goal = filled(value, "task");
    let thought = filled(value, "thought");
    Some(if calls.is_empty() {
        Step {
            thought: thought.map(str::to_owned),
            action: goal.map(|goal| Action::Message(goal.to_owned())),
            observation: printed.map(observation),
            ..Step::default()
        }
    } else {
        Step {
            thought: match (goal, thought) {
                (Some(goal), Some(thought)) if goal != thought => {
                    Some(format!("{goal}\n\n{thought}"))
                }
                (one, other) => one.or(other).map(str::to_owned),
            },
            action: Some(Action::ToolCalls(calls)),
            observation: printed.map(observation),
            ..Step::default()
        }
    })
}

/// The tools of a step: `"OCR"`, `"OCR, Calculator"` or a list; `"None"` is none.
fn tool_names(step: &Value) -> impl Iterator<Item = &str> {
    let listed = ["tool", "tool_used"].map(|key| items(step, key));
    let joined = ["tool", "tool_used"].map(|key| text(step, key));
    listed
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .chain(joined.into_iter().flatten())
        .flat_map(|names| names.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("none"))
}

/// An output that is nothing but a picture's path is that picture, too.
fn observation(printed: String) -> Observation {
    let reference = PictureReference::from_text(printed.trim());
    let is_picture = !printed.trim().contains(char::is_whitespace) && reference.is_picture();
    Observation {
        text: printed,
        is_error: false,
        pictures: is_picture.then_some(reference).into_iter().collect(),
    }
}
