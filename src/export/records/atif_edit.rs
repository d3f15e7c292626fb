//! Edits in an ATIF trajectory that stay where they were made.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::atif::{NAME, add_verdict, agent_step, arguments, calls, reference_json, results};
use super::original::{read_as, unsupported};
use super::step_match::match_steps;
use crate::domain::{Action, Observation, Step, Trajectory};
use crate::export::Refusal;
use crate::export::json_text::{RawObject, with_text};

/// The record's text with the differences between `old`, which it says, and `new`.
pub(in crate::export) fn edit(
    raw: &str,
    old: &Trajectory,
    new: &Trajectory,
) -> Result<String, Refusal> {
    let mut row = RawObject::parse(raw)?;
    let mut changed = false;
    let same_head = old.task.text == new.task.text && old.system_prompt == new.system_prompt;
    if !same_head || old.steps != new.steps {
        let steps = row.get("steps").ok_or_else(|| unsupported(NAME))?;
        let steps = edit_steps(serde_json::from_str(steps.get())?, old, new)?;
        row.set("steps", &steps)?;
        changed = true;
    }
    // The answer is what the last step says, unless `extra` says otherwise.
    let answers = old.answer == new.answer || {
        let read = read_as(NAME, &row.to_json()?, None)?;
        read.trajectory
            .is_some_and(|read| read.answer == new.answer)
    };
    let same_extra = old.verification == new.verification
        && old.reference_answer == new.reference_answer
        && old.task.attachments == new.task.attachments;
    if !same_extra || !answers {
        let extra: Option<Map<String, Value>> = match row.get("extra") {
            Some(extra) => serde_json::from_str(extra.get())?,
            None => None,
        };
        let mut extra = extra.unwrap_or_default();
        if old.verification != new.verification {
            add_verdict(&mut extra, new.verification.as_ref());
        }
        if old.reference_answer != new.reference_answer {
            let reference = new.reference_answer.as_ref().map(reference_json);
            extra.insert("reference_answer".to_owned(), json!(reference));
        }
        if old.task.attachments != new.task.attachments {
            extra.insert("attachments".to_owned(), json!(new.task.attachments));
        }
        if !answers {
            extra.insert("answer".to_owned(), json!(new.answer));
        }
        row.set("extra", &extra)?;
        changed = true;
    }
    if changed {
        row.to_json()
    } else {
        Ok(raw.to_owned())
    }
}

fn edit_steps(
    mut head: Vec<RawObject>,
    old: &Trajectory,
    new: &Trajectory,
) -> Result<Vec<RawObject>, Refusal> {
    let first = head
        .iter()
        .position(|step| is_from(step, "agent"))
        .unwrap_or(head.len());
    let mut groups: Vec<Vec<RawObject>> = Vec::with_capacity(old.steps.len());
    for step in head.split_off(first) {
        match groups.last_mut() {
            Some(group) if !is_from(&step, "agent") => group.push(step),
            _ => groups.push(vec![step]),
        }
    }
    if groups.len() != old.steps.len() {
        return Err(unsupported(NAME));
    }
    if old.system_prompt != new.system_prompt {
        set_message(
            &mut head,
            "system",
            new.system_prompt.as_deref().unwrap_or_default(),
        )?;
    }
    if old.task.text != new.task.text {
        set_message(&mut head, "user", &new.task.text)?;
    }
    let matched = match_steps(&old.steps, &new.steps);
    let in_place = matched.len() == groups.len()
        && matched
            .iter()
            .enumerate()
            .all(|(index, was)| *was == Some(index));
    let mut edited = head;
    for (step, was) in new.steps.iter().zip(matched) {
        let known = was.and_then(|was| Some((groups.get(was)?, old.steps.get(was)?)));
        match known {
            Some((group, before)) => edited.extend(edit_group(group.clone(), before, step)?),
            None => {
                let number = edited.len() + 1;
                edited.push(RawObject::parse(&agent_step(step, number).to_string())?);
            }
        }
    }
    if !in_place {
        for (index, step) in edited.iter_mut().enumerate() {
            step.set("step_id", &(index + 1))?;
        }
    }
    Ok(edited)
}

fn is_from(step: &RawObject, source: &str) -> bool {
    step.text("source").is_some_and(|known| known == source)
}

/// Sets the message of the first step of a source, and removes others, which it now stands for.
fn set_message(head: &mut Vec<RawObject>, source: &str, text: &str) -> Result<(), Refusal> {
    let Some(first) = head.iter().position(|step| is_from(step, source)) else {
        let at = if source == "system" { 0 } else { head.len() };
        let step = json!({"step_id": at + 1, "source": source, "message": text});
        head.insert(at, RawObject::parse(&step.to_string())?);
        return Ok(());
    };
    set_text(&mut head[first], "message", text)?;
    let mut place = 0;
    head.retain(|step| {
        place += 1;
        place - 1 == first || !is_from(step, source)
    });
    Ok(())
}

fn set_text(object: &mut RawObject, key: &str, text: &str) -> Result<(), Refusal> {
    let content = with_text(object.get(key), text);
    object.set(key, &content)
}

/// The step of the agent, then what others said after it.
fn edit_group(
    mut group: Vec<RawObject>,
    old: &Step,
    new: &Step,
) -> Result<Vec<RawObject>, Refusal> {
    let Some((step, followers)) = group.split_first_mut() else {
        return Err(unsupported(NAME));
    };
    if old.thought != new.thought {
        edit_thought(step, old, new)?;
    }
    if !same_action(old.action.as_ref(), new.action.as_ref()) {
        edit_action(step, old.action.as_ref(), new)?;
    }
    let is_alone = followers.is_empty();
    if old.observation != new.observation && edit_observation(step, old, new, is_alone)? {
        group.truncate(1);
    }
    Ok(group)
}

