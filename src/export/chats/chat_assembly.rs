//! How the turns of a chat are made of an item's task, steps and sides.

use std::collections::HashSet;
use std::sync::Arc;

use super::chat::{Chat, ChatAnswer, ChatCall, ChatPart, ChatSpeaker, ChatTurn};
use super::tool_text::described_tools;
use crate::domain::{
    Action, Attachment, Candidate, Observation, PictureReference, PreferencePair, Provenance, Step,
    Task, ToolCall, ToolDefinition, Trajectory,
};
use crate::export::Refusal;
use crate::export::records::atif::arguments;
use crate::export::records::call_results::results_of_calls;
use crate::export::records::code_turns::{
    ReplyParts, files_line, observation_turn, reply_text, without_open_fence,
};
use crate::export::records::dialog::in_step;
use crate::export::trainers::llama_factory::PLACEHOLDER;
use crate::ingest::code_reply::END_ACTION;

/// Formats of code agents: their replies are text, even where no code could be found in them.
const CODE_FORMATS: [&str; 6] = [
    "m-trace",
    "minicpm",
    "raw-run",
    "pref-x",
    "pref-x-beam",
    "evaluation-run",
];

/// How an item's agent acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::export) enum Style {
    /// It writes Python, and what that prints comes back as a turn of the person.
    Code,
    /// It makes structured calls, and tools answer.
    Calls,
    /// It only talks.
    Talk,
}

/// A trajectory or a pair.
pub(in crate::export) struct Item<'a> {
    system: Option<&'a Arc<str>>,
    tools: &'a [ToolDefinition],
    task: &'a Task,
    steps: &'a [Step],
    sides: Option<[&'a Candidate; 2]>,
    provenance: &'a Provenance,
}

impl<'a> Item<'a> {
    pub fn of_trajectory(trajectory: &'a Trajectory) -> Self {
        Self {
            system: trajectory.system_prompt.as_ref(),
            tools: &trajectory.tools,
            task: &trajectory.task,
            steps: &trajectory.steps,
            sides: None,
            provenance: &trajectory.provenance,
        }
    }

    pub fn of_pair(pair: &'a PreferencePair) -> Self {
        Self {
            system: pair.context.system_prompt.as_ref(),
            tools: &pair.context.tools,
            task: &pair.context.task,
            steps: &pair.context.steps,
            sides: Some([&pair.chosen, &pair.rejected]),
            provenance: &pair.provenance,
        }
    }

    fn replies(&self) -> impl Iterator<Item = Reply<'a>> {
        let sides = self.sides.into_iter().flatten();
        let steps = self.steps.iter().map(Reply::of_step);
        steps.chain(sides.map(Reply::of_candidate))
    }

    pub fn style(&self) -> Style {
        let has = |wanted: fn(&Action) -> bool| self.replies().filter_map(|r| r.action).any(wanted);
        let is_code = CODE_FORMATS.contains(&self.provenance.format.as_str());
        if is_code || has(|action| matches!(action, Action::Code(_))) {
            Style::Code
        } else if has(|action| matches!(action, Action::ToolCalls(_))) {
            Style::Calls
        } else {
            Style::Talk
        }
    }

    /// Whether calls name files of the task.
    fn calls_name_files(&self) -> bool {
        let paths: Vec<&str> = self.task.attachments.iter().filter_map(path).collect();
        let named = |call: &ToolCall| {
            let arguments = call.arguments.to_string();
            paths.iter().any(|path| arguments.contains(path))
        };
        self.replies()
            .filter_map(|reply| reply.action)
            .any(|action| matches!(action, Action::ToolCalls(calls) if calls.iter().any(named)))
    }
}

/// What a step and a candidate have in common.
#[derive(Clone, Copy)]
struct Reply<'a> {
    thought: Option<&'a str>,
    action: Option<&'a Action>,
    written: Option<&'a str>,
    pictures: &'a [PictureReference],
    observed: bool,
}

impl<'a> Reply<'a> {
    fn of_step(step: &'a Step) -> Self {
        Self {
            thought: step.thought.as_deref(),
            action: step.action.as_ref(),
            written: step.reply.as_deref(),
            pictures: &step.pictures,
            observed: step.observation.is_some(),
        }
    }

