//! The turns of a code agent: replies, observations and the task turn, as their readers in `ingest` expect them.

use std::ops::Range;

use crate::domain::{Action, Attachment, Observation, PictureReference, Task};
use crate::export::Refusal;
use crate::export::chats::python_call::{FINAL_ANSWER, literal, python_calls};
use crate::ingest::code_reply::{CodeReply, END_ACTION};
use crate::ingest::observation_turn::ObservationTurn;
use crate::ingest::task_turn::TaskTurn;

/// How a format of code agents names and marks its turns.
pub(in crate::export) struct Dialect {
    /// The member that names the speaker.
    pub speaker: &'static str,
    /// The member that holds the text.
    pub text: &'static str,
    /// Who asks.
    pub person: &'static str,
    /// Who answers a step.
    pub environment: &'static str,
    /// Who acts.
    pub controller: &'static str,
    /// Whether replies end in `<end_action>`.
    pub ends_replies: bool,
    /// How the task turn shows pictures.
    pub pictures: PictureMarks,
}

/// How a task turn shows its pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::export) enum PictureMarks {
    /// `Picture 1: <img>path</img>`, a line each.
    Inline,
    /// `<image>` for one, else `<image_00>`, `<image_01>`, a line each.
    Numbered,
    /// `<image><image>` on one line, as many as pictures.
    Glued,
    /// Not at all: the agent gets text alone.
    None,
}

/// What a reply holds: of a step, or of a candidate.
#[derive(Debug, Clone, Copy)]
pub struct ReplyParts<'a> {
    /// Why the controller acts, without its mark.
    pub thought: Option<&'a str>,
    /// What it does.
    pub action: Option<&'a Action>,
    /// The reply as it was written, perhaps before thought or action were edited.
    pub written: Option<&'a str>,
    /// Whether its results were seen.
    pub observed: bool,
    /// Whether it is the last of its trajectory.
    pub is_last: bool,
}

/// The text of a reply: as it was written, with edits at their places; else in the form that code agents are asked for.
///
/// A thought can hold marks that make other text than its code the code; such a reply cannot be written.
pub fn reply_text(parts: ReplyParts<'_>, ends: bool) -> Result<String, Refusal> {
    let code = parts
        .action
        .and_then(|action| code_of(action, parts.observed, parts.is_last));
    let spliced = parts
        .written
        .and_then(|written| splice_reply(written, parts.thought, code.as_deref()));
    if let Some(spliced) = spliced {
        return Ok(spliced);
    }
    let mut text = String::new();
    if let Some(thought) = parts.thought {
        text = format!("Thought: {}", without_open_fence(thought));
    }
    let gap = if text.is_empty() { "" } else { "\n\n" };
    if let Some(code) = &code {
        text.push_str(&format!("{gap}Code:\n```py\n{code}\n```"));
        if CodeReply::parse(&text).code(&text) != Some(code.trim()) {
            return Err(Refusal::new(
                "its thought or code holds a mark (``` or `Code:`) that ends code or begins it",
            ));
        }
    } else if let Some(Action::Message(message)) = parts.action {
        text.push_str(&format!("{gap}{message}"));
    }
    if ends {
        text.push_str(END_ACTION);
    }
    Ok(text)
}

/// A thought without the fence that some of GTA's end in: it holds nothing, and would swallow the code that follows.
pub(in crate::export) fn without_open_fence(thought: &str) -> &str {
    let thought = thought.trim();
    match thought.strip_suffix("```") {
        Some(before) if before.matches("```").count() % 2 == 0 => before.trim_end(),
        _ => thought,
    }
}

/// The Python of an action. A message that ends a run is its answer; any other message is no code.
pub(in crate::export) fn code_of(action: &Action, observed: bool, is_last: bool) -> Option<String> {
    match action {
        Action::Code(code) => Some(code.clone()),
        Action::ToolCalls(calls) => Some(python_calls(calls, observed)),
        Action::Message(message) if is_last => {
            let message = literal(&message.as_str().into());
            Some(format!("{FINAL_ANSWER}({message})"))
        }
        Action::Message(_) => None,
    }
}

