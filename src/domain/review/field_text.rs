use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Field;
use crate::domain::{Action, Candidate, Observation, Step, ToolCall, Trajectory};

/// A text that was given for the tool calls of a step, and is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON array of tool calls like [{{\"name\": …, \"arguments\": {{…}}}}]: {0}")]
pub struct CallsError(String);

/// A call as people edit it: what it returned is not part of it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EditedCall<'a> {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    id: Option<Cow<'a, str>>,
    name: Cow<'a, str>,
    arguments: Cow<'a, serde_json::Value>,
}

/// Tool calls of a JSON array `[{"name": …, "arguments": …, "id": …}]`; `id` may be left out. They have no results.
pub fn parse_tool_calls(json: &str) -> Result<Vec<ToolCall>, CallsError> {
    let calls: Vec<EditedCall<'_>> =
        serde_json::from_str(json).map_err(|error| CallsError(error.to_string()))?;
    let call = |call: EditedCall<'_>| match call.name.trim().is_empty() {
        true => Err(CallsError("a call names no tool".to_owned())),
        false => Ok(ToolCall {
            id: call.id.map(Cow::into_owned),
            name: call.name.into_owned(),
            arguments: call.arguments.into_owned(),
            result: None,
        }),
    };
    calls.into_iter().map(call).collect()
}

fn calls_text(calls: &[ToolCall]) -> String {
    let shown = calls.iter().map(|call| EditedCall {
        id: call.id.as_deref().map(Cow::Borrowed),
        name: Cow::Borrowed(&call.name),
        arguments: Cow::Borrowed(&call.arguments),
    });
    serde_json::to_string_pretty(&shown.collect::<Vec<_>>()).unwrap_or_default()
}

/// The text of a step's field as people edit it; empty where the step has none, and for fields that no step has.
pub fn step_text(step: &Step, field: Field) -> Cow<'_, str> {
    text(&step.thought, &step.action, &step.observation, field)
}

/// The same of a candidate.
pub fn candidate_text(candidate: &Candidate, field: Field) -> Cow<'_, str> {
    text(
        &candidate.thought,
        &candidate.action,
        &candidate.observation,
        field,
    )
}

/// The text of a trajectory's task or answer; empty where it has none, and for fields of steps.
pub fn trajectory_text(trajectory: &Trajectory, field: Field) -> &str {
    match field {
        Field::Task => &trajectory.task.text,
        Field::Answer => trajectory.answer.as_deref().unwrap_or(""),
        Field::Thought | Field::Code | Field::Observation => "",
    }
}

fn text<'a>(
    thought: &'a Option<String>,
    action: &'a Option<Action>,
    observation: &'a Option<Observation>,
    field: Field,
) -> Cow<'a, str> {
    match field {
        Field::Thought => Cow::Borrowed(thought.as_deref().unwrap_or("")),
        Field::Code => match action {
            Some(Action::Code(text) | Action::Message(text)) => Cow::Borrowed(text),
            Some(Action::ToolCalls(calls)) => Cow::Owned(calls_text(calls)),
            None => Cow::Borrowed(""),
        },
        Field::Observation => Cow::Borrowed(observation.as_ref().map_or("", |o| &o.text)),
        Field::Task | Field::Answer => Cow::Borrowed(""),
    }
}

/// The three parts that a step and a candidate share.
pub(super) struct Parts<'a> {
    pub(super) thought: &'a mut Option<String>,
    pub(super) action: &'a mut Option<Action>,
    pub(super) observation: &'a mut Option<Observation>,
    /// Whether an action is the JSON of tool calls where there is none yet.
    pub(super) calls_tools: bool,
}

impl Parts<'_> {
    pub(super) fn text(&self, field: Field) -> Cow<'_, str> {
        text(self.thought, self.action, self.observation, field)
    }

    /// Sets one of thought, code and observation; an empty text takes it away.
    pub(super) fn set(&mut self, field: Field, text: &str) -> Result<(), CallsError> {
        let given = (!text.is_empty()).then(|| text.to_owned());
        match field {
            Field::Thought => *self.thought = given,
            Field::Code => {
                let action = given.map(|text| self.action_of(text)).transpose()?;
                *self.action = action;
            }
            Field::Observation => {
                self.set_results(given.as_deref());
                match (given, self.observation.as_mut()) {
                    (Some(text), Some(observation)) => observation.text = text,
                    (text, _) => {
                        *self.observation = text.map(|text| Observation {
                            text,
                            ..Observation::default()
                        });
                    }
                }
            }
            Field::Task | Field::Answer => {}
        }
        Ok(())
    }

    fn action_of(&self, text: String) -> Result<Action, CallsError> {
        let old = match &*self.action {
            Some(Action::ToolCalls(old)) => old.as_slice(),
            None if self.calls_tools => &[],
            Some(Action::Message(_)) => return Ok(Action::Message(text)),
            _ => return Ok(Action::Code(text)),
        };
        let mut calls = parse_tool_calls(&text)?;
        // What was returned is the observation of the step and stays until that is edited, too.
        for (call, old) in calls.iter_mut().zip(old) {
            call.result.clone_from(&old.result);
        }
        Ok(Action::ToolCalls(calls))
    }

    /// Formats that answer calls one by one have the observation there, too: several can't be told from one text.
    fn set_results(&mut self, text: Option<&str>) {
        let Some(Action::ToolCalls(calls)) = self.action.as_mut() else {
            return;
        };
        let is_one = calls.len() == 1;
        for call in calls.iter_mut().filter(|call| call.result.is_some()) {
            call.result = text.filter(|_| is_one).map(str::to_owned);
        }
    }
}
