//! From chat turns to a task and steps, the same for every chat format.
//!
//! Turns before the first reply are the system prompt and the task. Each reply opens a step. What comes between two
//! replies, from tools or from whoever plays the environment, is the observation of the step before it.

use std::sync::Arc;

use serde_json::Value;

use super::chat_turns::{Speaker, Turn};
use super::json_field::{plain, plain_field};
use super::picture_field::{PictureColumn, shown};
use crate::domain::{Action, Interner, Observation, Step, Task, ToolCall};

/// What a list of turns says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Conversation {
    pub system_prompt: Option<Arc<str>>,
    pub task: Task,
    pub steps: Vec<Step>,
    /// The text of a last step that is a message, or the argument of a last call of `final_answer`.
    pub answer: Option<String>,
}

impl Conversation {
    /// Reads turns; `problems` gets a line for each that has no place.
    pub fn of(turns: Vec<Turn>, interner: &Interner, problems: &mut Vec<String>) -> Self {
        let mut system: Vec<String> = Vec::new();
        let mut task: Vec<Turn> = Vec::new();
        let mut steps: Vec<OpenStep> = Vec::new();
        let mut previous = None;
        for turn in turns {
            let speaker = turn.speaker;
            match (speaker, steps.last_mut()) {
                (Speaker::Assistant, _) => steps.push(OpenStep::reply(turn)),
                (Speaker::Call, last) => {
                    let continued = match (previous, last) {
                        (Some(Speaker::Call | Speaker::Assistant), Some(last)) => {
                            last.continue_with(turn)
                        }
                        _ => Some(turn),
                    };
                    if let Some(turn) = continued {
                        if turn.calls.is_empty() {
                            problems.push("a call is not JSON with a name".to_owned());
                        }
                        steps.push(OpenStep::reply(turn));
                    }
                }
                (_, Some(last)) => last.observe(turn),
                (Speaker::System, None) => system.push(turn.text),
                (Speaker::User, None) => task.push(turn),
                (Speaker::Tool, None) => {
                    problems.push("a tool's turn stands before any reply".to_owned());
                }
            }
            previous = Some(speaker);
        }
        let steps: Vec<Step> = steps.into_iter().map(|open| open.step).collect();
        Self {
            system_prompt: (!system.is_empty()).then(|| interner.intern(&system.join("\n\n"))),
            task: task_of(task),
            answer: steps.last().and_then(answer_of),
            steps,
        }
    }
}

/// Joins the turns before the first reply.
fn task_of(turns: Vec<Turn>) -> Task {
    let has_marks = turns.iter().any(|turn| turn.has_marks);
    let mut texts = Vec::with_capacity(turns.len());
    let mut attachments = Vec::new();
    for turn in turns {
        texts.push(turn.text);
        attachments.extend(turn.pictures.into_iter().map(shown));
    }
    let whole = texts.join("\n\n");
    let (text, prompt) = if has_marks {
        let bare = whole.replace(PictureColumn::MARK, "").trim().to_owned();
        (bare, Some(whole))
    } else {
        (whole, None)
    };
    Task {
        text,
        prompt,
        attachments,
    }
}

/// The answer that a last step gives.
pub(super) fn answer_of(step: &Step) -> Option<String> {
    match step.action.as_ref()? {
        Action::Message(text) => Some(text.clone()),
        Action::ToolCalls(calls) => {
            let call = calls.last().filter(|call| call.name == "final_answer")?;
            match &call.arguments {
                Value::Object(arguments) if arguments.len() == 1 => {
                    arguments.values().next().and_then(plain)
                }
                object @ Value::Object(_) => plain_field(object, "answer"),
                other => plain(other),
            }
        }
        Action::Code(_) => None,
    }
}

/// A step that may still get results.
struct OpenStep {
    step: Step,
    /// The first call that no result has reached; results mostly come in the order of the calls.
    unanswered: usize,
}

impl OpenStep {
    fn reply(turn: Turn) -> Self {
        let mut step = Step {
            thought: turn.thought,
            reply: turn.reply,
            pictures: turn.pictures,
            ..Step::default()
        };
        let said = (!turn.text.trim().is_empty()).then_some(turn.text);
        if !turn.calls.is_empty() {
            // What is said beside a call is the reason for it, unless the reason is given apart.
            if turn.speaker == Speaker::Assistant && step.thought.is_none() {
                step.thought = said;
            } else if turn.speaker == Speaker::Assistant && step.reply.is_none() {
                step.reply = said;
            }
            step.action = Some(Action::ToolCalls(turn.calls));
        } else if turn.speaker == Speaker::Call {
            step.reply = step.reply.or(said);
        } else {
            step.action = said.map(Action::Message);
        }
        Self {
            step,
            unanswered: 0,
        }
    }