/// A reply whose thought and code are these. What is `None` could not be read from the reply and stays as it is.
fn splice_reply(written: &str, thought: Option<&str>, code: Option<&str>) -> Option<String> {
    let parsed = CodeReply::parse(written);
    let mut text = written.to_owned();
    // From the back, so that the ranges before stay right.
    for (wanted, range) in [(code, &parsed.code), (thought, &parsed.thought)] {
        let Some(wanted) = wanted.map(str::trim) else {
            continue;
        };
        let range = range.clone()?;
        if written.get(range.clone()) != Some(wanted) {
            text = replaced(&text, range, wanted)?;
        }
    }
    if text == written {
        return Some(text);
    }
    // An edit can hold marks of its own.
    let parsed = CodeReply::parse(&text);
    let holds = |wanted: Option<&str>, seen: Option<&str>| {
        wanted.is_none_or(|wanted| Some(wanted.trim()) == seen)
    };
    (holds(thought, parsed.thought(&text)) && holds(code, parsed.code(&text))).then_some(text)
}

fn replaced(text: &str, range: Range<usize>, by: &str) -> Option<String> {
    let mut out = text.get(..range.start)?.to_owned();
    out.push_str(by);
    out.push_str(text.get(range.end..)?);
    Some(out)
}

/// The turn that answers step `index`, counted from 0. Pictures that the text does not name follow it, a path a line.
pub(in crate::export) fn observation_turn(
    index: usize,
    observation: &Observation,
) -> Result<String, Refusal> {
    let text = observation_text(observation)?;
    Ok(if observation.is_error {
        format!("[OUTPUT OF STEP {index}] Error: {text}")
    } else {
        format!("[OUTPUT OF STEP {index}] Observation:\n{text}")
    })
}

/// What an observation says to an agent that reads text alone.
pub fn observation_text(observation: &Observation) -> Result<String, Refusal> {
    let mut text = observation.text.clone();
    for picture in &observation.pictures {
        let path = picture_path(picture)?;
        if !text.contains(path) {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(path);
        }
    }
    Ok(text)
}

/// An observation turn with the text replaced at its place.
pub(in crate::export) fn splice_observation(
    turn: &str,
    index: usize,
    observation: &Observation,
) -> Result<String, Refusal> {
    let parsed = ObservationTurn::parse(turn);
    match replaced(turn, parsed.text, &observation.text) {
        Some(spliced) if ObservationTurn::parse(&spliced).is_error == observation.is_error => {
            Ok(spliced)
        }
        _ => observation_turn(index, observation),
    }
}

/// An observation turn whose header names another step, if it named step `from`.
pub(in crate::export) fn renumbered(turn: &str, from: usize, to: usize) -> Option<String> {
    let is_named = from != to && ObservationTurn::parse(turn).step == Some(from);
    let start = turn.find("STEP ").filter(|_| is_named)? + "STEP ".len();
    let length = turn.get(start..)?.find(']')?;
    replaced(turn, start..start + length, &to.to_string())
}

/// A task turn with the question replaced at its place; `None` if other parts of it would be lost.
pub fn splice_question(turn: &str, question: &str) -> Option<String> {
    let before = TaskTurn::parse(turn);
    let spliced = replaced(turn, before.question.clone(), question)?;
    let after = TaskTurn::parse(&spliced);
    let keeps = after.text.trim() == question.trim()
        && after.pictures == before.pictures
        && after.files == before.files
        && after.placeholders == before.placeholders;
    keeps.then_some(spliced)
}

