//! Small trajectories for the rules' tests.

use std::sync::Arc;

use serde_json::Value;

use super::{Flag, RuleContext, ToolLists, check, trajectory_calls};
use crate::domain::{
    Action, Attachment, FileLookup, Observation, PictureReference, Step, Task, ToolCall, Trajectory,
};

const PROMPT: &str = "You have these tools:\n\n\
    - looker: Looks at a picture.\n    Takes inputs: {'question': {'type': 'text', 'description': 'q'}, 'image_path': {'type': 'text', 'description': 'p'}}\n\n\
    - reader: Reads a file.\n    Takes inputs: {'question': {'type': 'text', 'description': '[Optional]: q'}, 'file_path': {'type': 'text', 'description': 'p'}}\n\n\
    - counter: Counts.\n    Takes inputs: {'image': {'type': 'image', 'description': 'p'}, 'k': {'type': 'integer', 'description': 'k', 'nullable': True}}\n";

/// Files that exist are those whose path does not contain `missing`; addresses are unknown.
pub(super) struct Files;

impl FileLookup for Files {
    fn exists(&self, reference: &PictureReference) -> Option<bool> {
        match reference {
            PictureReference::Path(path) => Some(!path.contains("missing")),
            PictureReference::Url(_) => None,
            PictureReference::Inline(_) => Some(true),
        }
    }
}

/// A trajectory with the tools `looker`, `reader` and `counter`, and one attachment under two paths.
pub(super) fn trajectory<const N: usize>(steps: [Step; N]) -> Trajectory {
    Trajectory {
        system_prompt: Some(Arc::from(PROMPT)),
        task: Task {
            text: "How many of the 24 birds fly?".to_owned(),
            prompt: None,
            attachments: vec![Attachment {
                alias: Some("data/agent/birds/a.jpg".to_owned()),
                ..Attachment::from_path("data/pictures/birds/a.jpg", true)
            }],
        },
        steps: steps.into(),
        ..Trajectory::default()
    }
}

fn step(action: Action, observation: &str) -> Step {
    Step {
        thought: Some("I act.".to_owned()),
        action: Some(action),
        observation: Some(Observation {
            text: observation.to_owned(),
            ..Observation::default()
        }),
        ..Step::default()
    }
}

/// A step of Python and what it printed.
pub(super) fn code(code: &str, observation: &str) -> Step {
    step(Action::Code(code.to_owned()), observation)
}

/// A step of structured calls and what they returned.
pub(super) fn calls(calls: &[(&str, Value)], observation: &str) -> Step {
    let call = |(name, arguments): &(&str, Value)| ToolCall {
        id: None,
        name: (*name).to_owned(),
        arguments: arguments.clone(),
        result: None,
    };
    step(
        Action::ToolCalls(calls.iter().map(call).collect()),
        observation,
    )
}

/// The step, with its observation marked as an error.
pub(super) fn failed(mut step: Step) -> Step {
    step.observation.iter_mut().for_each(|o| o.is_error = true);
    step
}

/// What one rule says of a trajectory.
pub(super) fn flags_of(rule: &str, trajectory: &Trajectory) -> Vec<Flag> {
    let tools = ToolLists::default().of(trajectory);
    let calls = trajectory_calls(trajectory);
    let context = RuleContext::new(&tools, &Files, None, &calls);
    let mut flags = check(trajectory, &context);
    flags.retain(|flag| flag.rule == rule);
    flags
}
