//! Messages of a context, exactly as the reference builds them (`transformers.agents` 4.44.2, `write_inner_memory_from_logs`).

use serde_json::{Map, Value, json};

use super::error::RolloutError;
use super::reply::parse_reply;
use crate::domain::{
    Action, Attachment, CanonicalError, ContentHash, Context, Observation, PictureReference, Step,
    Task, ToolCall,
};
use crate::export::{ReplyParts, observation_text, reply_text, splice_question, tool_schemas};
use crate::ingest::task_turn::TaskTurn;

/// How a controller is asked for a step, and how its reply is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptForm {
    /// Text in which it writes Python.
    Code,
    /// Tools by their schemas, and structured calls.
    ToolCalls,
}

/// What a controller is shown, with pictures by reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// How it is asked.
    pub form: PromptForm,
    /// The conversation.
    pub messages: Vec<Message>,
    /// Tools that it may call, as schemas; empty for code, whose tools stand in the system prompt.
    pub tools: Vec<Value>,
    /// BLAKE3 over the canonical JSON of the context that it was made from.
    pub context: ContentHash,
}

/// A turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// `system`, `user`, `assistant`, `tool`.
    pub role: &'static str,
    /// Text and pictures in their order; empty for a reply that is nothing but calls.
    pub parts: Vec<Part>,
    /// Further members (`tool_calls`, `tool_call_id`, `name`).
    pub fields: Map<String, Value>,
}

/// A part of a turn.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text.
    Text(String),
    /// A picture, to be shown as pixels.
    Picture(Attachment),
}

impl PromptForm {
    /// The form of a context: that of its steps, else calls if its record declares tools, else code.
    pub fn of(context: &Context) -> Self {
        let mut actions = context.steps.iter().filter_map(|step| step.action.as_ref());
        match actions.clone().any(|a| matches!(a, Action::Code(_))) {
            true => Self::Code,
            false if actions.any(|a| matches!(a, Action::ToolCalls(_))) => Self::ToolCalls,
            false if context.tools.is_empty() => Self::Code,
            false => Self::ToolCalls,
        }
    }
}

impl Message {
    pub(super) fn of_text(role: &'static str, text: impl Into<String>) -> Self {
        Self::of_parts(role, vec![Part::Text(text.into())])
    }

    fn of_parts(role: &'static str, parts: Vec<Part>) -> Self {
        Self {
            role,
            parts,
            fields: Map::new(),
        }
    }

    /// Its text, pictures left out.
    pub fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Picture(_) => None,
        });
        texts.collect()
    }

    /// Its pictures.
    pub fn pictures(&self) -> impl Iterator<Item = &Attachment> {
        self.parts.iter().filter_map(|part| match part {
            Part::Picture(picture) => Some(picture),
            Part::Text(_) => None,
        })
    }
}

/// What a controller is shown before the step that follows a context, in the context's own form.
pub fn prompt(context: &Context) -> Result<Prompt, RolloutError> {
    match PromptForm::of(context) {
        PromptForm::Code => code_prompt(context),
        PromptForm::ToolCalls => calls_prompt(context),
    }
}

/// The prompt of a code agent: system prompt, task turn, then each reply and what executing it printed.
pub fn code_prompt(context: &Context) -> Result<Prompt, RolloutError> {
    let mut messages: Vec<Message> = system(context).into_iter().collect();
    messages.push(task_message(&context.task, PromptForm::Code));
    for (index, step) in context.steps.iter().enumerate() {
        messages.push(Message::of_text("assistant", reply(index, step)?.trim()));
        if let Some(observation) = &step.observation {
            messages.push(observation_message(index, observation)?);
        }
    }
    finished(PromptForm::Code, messages, Vec::new(), context)
}

fn calls_prompt(context: &Context) -> Result<Prompt, RolloutError> {
    let mut messages: Vec<Message> = system(context).into_iter().collect();
    messages.push(task_message(&context.task, PromptForm::ToolCalls));
    for (index, step) in context.steps.iter().enumerate() {
        match &step.action {
            Some(Action::ToolCalls(calls)) => calls_messages(index, step, calls, &mut messages),
            _ => {
                messages.push(Message::of_text("assistant", reply(index, step)?));
                if let Some(observation) = &step.observation {
                    let text = observation_text(observation)
                        .map_err(|refusal| RolloutError::step(index + 1, &refusal))?;
                    messages.push(with_pictures("user", text, &observation.pictures));
                }
            }
        }
    }
    let tools = tool_schemas(&context.tools);
    finished(PromptForm::ToolCalls, messages, tools, context)
}