    fn of_candidate(candidate: &'a Candidate) -> Self {
        Self {
            thought: candidate.thought.as_deref(),
            action: candidate.action.as_ref(),
            written: candidate.reply.as_deref(),
            pictures: &[],
            // Who calls a tool wants to see what it returns, executed or not: both sides are written alike.
            observed: true,
        }
    }
}

/// Makes the chat.
pub(in crate::export) fn assemble(item: &Item<'_>, style: Style) -> Result<Chat, Refusal> {
    let mut assembly = Assembly {
        style,
        // Replies that are written anew must not be told from others by their end.
        ends: item.replies().any(|reply| {
            reply
                .written
                .is_some_and(|written| written.contains(END_ACTION))
        }),
        ids: HashSet::new(),
        turns: vec![task_turn(item, style)],
    };
    for (index, step) in item.steps.iter().enumerate() {
        let is_last = item.sides.is_none() && index + 1 == item.steps.len();
        assembly
            .add_step(step, index, is_last)
            .map_err(|refusal| in_step(index, &refusal))?;
    }
    let sides = match item.sides {
        Some([chosen, rejected]) => {
            let mut side = |candidate: &Candidate| {
                assembly.reply(Reply::of_candidate(candidate), item.steps.len(), false)
            };
            Some(Box::new([side(chosen)?, side(rejected)?]))
        }
        None => None,
    };
    let (system, tools) = match style {
        Style::Code => (described(item.system, item.tools), Vec::new()),
        Style::Calls | Style::Talk => (item.system.cloned(), item.tools.to_vec()),
    };
    Ok(Chat {
        system,
        tools,
        turns: assembly.turns,
        sides,
    })
}

/// The system prompt with the tools in it, where it does not name them.
pub(in crate::export) fn described(
    system: Option<&Arc<str>>,
    tools: &[ToolDefinition],
) -> Option<Arc<str>> {
    let names_all =
        |prompt: &&Arc<str>| tools.iter().all(|tool| prompt.contains(tool.name.as_str()));
    if tools.is_empty() || system.as_ref().is_some_and(names_all) {
        return system.cloned();
    }
    let tools = described_tools(tools);
    Some(match system {
        Some(prompt) => format!("{prompt}\n\n{tools}").into(),
        None => tools.into(),
    })
}

fn path(attachment: &Attachment) -> Option<&str> {
    match (&attachment.alias, &attachment.reference) {
        (Some(alias), _) => Some(alias),
        (None, PictureReference::Path(path) | PictureReference::Url(path)) => Some(path),
        (None, PictureReference::Inline(bytes)) => bytes.path.as_deref(),
    }
}

/// Whether the controller got a file as a picture. Benchmarks show videos, too, which no row can hold.
pub(in crate::export) fn is_seen(attachment: &Attachment) -> bool {
    let reference = &attachment.reference;
    attachment.shown && (reference.is_picture() || reference.file_type().is_none())
}

/// The task: pictures, question, and the paths of files that tools may open.
///
/// A code agent is told all paths, as M-TRACE does. Others are told those of files that are not shown, and all if calls
/// name one (GTA lists files outside its dialogs), unless the turn has them already.
fn task_turn(item: &Item<'_>, style: Style) -> ChatTurn {
    let task = item.task;
    let mut text = match style {
        Style::Code => format!("Task: {}", task.text),
        Style::Calls | Style::Talk => task.prompt.clone().unwrap_or_else(|| task.text.clone()),
    };
    let names_all = style == Style::Code || item.calls_name_files();
    let untold = task.attachments.iter().filter(|attachment| {
        let is_told = path(attachment).is_some_and(|path| text.contains(path));
        style == Style::Code || ((names_all || !is_seen(attachment)) && !is_told)
    });
    let line = files_line(untold.filter_map(path));
    if !line.is_empty() {
        text.push('\n');
        text.push_str(&line);
    }
    let pictures = task.attachments.iter().filter(|a| is_seen(a));
    let pictures: Vec<Attachment> = pictures.cloned().collect();
    let (parts, is_inline) = placed(&text, pictures, Place::Before);
    ChatTurn {
        is_inline,
        ..turn(ChatSpeaker::User, None, parts)
    }
}