/// A task turn: pictures, `Task:`, the question, and the files that tools may open.
pub(in crate::export) fn task_turn(task: &Task, marks: PictureMarks) -> Result<String, Refusal> {
    let pictures = picture_paths(task)?;
    let mut turn = match marks {
        PictureMarks::Inline => (1..)
            .zip(&pictures)
            .map(|(number, path)| format!("Picture {number}: <img>{path}</img>\n"))
            .collect(),
        PictureMarks::Numbered if pictures.len() == 1 => "<image>\n".to_owned(),
        PictureMarks::Numbered => (0..pictures.len())
            .map(|number| format!("{}\n", placeholder(number)))
            .collect(),
        PictureMarks::Glued => "<image>".repeat(pictures.len()) + "\n",
        PictureMarks::None => String::new(),
    };
    turn.push_str(&format!("Task: {}", task.text));
    let mut files = Vec::with_capacity(task.attachments.len());
    for attachment in &task.attachments {
        files.push(match &attachment.alias {
            Some(alias) => plain_path(alias)?,
            None => picture_path(&attachment.reference)?,
        });
    }
    let files = files_line(files.into_iter());
    if !files.is_empty() {
        turn.push('\n');
        turn.push_str(&files);
    }
    Ok(turn)
}

/// The line that names files that tools may open; empty without any.
pub(in crate::export) fn files_line<'a>(paths: impl Iterator<Item = &'a str>) -> String {
    let files: String = paths.map(|path| format!("{path}; ")).collect();
    match files.is_empty() {
        true => files,
        false => format!("Attachment: {files}"),
    }
}

/// What stands for a picture in texts and in the keys of `image`.
pub(in crate::export) fn placeholder(number: usize) -> String {
    format!("<image_{number:02}>")
}

/// The paths of the pictures that the controller got as pixels.
pub(in crate::export) fn picture_paths(task: &Task) -> Result<Vec<&str>, Refusal> {
    shown(task).map(|a| picture_path(&a.reference)).collect()
}

/// The attachments that the controller got as pixels.
pub(in crate::export) fn shown(task: &Task) -> impl Iterator<Item = &Attachment> {
    task.attachments.iter().filter(|a| a.shown)
}

/// A picture's path; bytes inside a record have none.
pub(in crate::export) fn picture_path(reference: &PictureReference) -> Result<&str, Refusal> {
    match reference {
        PictureReference::Path(path) | PictureReference::Url(path) => plain_path(path),
        PictureReference::Inline(_) => Err(Refusal::new(
            "a picture's bytes are inside the record, and this format names pictures by path",
        )),
    }
}

