//! ATIF, Harbor's Agent Trajectory Interchange Format (`harbor/models/trajectories`), from any trajectory.
//!
//! Thought becomes `reasoning_content`, code the argument `code` of a call of `python`, the output `observation`. What
//! ATIF has no field for is in `extra`, from where our reader takes it back: answer, verdict and its reason, reference
//! answer, and attachments that are no pictures in a message. Candidates are in the `extra` of their step. What people
//! decided is in `extra`, too (`atif_review`).

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::atif_edit::edit;
use super::atif_review::with_review;
use super::call_results::{CallResult, results_of_calls};
use super::original::{as_read, natural_id, trajectory_of, unsupported};
use crate::domain::{
    Action, Attachment, Observation, PictureReference, Record, ReferenceAnswer, Step, Task,
    ToolCall, ToolDefinition, Verification,
};
use crate::export::{Outgoing, Refusal, Rendered};

pub(in crate::export) const NAME: &str = "atif";

/// The function that runs a step's Python.
pub(in crate::export) const CODE_FUNCTION: &str = "python";

/// What ATIF demands and the data does not say.
const UNKNOWN: &str = "unknown";

/// A record as one ATIF trajectory.
pub(in crate::export) fn atif(record: &Record) -> Rendered {
    Rendered::one(render(record))
}

/// The same with what people decided in it.
pub(in crate::export) fn reviewed(outgoing: &Outgoing) -> Rendered {
    Rendered::one(render(&outgoing.record).and_then(|row| with_review(row, outgoing)))
}

fn render(record: &Record) -> Result<String, Refusal> {
    let new = trajectory_of(record)?;
    if new.provenance.format == NAME {
        let read = as_read(record)?;
        let old = read.trajectory.as_ref().ok_or_else(|| unsupported(NAME))?;
        return edit(&record.raw, old, new);
    }
    let mut steps = Vec::with_capacity(new.steps.len() + 2);
    if let Some(prompt) = &new.system_prompt {
        steps.push(json!({"source": "system", "message": &**prompt}));
    }
    let (message, left) = task_message(&new.task);
    steps.push(json!({"source": "user", "message": message}));
    for (index, step) in new.steps.iter().enumerate() {
        steps.push(agent_step(step, index + 1));
    }
    let mut has_pictures = false;
    for (index, step) in steps.iter_mut().enumerate() {
        has_pictures |= has_parts(step);
        if let Value::Object(members) = step {
            members.shift_insert(0, "step_id".to_owned(), json!(index + 1));
        }
    }
    let mut agent = Map::new();
    agent.insert("name".into(), json!(UNKNOWN));
    agent.insert("version".into(), json!(UNKNOWN));
    if let Some(model) = &new.provenance.model {
        agent.insert("model_name".into(), json!(model));
    }
    if !new.tools.is_empty() {
        let tools: Vec<Value> = new.tools.iter().map(tool_definition).collect();
        agent.insert("tool_definitions".into(), tools.into());
    }
    // The lowest version that has all fields: message parts came with 1.6, tool definitions with 1.5.
    let version = match (has_pictures, new.tools.is_empty()) {
        (true, _) => "ATIF-v1.6",
        (false, false) => "ATIF-v1.5",
        (false, true) => "ATIF-v1.4",
    };
    let mut row = Map::new();
    row.insert("schema_version".into(), json!(version));
    row.insert("session_id".into(), json!(natural_id(record)));
    row.insert("agent".into(), agent.into());
    row.insert("steps".into(), steps.into());
    let mut extra = Map::new();
    add_verdict(&mut extra, new.verification.as_ref());
    if let Some(answer) = &new.answer {
        extra.insert("answer".into(), json!(answer));
    }
    if let Some(reference) = &new.reference_answer {
        extra.insert("reference_answer".into(), reference_json(reference));
    }
    if left {
        extra.insert("attachments".into(), json!(new.task.attachments));
    }
    if !extra.is_empty() {
        row.insert("extra".into(), extra.into());
    }
    Ok(Value::Object(row).to_string())
}