fn turn(speaker: ChatSpeaker, step: Option<usize>, parts: Vec<ChatPart>) -> ChatTurn {
    ChatTurn {
        speaker,
        step,
        parts,
        is_inline: false,
        thought: None,
        written: None,
        calls: Vec::new(),
        answers: None,
    }
}

/// Where pictures stand whose place the data does not say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    Behind,
}

/// A text with its pictures: at its marks if there are as many marks as pictures, else before or behind it, its marks left out:
/// a trainer would look for a picture at each. Says which.
fn placed(text: &str, pictures: Vec<Attachment>, place: Place) -> (Vec<ChatPart>, bool) {
    let marks = text.matches(PLACEHOLDER).count();
    let is_marked = !pictures.is_empty() && marks == pictures.len();
    let without_marks;
    let text = match marks > 0 && !pictures.is_empty() && !is_marked {
        true => {
            without_marks = text.replace(PLACEHOLDER, "");
            without_marks.trim_start_matches('\n')
        }
        false => text,
    };
    let words = |text: &str| (!text.is_empty()).then(|| ChatPart::Text(text.to_owned()));
    let mut pictures = pictures.into_iter().map(ChatPart::Picture);
    let mut parts = Vec::new();
    if is_marked {
        for words_before in text.split(PLACEHOLDER) {
            parts.extend(words(words_before));
            parts.extend(pictures.next());
        }
    } else if place == Place::Before {
        parts.extend(pictures);
        parts.extend(words(text));
    } else {
        parts.extend(words(text));
        parts.extend(pictures);
    }
    (parts, is_marked)
}

fn attached(references: &[PictureReference]) -> Vec<Attachment> {
    let shown = |reference: &PictureReference| Attachment {
        reference: reference.clone(),
        alias: None,
        caption: None,
        shown: true,
    };
    references.iter().map(shown).collect()
}

struct Assembly {
    style: Style,
    /// Whether replies end in `<end_action>`.
    ends: bool,
    /// Ids of calls that are taken.
    ids: HashSet<String>,
    turns: Vec<ChatTurn>,
}

impl Assembly {
    fn add_step(&mut self, step: &Step, index: usize, is_last: bool) -> Result<(), Refusal> {
        let reply = self.reply(Reply::of_step(step), index, is_last)?;
        let calls = reply.calls.clone();
        self.turns.push(reply);
        let Some(observation) = &step.observation else {
            return Ok(());
        };
        let pictures = attached(&observation.pictures);
        let number = Some(index + 1);
        if calls.is_empty() {
            let text = match self.style {
                Style::Code => observation_turn(index, &without_pictures(observation))?,
                Style::Calls | Style::Talk => observation.text.clone(),
            };
            let (parts, is_inline) = placed(&text, pictures, Place::Behind);
            self.turns.push(ChatTurn {
                is_inline,
                ..turn(ChatSpeaker::User, number, parts)
            });
            return Ok(());
        }
        let mut answers = answers(&calls, step.tool_calls(), &observation.text);
        let last = answers.pop();
        for (call, text) in answers {
            self.turns
                .push(answer(number, call, vec![ChatPart::Text(text)], false));
        }
        if let Some((call, text)) = last {
            let (parts, is_inline) = placed(&text, pictures, Place::Behind);
            self.turns.push(answer(number, call, parts, is_inline));
        }
        Ok(())
    }