fn plain_path(path: &str) -> Result<&str, Refusal> {
    if path.contains([';', '<', '\n']) {
        return Err(Refusal::new(format!(
            "the path {path:?} holds a character that ends a path in this format"
        )));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(thought: Option<&str>, code: Option<&str>, written: Option<&str>) -> String {
        let action = code.map(|code| Action::Code(code.to_owned()));
        let parts = ReplyParts {
            thought,
            action: action.as_ref(),
            written,
            observed: true,
            is_last: false,
        };
        reply_text(parts, true).unwrap()
    }

    #[test]
    fn replies_keep_their_form_around_an_edit() {
        let written = "**Thought:** Look.\n\n**Code:**\n```python\nf(1)\n```\nDone.";
        assert_eq!(reply(Some("Look."), Some("f(1)"), Some(written)), written);
        assert_eq!(
            reply(Some("Look twice."), Some("f(2)"), Some(written)),
            "**Thought:** Look twice.\n\n**Code:**\n```python\nf(2)\n```\nDone."
        );
        // A reply without code keeps its words; one that gets code is written anew.
        assert_eq!(reply(Some("Look."), None, Some("Look.")), "Look.");
        assert_eq!(
            reply(Some("Look."), Some("f()"), Some("Look.")),
            "Thought: Look.\n\nCode:\n```py\nf()\n```<end_action>"
        );
        assert_eq!(
            reply(None, Some("f()"), None),
            "Code:\n```py\nf()\n```<end_action>"
        );
        assert_eq!(reply(Some("Hm."), None, None), "Thought: Hm.<end_action>");
    }

    #[test]
    fn a_reply_whose_code_would_not_be_read_is_refused() {
        let action = Action::Code("f()".to_owned());
        let parts = ReplyParts {
            thought: Some("See:\n```\nthis"),
            action: Some(&action),
            written: None,
            observed: false,
            is_last: false,
        };
        assert!(reply_text(parts, false).is_err());
        let ends_open = ReplyParts {
            thought: Some("See.\n\n```\n"),
            ..parts
        };
        let text = "Thought: See.\n\nCode:\n```py\nf()\n```";
        assert_eq!(reply_text(ends_open, false).unwrap(), text);
    }

    #[test]
    fn a_last_message_is_the_answer() {
        let action = Action::Message("Two \"cats\".".to_owned());
        let parts = ReplyParts {
            thought: None,
            action: Some(&action),
            written: None,
            observed: false,
            is_last: true,
        };
        assert_eq!(
            reply_text(parts, false).unwrap(),
            "Code:\n```py\nfinal_answer(\"Two \\\"cats\\\".\")\n```"
        );
        let parts = ReplyParts {
            is_last: false,
            ..parts
        };
        assert_eq!(reply_text(parts, false).unwrap(), "Two \"cats\".");
    }

    #[test]
    fn observations_keep_header_and_white_space() {
        let observation = |text: &str, is_error| Observation {
            text: text.to_owned(),
            is_error,
            pictures: Vec::new(),
        };
        let turn = "[OUTPUT OF STEP 1] Observation:\nold\n\n";
        let splice = |new| splice_observation(turn, 4, &new).unwrap();
        assert_eq!(
            splice(observation("new", false)),
            "[OUTPUT OF STEP 1] Observation:\nnew\n\n"
        );
        assert_eq!(
            splice(observation("new", true)),
            "[OUTPUT OF STEP 4] Error: new"
        );
        assert_eq!(
            renumbered(turn, 1, 12).as_deref(),
            Some("[OUTPUT OF STEP 12] Observation:\nold\n\n")
        );
        assert_eq!(renumbered(turn, 2, 3), None);
        assert_eq!(renumbered("STEP 1]", 1, 3), None);
    }

    #[test]
    fn task_turns_read_back() {
        let mut task = Task {
            text: "How many?".to_owned(),
            prompt: None,
            attachments: vec![
                Attachment {
                    alias: Some("data/t/a.jpg".to_owned()),
                    ..Attachment::from_path("data/o/a.jpg", true)
                },
                Attachment::from_path("b.png", true),
                Attachment::from_path("c.pdf", false),
            ],
        };
        let inline = task_turn(&task, PictureMarks::Inline).unwrap();
        let expected = "Picture 1: <img>data/o/a.jpg</img>\nPicture 2: <img>b.png</img>\nTask: How many?\nAttachment: data/t/a.jpg; b.png; c.pdf; ";
        assert_eq!(inline, expected);
        let read = crate::ingest::task_turn::read_task(&inline, Vec::new(), Vec::new());
        assert_eq!(
            (&read.text, &read.attachments),
            (&task.text, &task.attachments)
        );
        for marks in [PictureMarks::Numbered, PictureMarks::Glued] {
            let turn = task_turn(&task, marks).unwrap();
            assert_eq!(TaskTurn::parse(&turn).placeholders, 2);
            assert_eq!(TaskTurn::parse(&turn).text, "How many?");
        }
        assert_eq!(
            splice_question(&inline, "How few?").unwrap(),
            inline.replace("many", "few")
        );
        assert_eq!(splice_question("Task: See <image_00> here", "Look"), None);
        task.attachments = vec![Attachment::from_path("a;b.jpg", true)];
        assert!(task_turn(&task, PictureMarks::Inline).is_err());
        task.attachments[0].reference = PictureReference::from_text("data:image/png;base64,AAAA");
        assert!(task_turn(&task, PictureMarks::Inline).is_err());
    }
}