fn edit_thought(step: &mut RawObject, old: &Step, new: &Step) -> Result<(), Refusal> {
    const KEY: &str = "reasoning_content";
    let is_field = step
        .text(KEY)
        .is_some_and(|thought| !thought.trim().is_empty());
    match &new.thought {
        // What is said beside a call was read as the thought.
        thought if !is_field && old.thought.is_some() => {
            set_text(step, "message", thought.as_deref().unwrap_or_default())
        }
        Some(thought) => step.set(KEY, thought),
        None => {
            step.remove(KEY);
            Ok(())
        }
    }
}

/// Whether two actions are the same but for what the calls returned.
fn same_action(old: Option<&Action>, new: Option<&Action>) -> bool {
    match (old, new) {
        (Some(Action::ToolCalls(old)), Some(Action::ToolCalls(new))) => {
            old.len() == new.len()
                && old.iter().zip(new).all(|(old, new)| {
                    (&old.id, &old.name, &old.arguments) == (&new.id, &new.name, &new.arguments)
                })
        }
        (old, new) => old == new,
    }
}

fn edit_action(step: &mut RawObject, old: Option<&Action>, new: &Step) -> Result<(), Refusal> {
    let written: Option<Vec<RawObject>> = match step.get("tool_calls") {
        Some(calls) => serde_json::from_str(calls.get())?,
        None => None,
    };
    let mut written = written.unwrap_or_default();
    match (old, new.action.as_ref()) {
        (Some(Action::Code(_)), Some(Action::Code(code))) if written.len() == 1 => {
            for call in &mut written {
                let known = call
                    .get("arguments")
                    .map(|arguments| RawObject::parse(arguments.get()));
                let mut known = known.transpose()?.unwrap_or_default();
                known.set("code", code)?;
                call.set("arguments", &known)?;
            }
            step.set("tool_calls", &written)
        }
        (Some(Action::ToolCalls(old)), Some(Action::ToolCalls(new)))
            if old.len() == new.len() && new.len() == written.len() =>
        {
            for (call, (old, new)) in written.iter_mut().zip(old.iter().zip(new)) {
                if old.name != new.name {
                    call.set("function_name", &new.name)?;
                }
                if old.arguments != new.arguments {
                    call.set("arguments", &arguments(new))?;
                }
                if old.id != new.id {
                    call.set("tool_call_id", &new.id)?;
                }
            }
            step.set("tool_calls", &written)
        }
        (Some(Action::Message(_)), Some(Action::Message(text))) => set_text(step, "message", text),
        (old, action) => {
            if let Some(Action::Message(text)) = action {
                set_text(step, "message", text)?;
            } else if matches!(old, Some(Action::Message(_))) {
                set_text(step, "message", "")?;
            }
            let number = step
                .text("step_id")
                .and_then(|id| id.parse().ok())
                .unwrap_or(0);
            let calls: Vec<Value> = calls(action, number)
                .iter()
                .map(|call| call.json())
                .collect();
            if calls.is_empty() {
                step.remove("tool_calls");
                return Ok(());
            }
            step.set("tool_calls", &calls)
        }
    }
}

/// Edits the step's own results; `true` if what others said after it is part of the new ones.
fn edit_observation(
    step: &mut RawObject,
    old: &Step,
    new: &Step,
    is_alone: bool,
) -> Result<bool, Refusal> {
    let Some(observation) = &new.observation else {
        step.remove("observation");
        return Ok(true);
    };
    let fails = observation.is_error;
    if old.is_error() != fails {
        let extra: Option<Map<String, Value>> = match step.get("extra") {
            Some(extra) => serde_json::from_str(extra.get())?,
            None => None,
        };
        let mut extra = extra.unwrap_or_default();
        for key in ["is_error", "error", "status"] {
            extra.shift_remove(key);
        }
        if fails {
            extra.insert("is_error".to_owned(), json!(true));
        }
        step.set("extra", &extra)?;
    }
    let same_text = old
        .observation
        .as_ref()
        .is_some_and(|o| o.text == observation.text);
    // Results have marks of errors, too; they go where the step is none.
    if same_text && (fails || old.is_error() == fails) {
        return Ok(false);
    }
    if is_alone && (fails || !old.is_error()) && edit_lone_result(step, observation)? {
        return Ok(false);
    }
    let id = first_call_id(step)?;
    let calls = calls(new.action.as_ref(), 0);
    let mut results = results(&calls, observation);
    if let (Some(Action::Code(_)), [result]) = (&new.action, results.as_mut_slice()) {
        result["source_call_id"] = json!(id);
    }
    step.set("observation", &json!({"results": results}))?;
    Ok(true)
}

/// Replaces the text of an observation's only result.
fn edit_lone_result(step: &mut RawObject, observation: &Observation) -> Result<bool, Refusal> {
    let Some(written) = step.get("observation").map(RawValue::get) else {
        return Ok(false);
    };
    let mut written = RawObject::parse(written)?;
    let results: Option<Vec<RawObject>> = match written.get("results") {
        Some(results) => serde_json::from_str(results.get())?,
        None => None,
    };
    let Some([result]) = results.as_deref() else {
        return Ok(false);
    };
    let mut result = result.clone();
    set_text(&mut result, "content", &observation.text)?;
    written.set("results", &[result])?;
    step.set("observation", &written)?;
    Ok(true)
}

fn first_call_id(step: &RawObject) -> Result<Option<String>, Refusal> {
    let calls: Option<Vec<RawObject>> = match step.get("tool_calls") {
        Some(calls) => serde_json::from_str(calls.get())?,
        None => None,
    };
    Ok(calls.and_then(|calls| calls.first()?.text("tool_call_id")))
}