    /// The turn of a reply; `index` is that of its step, from 0.
    fn reply(
        &mut self,
        reply: Reply<'_>,
        index: usize,
        is_last: bool,
    ) -> Result<ChatTurn, Refusal> {
        let words = reply.thought.map(without_open_fence);
        let mut written = reply.written.filter(|written| says(written, words));
        let mut thought = None;
        let mut calls = Vec::new();
        let text = match (self.style, reply.action) {
            (Style::Code, action) => {
                let parts = ReplyParts {
                    thought: reply.thought,
                    action,
                    written: reply.written,
                    observed: reply.observed,
                    is_last,
                };
                reply_text(parts, self.ends)?
            }
            (_, Some(Action::ToolCalls(made))) => {
                calls = self.calls(made, index + 1);
                thought = words.map(str::to_owned);
                // What is kept of a reply is the whole of it, with its thought in marks, or what it says beside its thought.
                let whole = reply.written.unwrap_or_default();
                let rest = whole.split_once(END_THINKING);
                written = written.filter(|_| rest.is_some());
                rest.map_or(whole, |(_, rest)| rest.trim_start()).to_owned()
            }
            (_, action) => {
                let said = match action {
                    Some(Action::Message(said)) => Some(said.as_str()),
                    _ => None,
                };
                match written.take().filter(|written| says(written, said)) {
                    Some(written) => written.to_owned(),
                    None => thinking(words, said.unwrap_or_default()),
                }
            }
        };
        let written = written.filter(|_| thought.is_some());
        let (parts, is_inline) = placed(&text, attached(reply.pictures), Place::Before);
        Ok(ChatTurn {
            is_inline,
            thought,
            written: written.map(str::to_owned),
            calls,
            ..turn(ChatSpeaker::Assistant, Some(index + 1), parts)
        })
    }

    fn calls(&mut self, made: &[ToolCall], step: usize) -> Vec<ChatCall> {
        let made = made.iter().enumerate().map(|(index, call)| {
            let own = call.id.clone().filter(|id| !id.is_empty());
            let mut id = own.unwrap_or_else(|| format!("call_{step}_{}", index + 1));
            while !self.ids.insert(id.clone()) {
                id.push('_');
            }
            ChatCall {
                id,
                name: call.name.clone(),
                arguments: arguments(call),
            }
        });
        made.collect()
    }
}

/// Whether a text holds these words.
fn says(text: &str, words: Option<&str>) -> bool {
    words.is_none_or(|words| text.contains(words.trim()))
}

/// The marks around a thought, as models write them that think aloud.
const BEGIN_THINKING: &str = "<think>";
const END_THINKING: &str = "</think>";

/// A reply with its thought in marks.
pub(in crate::export) fn thinking(thought: Option<&str>, said: &str) -> String {
    match thought.map(str::trim).filter(|thought| !thought.is_empty()) {
        Some(thought) if said.is_empty() => thought.to_owned(),
        Some(thought) => format!("{BEGIN_THINKING}\n{thought}\n{END_THINKING}\n\n{said}"),
        None => said.to_owned(),
    }
}

fn without_pictures(observation: &Observation) -> Observation {
    Observation {
        pictures: Vec::new(),
        ..observation.clone()
    }
}

/// What each call of a step returned. What can't be told apart is the last one's.
fn answers(calls: &[ChatCall], made: &[ToolCall], text: &str) -> Vec<(ChatAnswer, String)> {
    let answer = |at: usize| {
        calls.get(at).or(calls.last()).map(|call| ChatAnswer {
            id: call.id.clone(),
            name: call.name.clone(),
        })
    };
    let last = calls.len().saturating_sub(1);
    let returned: Vec<Option<&str>> = made.iter().map(|call| call.result.as_deref()).collect();
    let pieces: Vec<(usize, String)> = match results_of_calls(&returned, text) {
        Some(results) => results
            .into_iter()
            .map(|result| (result.call.unwrap_or(last), result.text.to_owned()))
            .collect(),
        None => (0..calls.len())
            .map(|at| {
                (
                    at,
                    if at == last {
                        text.to_owned()
                    } else {
                        String::new()
                    },
                )
            })
            .collect(),
    };
    pieces
        .into_iter()
        .filter_map(|(at, text)| Some((answer(at)?, text)))
        .collect()
}

fn answer(
    step: Option<usize>,
    answers: ChatAnswer,
    parts: Vec<ChatPart>,
    is_inline: bool,
) -> ChatTurn {
    ChatTurn {
        is_inline,
        answers: Some(answers),
        ..turn(ChatSpeaker::Tool, step, parts)
    }
}
