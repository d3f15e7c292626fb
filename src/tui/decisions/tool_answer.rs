//! Calls that no recording answers, and what a person says that they returned.

use crate::domain::review::ToolResult;
use crate::domain::{LoggedCall, LoggedResult};
use crate::replay::TrajectoryReplay;
use crate::tui::effect::CommitRequest;
use crate::tui::subject::Subject;
use crate::tui::views::edit::{EditView, Purpose};
use crate::tui::widgets::styled_text::cut;

use super::{Deed, commit};

/// What is said when a result is saved; the steps then run once more with it.
pub const TYPED_RESULT: &str = "typed what a call returned";

/// Longer calls are cut in titles.
const TITLE: usize = 60;

/// A call that a person is asked about.
#[derive(Debug, Clone)]
pub struct AskedCall {
    /// The trajectory.
    pub subject: Subject,
    /// The step that makes the call, from 1.
    pub step: u32,
    /// The tool.
    pub tool: String,
    /// Its arguments as Python writes them.
    pub arguments: String,
}

/// The first call that nothing answered, of this step (from 1) if it has one.
pub fn unanswered(run: &TrajectoryReplay, step: Option<usize>) -> Option<&LoggedCall> {
    let open = |call: &&LoggedCall| matches!(call.result, LoggedResult::Unavailable(_));
    let here = run
        .steps
        .iter()
        .filter(|replay| Some(replay.step + 1) == step);
    let mut calls = here.chain(&run.steps).flat_map(|replay| &replay.calls);
    calls.find(open)
}

/// Where a person types what a call returned.
pub fn answer_editor(subject: Subject, call: &LoggedCall) -> Option<EditView> {
    let step = u32::try_from(call.step + 1).ok()?;
    let shown = cut(&format!("{}({})", call.name, call.arguments), TITLE);
    let title = format!("What does {shown} of step {step} return? (a text, or a Python literal)");
    let asked = AskedCall {
        subject,
        step,
        tool: call.name.clone(),
        arguments: call.arguments.clone(),
    };
    let purpose = Purpose::ToolResult(Box::new(asked));
    Some(EditView::new(title, "", false, purpose))
}

/// What was typed, as a decision.
pub fn typed(asked: &AskedCall, text: &str) -> CommitRequest {
    let given = ToolResult {
        tool: asked.tool.clone(),
        arguments: asked.arguments.clone(),
        result: text.to_owned(),
    };
    let deed = Deed::ToolResult(asked.step, Box::new(given));
    commit(std::slice::from_ref(&asked.subject), TYPED_RESULT, &deed)
}
