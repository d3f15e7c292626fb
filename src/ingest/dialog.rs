//! The turns of a code agent's dialog, as a trajectory: system prompt, task, then replies and their observations.

use std::sync::Arc;

use super::code_reply::CodeReply;
use super::observation_turn::ObservationTurn;
use super::task_turn::read_task;
use super::turn::{Speaker, Turn, TurnContent};
use crate::domain::{Action, Attachment, Interner, PictureReference, Step, Task};

/// What the turns of a dialog hold.
#[derive(Debug, Default)]
pub struct Dialog {
    /// The system turn.
    pub system_prompt: Option<Arc<str>>,
    /// The user turns before the first reply.
    pub task: Task,
    /// Each assistant turn with the user turn that follows it.
    pub steps: Vec<Step>,
    /// What did not fit.
    pub problems: Vec<String>,
}

/// Reads the turns of a dialog. `pictures` and `files` are those that the record names beside it.
pub fn read_dialog(
    turns: Vec<Turn<'_>>,
    mut pictures: Vec<PictureReference>,
    files: Vec<Attachment>,
    interner: &Interner,
) -> Dialog {
    let mut dialog = Dialog::default();
    let mut task: Option<String> = None;
    for (number, turn) in turns.into_iter().enumerate() {
        match turn.speaker() {
            Some(Speaker::System) if dialog.system_prompt.is_none() => {
                dialog.system_prompt = Some(interner.intern(&turn.content.text));
            }
            Some(Speaker::Assistant) => {
                let mut step = reply_step(turn.content.text.into_owned());
                step.pictures = turn.content.pictures;
                dialog.steps.push(step);
            }
            Some(Speaker::User) if !dialog.steps.is_empty() => {
                dialog.observe(number, turn.content);
            }
            Some(Speaker::User) => {
                pictures.extend(turn.content.pictures);
                task = Some(match task {
                    Some(before) => before + "\n" + &turn.content.text,
                    None => turn.content.text.into_owned(),
                });
            }
            Some(Speaker::System) => dialog.problems.push(format!(
                "turn {}: a second system turn, passed over",
                number + 1
            )),
            None => dialog.problems.push(format!(
                "turn {}: unknown role {:?}, passed over",
                number + 1,
                turn.role.as_str().unwrap_or_default()
            )),
        }
    }
    if task.is_none() {
        dialog.problems.push("no task turn".to_owned());
    }
    dialog.task = read_task(&task.unwrap_or_default(), pictures, files);
    dialog
}

/// A step from a controller's reply, still without its observation.
pub fn reply_step(reply: String) -> Step {
    let parsed = CodeReply::parse(&reply);
    Step {
        thought: parsed.thought(&reply).map(str::to_owned),
        action: parsed
            .code(&reply)
            .map(|code| Action::Code(code.to_owned())),
        reply: Some(reply),
        ..Step::default()
    }
}

impl Dialog {
    /// Gives the last step its observation; a second turn is appended to the first.
    fn observe(&mut self, number: usize, content: TurnContent<'_>) {
        let index = self.steps.len().saturating_sub(1);
        let Some(step) = self.steps.last_mut() else {
            return;
        };
        let parsed = ObservationTurn::parse(&content.text);
        if let Some(named) = parsed.step.filter(|named| *named != index) {
            self.problems.push(format!(
                "turn {}: the output of step {named}, after step {index} (both from 0)",
                number + 1
            ));
        }
        let mut observation = parsed.observation(&content.text);
        observation.pictures = content.pictures;
        match &mut step.observation {
            Some(known) => {
                known.text.push('\n');
                known.text.push_str(&observation.text);
                known.is_error |= observation.is_error;
                known.pictures.extend(observation.pictures);
            }
            None => step.observation = Some(observation),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Dialog {
        let turns = serde_json::from_str(json).unwrap();
        read_dialog(turns, Vec::new(), Vec::new(), &Interner::default())
    }

    #[test]
    fn replies_and_observations_pair_up() {
        let dialog = read(
            r#"[{"from":"system","value":"S"},{"from":"user","value":"Task: T"},{"from":"assistant","value":"Thought: A\nCode:\n```py\na()\n```"},
                {"from":"user","value":"[OUTPUT OF STEP 0] Error: bad"},{"from":"assistant","value":"Thought: B"},{"from":"assistant","value":"Thought: C"}]"#,
        );
        assert_eq!(dialog.system_prompt.as_deref(), Some("S"));
        assert_eq!(dialog.task.text, "T");
        assert_eq!(dialog.steps.len(), 3);
        assert!(dialog.steps[0].is_error());
        assert_eq!(dialog.steps[0].code(), Some("a()"));
        assert_eq!(dialog.steps[1].observation, None);
        assert!(dialog.problems.is_empty());
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let dialog = read(
            r#"[{"role":"assistant","content":"A"},{"role":"tool-response","content":"[OUTPUT OF STEP 4] Observation:\nx"},
                {"role":"user","content":"y"},{"role":"critic","content":"z"},{"role":"system","content":"1"},{"role":"system","content":"2"}]"#,
        );
        let text = dialog.steps[0].observation.as_ref().unwrap().text.as_str();
        assert_eq!(text, "x\ny");
        assert_eq!(dialog.problems.len(), 4, "{:?}", dialog.problems);
    }
}