    /// Takes a call's turn into this step: a further call beside the first, or the call that a message leads up to.
    /// Hands the turn back if it is a step of its own.
    fn continue_with(&mut self, turn: Turn) -> Option<Turn> {
        if turn.calls.is_empty() || turn.thought.is_some() || self.step.observation.is_some() {
            return Some(turn);
        }
        match self.step.action.take() {
            Some(Action::ToolCalls(mut calls)) => {
                calls.extend(turn.calls);
                self.step.action = Some(Action::ToolCalls(calls));
            }
            Some(Action::Message(text)) => {
                if self.step.thought.is_none() {
                    self.step.thought = Some(text);
                } else if self.step.reply.is_none() {
                    self.step.reply = Some(text);
                }
                self.step.action = Some(Action::ToolCalls(turn.calls));
            }
            other => {
                self.step.action = other;
                return Some(turn);
            }
        }
        None
    }

    /// Adds what a turn reports to the observation, and to the call that it answers.
    fn observe(&mut self, turn: Turn) {
        if turn.speaker == Speaker::Tool
            && let Some(Action::ToolCalls(calls)) = &mut self.step.action
            && let Some(at) = answered_call(calls, self.unanswered, &turn)
        {
            calls[at].result = Some(turn.text.clone());
            while calls
                .get(self.unanswered)
                .is_some_and(|c| c.result.is_some())
            {
                self.unanswered += 1;
            }
        }
        let observation = self
            .step
            .observation
            .get_or_insert_with(Observation::default);
        if !observation.text.is_empty() && !turn.text.is_empty() {
            observation.text.push('\n');
        }
        observation.text.push_str(&turn.text);
        observation.is_error |= turn.is_error;
        observation.pictures.extend(turn.pictures);
    }
}

/// Which call a result belongs to: the one with its id; without ids the first open one, of the tool's name if it has one.
fn answered_call(calls: &[ToolCall], first_open: usize, turn: &Turn) -> Option<usize> {
    let open = || {
        calls
            .iter()
            .enumerate()
            .skip(first_open)
            .filter(|(_, call)| call.result.is_none())
    };
    let found = match &turn.call_id {
        Some(id) => open()
            .find(|(_, call)| call.id.as_ref() == Some(id))
            .or_else(|| open().find(|(_, call)| call.id.is_none())),
        None => open()
            .find(|(_, call)| turn.tool.as_ref().is_none_or(|tool| *tool == call.name))
            .or_else(|| open().next()),
    };
    found.map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ingest::chat_turns::turns;

    fn read(messages: Value) -> (Conversation, Vec<String>) {
        let mut problems = Vec::new();
        let list = messages.as_array().expect("array");
        let turns = turns(list, &mut PictureColumn::default(), &mut problems);
        let conversation = Conversation::of(turns, &Interner::default(), &mut problems);
        (conversation, problems)
    }

    #[test]
    fn results_reach_their_calls_by_id_and_join_in_the_order_they_came() {
        let (read, problems) = read(json!([
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": "both", "tool_calls": [
                {"id": "a", "function": {"name": "f", "arguments": "{}"}},
                {"id": "b", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "b", "content": "second"},
            {"role": "tool", "tool_call_id": "a", "content": "first"},
            {"role": "tool", "tool_call_id": "x", "content": "stray"},
            {"role": "assistant", "content": "done"}
        ]));
        assert!(problems.is_empty());
        let calls = read.steps[0].tool_calls();
        assert_eq!(calls[0].result.as_deref(), Some("first"));
        assert_eq!(calls[1].result.as_deref(), Some("second"));
        let observation = read.steps[0].observation.as_ref().expect("observation");
        assert_eq!(observation.text, "second\nfirst\nstray");
        assert_eq!(read.steps[0].thought.as_deref(), Some("both"));
        assert_eq!(read.answer.as_deref(), Some("done"));
    }

    #[test]
    fn call_turns_in_a_row_are_one_step() {
        let (read, _) = read(json!([
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": "Both at once."},
            {"role": "tool_call", "content": "{\"name\": \"f\", \"arguments\": {}}"},
            {"role": "tool_call", "content": "{\"name\": \"g\", \"arguments\": {}}"},
            {"role": "tool_response", "content": "1"},
            {"role": "tool_response", "content": "2"},
            {"role": "tool_call", "content": "{\"name\": \"final_answer\", \"arguments\": {\"answer\": 3}}"}
        ]));
        assert_eq!(read.steps.len(), 2);
        assert_eq!(read.steps[0].thought.as_deref(), Some("Both at once."));
        let results: Vec<_> = read.steps[0]
            .tool_calls()
            .iter()
            .map(|c| c.result.as_deref())
            .collect();
        assert_eq!(results, [Some("1"), Some("2")]);
        assert_eq!(read.answer.as_deref(), Some("3"));
    }

    #[test]
    fn a_user_who_answers_a_reply_is_its_observation() {
        let (read, problems) = read(json!([
            {"role": "tool", "content": "early"},
            {"role": "system", "content": "S"},
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": "look()"},
            {"role": "user", "content": "Observation: a cat"},
            {"role": "assistant", "content": null}
        ]));
        assert_eq!(problems.len(), 1);
        assert_eq!(read.system_prompt.as_deref(), Some("S"));
        assert_eq!(
            read.steps[0].observation.as_ref().map(|o| o.text.as_str()),
            Some("Observation: a cat")
        );
        assert_eq!(read.steps[1], Step::default());
        assert_eq!(read.answer, None);
    }
}
