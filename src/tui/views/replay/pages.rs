//! What of a record is read on a page of its own: raw text, prompts, files.

use std::sync::Arc;

use crate::corpus::Inspection;
use crate::domain::{PictureReference, ToolDefinition, Trajectory};
use crate::tui::effect::Effect;
use crate::tui::overlays::{Choice, Overlay, TextPage};
use crate::tui::question::Question;
use crate::tui::views::Request;

/// JSON with line breaks; what can't be read stays as it is.
pub fn pretty(json: &str) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_str(json);
    let text = value
        .ok()
        .and_then(|value| serde_json::to_string_pretty(&value).ok());
    text.unwrap_or_else(|| json.to_owned())
}

/// The system prompt and the tools of a trajectory, to be read.
pub(super) fn system_prompt(trajectory: Option<&Trajectory>) -> Request {
    let Some(trajectory) = trajectory else {
        return Request::Say("it has no system prompt".to_owned());
    };
    prompt_page(trajectory.system_prompt.as_deref(), &trajectory.tools)
}

/// A system prompt and tools, to be read.
pub fn prompt_page(prompt: Option<&str>, tools: &[ToolDefinition]) -> Request {
    let mut text = prompt.unwrap_or_default().to_owned();
    for tool in tools {
        let definition =
            serde_json::to_value(tool).and_then(|value| serde_json::to_string_pretty(&value));
        text.push_str(&format!("\n\n{}", definition.unwrap_or_default()));
    }
    match text.trim().is_empty() {
        true => Request::Say("it has no system prompt".to_owned()),
        false => Request::Show(Box::new(Overlay::TextPage(TextPage::new(
            "System prompt and tools",
            text,
        )))),
    }
}

/// Asks which file to open, or opens the only one.
pub fn attachment_choice(record: &Arc<Inspection>, files: Vec<PictureReference>) -> Request {
    let id = record.record.id.clone();
    match files.as_slice() {
        [] => Request::Say("the task has no file besides pictures".to_owned()),
        [one] => Request::Do(Effect::ReadAttachment(id, one.clone())),
        _ => {
            let names = files.iter().map(|file| file.label().to_owned()).collect();
            let choice = Choice::new("Files", names, Question::Attachment(id, files));
            Request::Show(Box::new(Overlay::Choice(choice)))
        }
    }
}