fn finished(
    form: PromptForm,
    messages: Vec<Message>,
    tools: Vec<Value>,
    context: &Context,
) -> Result<Prompt, RolloutError> {
    let hash = context.hash();
    Ok(Prompt {
        form,
        messages,
        tools,
        context: hash.map_err(|error: CanonicalError| RolloutError::Hash(error))?,
    })
}

fn system(context: &Context) -> Option<Message> {
    let prompt = context.system_prompt.as_deref()?;
    Some(Message::of_text("system", prompt))
}

/// Pictures first, then the turn as the record has it, or as records have it.
fn task_message(task: &Task, form: PromptForm) -> Message {
    let shown = task
        .attachments
        .iter()
        .filter(|attachment| attachment.shown && attachment.reference.is_picture());
    let mut pictures: Vec<Attachment> = shown.cloned().collect();
    let turn = task_turn(task, form);
    let mut parts = Vec::new();
    // Pictures stand where the turn has a mark for them; those without a mark come before it.
    let marks = marks(&turn);
    let unmarked = pictures.len().saturating_sub(marks.len());
    let marked = pictures.split_off(unmarked);
    parts.extend(pictures.into_iter().map(Part::Picture));
    let mut at = 0;
    for (mark, picture) in marks.iter().zip(marked) {
        push_text(&mut parts, turn.get(at..mark.0).unwrap_or_default());
        parts.push(Part::Picture(picture));
        at = mark.1;
    }
    push_text(&mut parts, turn.get(at..).unwrap_or_default());
    Message::of_parts("user", parts)
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
}

/// Where `<img>path</img>`, `<image>` and `<image_01>` stand, which are marks for pixels and nothing that a controller reads.
fn marks(turn: &str) -> Vec<(usize, usize)> {
    const OPENING: &str = "<img>";
    const CLOSING: &str = "</img>";
    let mut marks = Vec::new();
    for (at, _) in turn.match_indices(OPENING) {
        let rest = turn.get(at..).unwrap_or_default();
        // A path is in one line.
        let line = rest.lines().next().unwrap_or_default();
        if let Some(length) = line.find(CLOSING) {
            marks.push((at, at + length + CLOSING.len()));
        }
    }
    for (at, opening) in turn.match_indices("<image") {
        let inner = at + opening.len();
        let rest = turn.get(inner..).unwrap_or_default();
        let digits = rest.strip_prefix('_').unwrap_or_default();
        let number = digits.len()
            - digits
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .len();
        let length = if number > 0 { number + 1 } else { 0 };
        if rest.get(length..).is_some_and(|rest| rest.starts_with('>')) {
            marks.push((at, inner + length + 1));
        }
    }
    marks.sort_unstable();
    marks
}

/// The task's turn: the record's own with the question as it is now, else `Task: …` and the files that tools may open.
fn task_turn(task: &Task, form: PromptForm) -> String {
    if let Some(turn) = &task.prompt {
        if TaskTurn::parse(turn).text == task.text {
            return turn.clone();
        }
        if let Some(turn) = splice_question(turn, &task.text) {
            return turn;
        }
    }
    let named = |attachment: &&Attachment| !task.text.contains(path(attachment).unwrap_or("\0"));
    let files: Vec<&Attachment> = match form {
        PromptForm::Code => task.attachments.iter().collect(),
        PromptForm::ToolCalls => task.attachments.iter().filter(named).collect(),
    };
    let mut turn = match form {
        PromptForm::Code => format!("Task: {}\n", task.text),
        PromptForm::ToolCalls => task.text.clone(),
    };
    let mut list = String::new();
    for file in files.into_iter().filter_map(path) {
        list.push_str(file);
        list.push_str("; ");
    }
    if !list.is_empty() {
        if !turn.ends_with('\n') {
            turn.push('\n');
        }
        turn.push_str("Attachment: ");
        turn.push_str(&list);
    }
    turn
}