pub(in crate::export) fn add_verdict(
    extra: &mut Map<String, Value>,
    verification: Option<&Verification>,
) {
    for key in ["verdict", "verdict_reason"] {
        extra.shift_remove(key);
    }
    if let Some(verification) = verification {
        extra.insert("verdict".into(), json!(verification.verdict.name()));
        if let Some(reason) = &verification.reason {
            extra.insert("verdict_reason".into(), json!(reason));
        }
    }
}

pub(in crate::export) fn reference_json(reference: &ReferenceAnswer) -> Value {
    match reference {
        ReferenceAnswer::Text(text) => json!(text),
        ReferenceAnswer::Texts(texts) => json!(texts),
        ReferenceAnswer::Lists {
            whitelist,
            blacklist,
        } => json!({"whitelist": whitelist, "blacklist": blacklist}),
    }
}

fn has_parts(step: &Value) -> bool {
    let results = step["observation"]["results"].as_array();
    step["message"].is_array()
        || results.is_some_and(|results| results.iter().any(|result| result["content"].is_array()))
}

/// The user's message, and whether it leaves anything out that attachments say.
fn task_message(task: &Task) -> (Value, bool) {
    let mut pictures = Vec::with_capacity(task.attachments.len());
    let mut left = false;
    for attachment in &task.attachments {
        let part = picture_part(&attachment.reference).filter(|_| attachment.shown);
        let is_plain = *attachment
            == Attachment {
                reference: attachment.reference.clone(),
                alias: None,
                caption: None,
                shown: true,
            };
        left |= part.is_none() || !is_plain;
        pictures.extend(part);
    }
    (message(&task.text, pictures), left)
}

/// Text alone is a string; with pictures it is a list of parts.
fn message(text: &str, pictures: Vec<Value>) -> Value {
    if pictures.is_empty() {
        return json!(text);
    }
    let mut parts = Vec::with_capacity(pictures.len() + 1);
    if !text.is_empty() {
        parts.push(json!({"type": "text", "text": text}));
    }
    parts.extend(pictures);
    parts.into()
}

/// A picture as a part; `None` for what ATIF knows no media type of.
fn picture_part(reference: &PictureReference) -> Option<Value> {
    let media_type = media_type(reference)?;
    let path = match reference {
        PictureReference::Path(path) | PictureReference::Url(path) => path.clone(),
        PictureReference::Inline(bytes) => format!("data:{media_type};base64,{}", bytes.base64),
    };
    Some(json!({"type": "image", "source": {"media_type": media_type, "path": path}}))
}

/// How the base64 of a picture begins.
const MAGIC: [(&str, &str); 4] = [
    ("/9j/", "image/jpeg"),
    ("iVBORw0KGgo", "image/png"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
];

fn media_type(reference: &PictureReference) -> Option<&'static str> {
    if let PictureReference::Inline(bytes) = reference
        && let Some((_, found)) = MAGIC
            .iter()
            .find(|(start, _)| bytes.base64.starts_with(start))
    {
        return Some(found);
    }
    Some(match reference.file_type()?.as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        _ => return None,
    })
}

/// A step of the agent, still without its `step_id`; `number` makes the ids of its calls.
pub(in crate::export) fn agent_step(step: &Step, number: usize) -> Value {
    let said = match &step.action {
        Some(Action::Message(text)) => text.as_str(),
        _ => "",
    };
    let pictures = step.pictures.iter().filter_map(picture_part).collect();
    let mut members = Map::new();
    members.insert("source".into(), json!("agent"));
    members.insert("message".into(), message(said, pictures));
    if let Some(thought) = &step.thought {
        members.insert("reasoning_content".into(), json!(thought));
    }
    let calls = calls(step.action.as_ref(), number);
    if !calls.is_empty() {
        let written: Vec<Value> = calls.iter().map(Call::json).collect();
        members.insert("tool_calls".into(), written.into());
    }
    if let Some(observation) = &step.observation {
        let results = results(&calls, observation);
        members.insert("observation".into(), json!({"results": results}));
    }
    let mut extra = Map::new();
    if step.is_error() {
        extra.insert("is_error".into(), json!(true));
    }
    if !step.candidates.is_empty() {
        extra.insert("candidates".into(), json!(step.candidates));
        if let Some(chosen) = step.chosen {
            extra.insert("chosen".into(), json!(chosen));
        }
        if let Some(reason) = &step.choice_reason {
            extra.insert("choice_reason".into(), json!(reason));
        }
    }
    if !extra.is_empty() {
        members.insert("extra".into(), extra.into());
    }
    Value::Object(members)
}

