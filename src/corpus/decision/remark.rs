use uuid::Uuid;

use crate::domain::review::{NoteText, TagName, ToolResult, Verb};

use super::{Decided, DecisionError, Subject};

/// Gives a trajectory or pair a tag.
pub fn tag(subject: &Subject, tag: &TagName) -> Decided {
    let has = subject.review().tags.contains_key(&tag.tag);
    (!has).then(|| (subject.target.clone(), Verb::Tag(tag.clone())))
}

/// Takes a tag away.
pub fn untag(subject: &Subject, tag: &TagName) -> Decided {
    let has = subject.review().tags.contains_key(&tag.tag);
    has.then(|| (subject.target.clone(), Verb::Untag(tag.clone())))
}

/// Notes something on a step, by its number as it is shown now, or on the whole.
pub fn note(subject: &Subject, step: Option<u32>, text: &str) -> Result<Decided, DecisionError> {
    if text.trim().is_empty() {
        return Err(DecisionError::EmptyNote);
    }
    let target = match step {
        Some(step) => subject.step_target(step)?,
        None => subject.target.clone(),
    };
    let note = NoteText {
        text: text.to_owned(),
        replaces: None,
    };
    Ok(Some((target, Verb::Note(note))))
}

/// Says what a call of a step returned, by the step's number as it is shown now.
pub fn tool_result(
    subject: &Subject,
    step: u32,
    given: &ToolResult,
) -> Result<Decided, DecisionError> {
    let target = subject.step_target(step)?;
    Ok(Some((target, Verb::ToolResult(Box::new(given.clone())))))
}

/// Gives a note another text; an empty one takes the note away.
pub fn replace_note(
    subject: &Subject,
    replaced: Uuid,
    text: &str,
) -> Result<Decided, DecisionError> {
    let mut notes = subject.review().notes.iter();
    let note = notes
        .find(|note| note.id == replaced)
        .ok_or_else(|| DecisionError::NoNote {
            id: subject.id().clone(),
            note: replaced,
        })?;
    if note.text == text {
        return Ok(None);
    }
    let target = match note.step {
        Some(step) => subject.target.with_step(step),
        None => subject.target.clone(),
    };
    let note = NoteText {
        text: text.to_owned(),
        replaces: Some(replaced),
    };
    Ok(Some((target, Verb::Note(note))))
}