/// The path under which tools may open a file; none for one whose bytes the record holds without a name.
fn path(attachment: &Attachment) -> Option<&str> {
    match (&attachment.alias, &attachment.reference) {
        (Some(alias), _) => Some(alias),
        (None, PictureReference::Inline(bytes)) => bytes.path.as_deref(),
        (None, reference) => Some(reference.label()),
    }
}

/// A reply as it was written; where a person changed it, with the change at its place.
fn reply(index: usize, step: &Step) -> Result<String, RolloutError> {
    if let Some(written) = &step.reply {
        let parsed = parse_reply(PromptForm::Code, written, &[]);
        if parsed.thought == step.thought && parsed.action == step.action {
            return Ok(written.clone());
        }
    }
    let parts = ReplyParts {
        thought: step.thought.as_deref(),
        action: step.action.as_ref(),
        written: step.reply.as_deref(),
        observed: step.observation.is_some(),
        is_last: false,
    };
    reply_text(parts, true).map_err(|refusal| RolloutError::step(index + 1, &refusal))
}

/// `[OUTPUT OF STEP i] Observation:\n…`, or `[OUTPUT OF STEP i] Error: …`; the step counts from 0.
fn observation_message(index: usize, observation: &Observation) -> Result<Message, RolloutError> {
    let text =
        observation_text(observation).map_err(|refusal| RolloutError::step(index + 1, &refusal))?;
    let mut turn = match observation.is_error {
        true => format!("[OUTPUT OF STEP {index}] Error: {text}"),
        false => format!("[OUTPUT OF STEP {index}] Observation:\n{text}"),
    };
    // Readers drop the line feed that ends what was printed.
    if !turn.ends_with('\n') {
        turn.push('\n');
    }
    Ok(with_pictures("user", turn, &observation.pictures))
}

fn with_pictures(role: &'static str, text: String, pictures: &[PictureReference]) -> Message {
    let mut parts = vec![Part::Text(text)];
    let shown = pictures.iter().filter(|picture| picture.is_picture());
    parts.extend(shown.map(|picture| {
        Part::Picture(Attachment {
            reference: picture.clone(),
            alias: None,
            caption: None,
            shown: true,
        })
    }));
    Message::of_parts(role, parts)
}

/// A reply that calls tools, and an answer to each call.
fn calls_messages(index: usize, step: &Step, calls: &[ToolCall], messages: &mut Vec<Message>) {
    let id = |call: &ToolCall, at: usize| {
        let made = || format!("call_{index}_{at}");
        call.id.clone().unwrap_or_else(made)
    };
    let called = calls.iter().enumerate().map(|(at, call)| {
        let arguments = match &call.arguments {
            Value::String(text) => text.clone(),
            arguments => arguments.to_string(),
        };
        json!({
            "id": id(call, at),
            "type": "function",
            "function": {"name": call.name, "arguments": arguments},
        })
    });
    let thought = step
        .thought
        .iter()
        .map(|thought| Part::Text(thought.clone()));
    let mut message = Message::of_parts("assistant", thought.collect());
    let called: Vec<Value> = called.collect();
    message
        .fields
        .insert("tool_calls".to_owned(), called.into());
    messages.push(message);
    let Some(observation) = &step.observation else {
        return;
    };
    let has_own = calls.iter().any(|call| call.result.is_some());
    for (at, call) in calls.iter().enumerate() {
        let result = match (&call.result, at) {
            (Some(result), _) => result.as_str(),
            // Not every format says which call gave what.
            (None, 0) if !has_own => observation.text.as_str(),
            (None, _) => "",
        };
        let mut answer = Message::of_text("tool", result);
        answer
            .fields
            .insert("tool_call_id".to_owned(), id(call, at).into());
        answer
            .fields
            .insert("name".to_owned(), call.name.clone().into());
        messages.push(answer);
    }
    if observation
        .pictures
        .iter()
        .any(PictureReference::is_picture)
    {
        // The protocol has pictures in what people say alone.
        let mut shown = with_pictures("user", String::new(), &observation.pictures);
        shown.parts.remove(0);
        messages.push(shown);
    }
}