/// A call as ATIF has it, and what it returned where that is known.
pub(in crate::export) struct Call<'a> {
    id: String,
    name: &'a str,
    arguments: Value,
    result: Option<&'a str>,
}

impl Call<'_> {
    pub fn json(&self) -> Value {
        json!({"tool_call_id": self.id, "function_name": self.name, "arguments": self.arguments})
    }
}

/// The calls of an action; every call needs an id of its own.
pub(in crate::export) fn calls(action: Option<&Action>, number: usize) -> Vec<Call<'_>> {
    match action {
        Some(Action::Code(code)) => vec![Call {
            id: format!("call_{number}"),
            name: CODE_FUNCTION,
            arguments: json!({"code": code}),
            result: None,
        }],
        Some(Action::ToolCalls(calls)) => {
            let mut seen = HashSet::new();
            let named = calls.iter().enumerate().map(|(index, call)| {
                let own = call.id.clone().filter(|id| !id.is_empty());
                let mut id = own.unwrap_or_else(|| format!("call_{number}_{}", index + 1));
                while !seen.insert(id.clone()) {
                    id.push('_');
                }
                Call {
                    id,
                    name: &call.name,
                    arguments: arguments(call),
                    result: call.result.as_deref(),
                }
            });
            named.collect()
        }
        _ => Vec::new(),
    }
}

/// Arguments are an object; what a model wrote instead is kept under one name.
pub(in crate::export) fn arguments(call: &ToolCall) -> Value {
    match &call.arguments {
        Value::Object(_) => call.arguments.clone(),
        Value::Null => json!({}),
        other => json!({"arguments": other}),
    }
}

/// An observation as results: one for each call where its text is what the calls returned, in whichever order; else one.
pub(in crate::export) fn results(calls: &[Call<'_>], observation: &Observation) -> Vec<Value> {
    let returned: Vec<Option<&str>> = calls.iter().map(|call| call.result).collect();
    let mut results: Vec<Value> = match results_of_calls(&returned, &observation.text) {
        Some(results) => results.into_iter().map(|r| result_json(calls, r)).collect(),
        None => {
            let mut result = json!({"content": observation.text});
            if let [call] = calls {
                result["source_call_id"] = json!(call.id);
            }
            vec![result]
        }
    };
    let pictures: Vec<Value> = observation
        .pictures
        .iter()
        .filter_map(picture_part)
        .collect();
    if let Some(last) = results.last_mut().filter(|_| !pictures.is_empty()) {
        let text = last["content"].as_str().unwrap_or_default().to_owned();
        last["content"] = message(&text, pictures);
    }
    results
}

fn result_json(calls: &[Call<'_>], result: CallResult<'_>) -> Value {
    match result.call.and_then(|at| calls.get(at)) {
        Some(call) => json!({"source_call_id": call.id, "content": result.text}),
        None => json!({"content": result.text}),
    }
}

/// A tool as an OpenAI function.
fn tool_definition(tool: &ToolDefinition) -> Value {
    let mut function = Map::new();
    function.insert("name".into(), json!(tool.name));
    if let Some(description) = &tool.description {
        function.insert("description".into(), json!(description));
    }
    let properties: Map<String, Value> = tool
        .parameters
        .iter()
        .map(|parameter| {
            let mut property = Map::new();
            if let Some(kind) = &parameter.kind {
                property.insert("type".into(), json!(kind));
            }
            if let Some(description) = &parameter.description {
                property.insert("description".into(), json!(description));
            }
            (parameter.name.clone(), property.into())
        })
        .collect();
    let required = tool
        .parameters
        .iter()
        .filter(|parameter| !parameter.optional);
    let required: Vec<&str> = required.map(|parameter| parameter.name.as_str()).collect();
    let schema = json!({"type": "object", "properties": properties, "required": required});
    function.insert("parameters".into(), schema);
    json!({"type": "function", "function": function})
}
