//! The dialog of a code agent: written from the domain, or edited in the turns that a record already has.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::code_turns::{
    Dialect, ReplyParts, observation_turn, renumbered, reply_text, splice_observation,
    splice_question, task_turn,
};
use super::step_match::match_steps;
use crate::domain::{Candidate, Step, Task};
use crate::export::Refusal;
use crate::export::json_text::{RawObject, with_text};
use crate::ingest::{Speaker, Turn as ReadTurn};

/// What a dialog says.
#[derive(Debug, Clone, Copy)]
pub(in crate::export) struct DialogParts<'a> {
    /// Only where it is a turn of the dialog.
    pub system_prompt: Option<&'a str>,
    pub task: &'a Task,
    pub steps: &'a [Step],
    /// Whether the last step is the end of a run (a pair's context goes on).
    pub is_whole: bool,
}

impl DialogParts<'_> {
    /// Whether the turns of both would be the same.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.system_prompt == other.system_prompt
            && self.task.text == other.task.text
            && self.task.attachments == other.task.attachments
            && self.steps == other.steps
    }
}

/// One turn, with its text as it was written.
#[derive(Debug, Clone)]
pub(in crate::export) struct Turn {
    object: RawObject,
    speaker: Option<Speaker>,
    text: String,
}

/// Names of the member that holds a turn's text.
const TEXT_KEYS: [&str; 2] = ["value", "content"];

impl Turn {
    fn new(dialect: &Dialect, role: &str, speaker: Speaker, text: String) -> Result<Self, Refusal> {
        let mut object = RawObject::default();
        object.set(dialect.speaker, role)?;
        object.set(dialect.text, &text)?;
        Ok(Self {
            object,
            speaker: Some(speaker),
            text,
        })
    }

    fn set_text(&mut self, text: String, dialect: &Dialect) -> Result<(), Refusal> {
        if text != self.text {
            let key = self.object.first_key(&TEXT_KEYS).unwrap_or(dialect.text);
            let content = with_text(self.object.get(key), &text);
            self.object.set(key, &content)?;
            self.text = text;
        }
        Ok(())
    }
}

impl Serialize for Turn {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.object.serialize(serializer)
    }
}

/// The turns of a new dialog.
pub(in crate::export) fn write_turns(
    parts: DialogParts<'_>,
    dialect: &Dialect,
) -> Result<Vec<Turn>, Refusal> {
    let mut turns = Vec::with_capacity(2 * parts.steps.len() + 2);
    if let Some(prompt) = parts.system_prompt {
        turns.push(Turn::new(
            dialect,
            "system",
            Speaker::System,
            prompt.to_owned(),
        )?);
    }
    let task = task_turn(parts.task, dialect.pictures)?;
    turns.push(Turn::new(dialect, dialect.person, Speaker::User, task)?);
    for index in 0..parts.steps.len() {
        turns.extend(step_turns(parts, index, dialect)?);
    }
    Ok(turns)
}

fn step_turns(
    parts: DialogParts<'_>,
    index: usize,
    dialect: &Dialect,
) -> Result<Vec<Turn>, Refusal> {
    let step = &parts.steps[index];
    let reply = reply_text(
        reply_parts(parts, index, step.reply.as_deref()),
        dialect.ends_replies,
    )
    .map_err(|refusal| in_step(index, &refusal))?;
    let mut turns = vec![Turn::new(
        dialect,
        dialect.controller,
        Speaker::Assistant,
        reply,
    )?];
    if let Some(observation) = &step.observation {
        let text = observation_turn(index, observation)?;
        turns.push(Turn::new(
            dialect,
            dialect.environment,
            Speaker::User,
            text,
        )?);
    }
    Ok(turns)
}

fn reply_parts<'a>(
    parts: DialogParts<'a>,
    index: usize,
    written: Option<&'a str>,
) -> ReplyParts<'a> {
    let step = &parts.steps[index];
    ReplyParts {
        thought: step.thought.as_deref(),
        action: step.action.as_ref(),
        written,
        observed: step.observation.is_some(),
        is_last: parts.is_whole && index + 1 == parts.steps.len(),
    }
}

/// The turns of a record after edits: `old` is what they say, `new` is what they shall say. Everything else stays.
pub(in crate::export) fn edit_turns(
    turns: &RawValue,
    old: DialogParts<'_>,
    new: DialogParts<'_>,
    dialect: &Dialect,
) -> Result<Vec<Turn>, Refusal> {
    let mut head = read_turns(turns)?;
    let is_reply = |turn: &Turn| turn.speaker == Some(Speaker::Assistant);
    let first = head.iter().position(is_reply).unwrap_or(head.len());
    let mut groups: Vec<Vec<Turn>> = Vec::with_capacity(old.steps.len());
    for turn in head.split_off(first) {
        match groups.last_mut() {
            Some(group) if !is_reply(&turn) => group.push(turn),
            _ => groups.push(vec![turn]),
        }
    }
    edit_task(&mut head, old.task, new.task, dialect)?;
    if let Some(prompt) = new
        .system_prompt
        .filter(|_| old.system_prompt != new.system_prompt)
    {
        let mut turns = head.iter_mut().chain(groups.iter_mut().flatten());
        match turns.find(|turn| turn.speaker == Some(Speaker::System)) {
            Some(turn) => turn.set_text(prompt.to_owned(), dialect)?,
            None => head.insert(
                0,
                Turn::new(dialect, "system", Speaker::System, prompt.to_owned())?,
            ),
        }
    }
    let mut edited = head;
    for (index, was) in match_steps(old.steps, new.steps).into_iter().enumerate() {
        let known = was.and_then(|was| Some((was, groups.get(was)?, old.steps.get(was)?)));
        edited.extend(match known {
            Some((was, group, step)) => {
                edit_step(group.clone(), (was, step), (new, index), dialect)?
            }
            None => step_turns(new, index, dialect)?,
        });
    }
    Ok(edited)
}

fn read_turns(turns: &RawValue) -> Result<Vec<Turn>, Refusal> {
    let objects: Vec<&RawValue> = serde_json::from_str(turns.get())?;
    objects
        .into_iter()
        .map(|raw| {
            let read = ReadTurn::deserialize(&mut serde_json::Deserializer::from_str(raw.get()))?;
            Ok(Turn {
                speaker: read.speaker(),
                text: read.content.text.into_owned(),
                object: RawObject::parse(raw.get())?,
            })
        })
        .collect()
}

fn edit_task(
    head: &mut Vec<Turn>,
    old: &Task,
    new: &Task,
    dialect: &Dialect,
) -> Result<(), Refusal> {
    let keeps_files = old.attachments == new.attachments;
    if old.text == new.text && keeps_files {
        return Ok(());
    }
    let is_task = |turn: &Turn| turn.speaker == Some(Speaker::User);
    let texts: Vec<&str> = head
        .iter()
        .filter(|t| is_task(t))
        .map(|t| t.text.as_str())
        .collect();
    let spliced = splice_question(&texts.join("\n"), &new.text).filter(|_| keeps_files);
    let text = match spliced {
        Some(text) => text,
        None => task_turn(new, dialect.pictures)?,
    };
    let Some(first) = head.iter().position(is_task) else {
        head.push(Turn::new(dialect, dialect.person, Speaker::User, text)?);
        return Ok(());
    };
    head[first].set_text(text, dialect)?;
    let mut place = 0;
    head.retain(|turn| {
        place += 1;
        place - 1 == first || !is_task(turn)
    });
    Ok(())
}

/// The turns of one step: its reply, then what followed it.
fn edit_step(
    mut turns: Vec<Turn>,
    (was, old): (usize, &Step),
    (parts, index): (DialogParts<'_>, usize),
    dialect: &Dialect,
) -> Result<Vec<Turn>, Refusal> {
    let new = &parts.steps[index];
    if (&old.thought, &old.action, &old.reply) != (&new.thought, &new.action, &new.reply)
        && let Some(turn) = turns.first_mut()
    {
        let written = new.reply.as_deref().or(old.reply.as_deref());
        let text = reply_text(reply_parts(parts, index, written), dialect.ends_replies)
            .map_err(|refusal| in_step(index, &refusal))?;
        turn.set_text(text, dialect)?;
    }
    let is_answer = |turn: &Turn| turn.speaker == Some(Speaker::User);
    let answer = turns.iter().position(is_answer);
    if old.observation == new.observation {
        if let Some(turn) = answer.and_then(|at| turns.get_mut(at))
            && let Some(text) = renumbered(&turn.text, was, index)
        {
            turn.set_text(text, dialect)?;
        }
        return Ok(turns);
    }
    let Some(observation) = &new.observation else {
        turns.retain(|turn| !is_answer(turn));
        return Ok(turns);
    };
    match answer {
        Some(at) => {
            let turn = &mut turns[at];
            let text = splice_observation(&turn.text, index, observation)?;
            let text = renumbered(&text, was, index).unwrap_or(text);
            turn.set_text(text, dialect)?;
            let mut place = 0;
            turns.retain(|turn| {
                place += 1;
                place - 1 == at || !is_answer(turn)
            });
        }
        None => {
            let text = observation_turn(index, observation)?;
            turns.insert(
                1,
                Turn::new(dialect, dialect.environment, Speaker::User, text)?,
            );
        }
    }
    Ok(turns)
}

/// Why a step can't be written; `index` is from 0.
pub(in crate::export) fn in_step(index: usize, refusal: &Refusal) -> Refusal {
    Refusal::new(format!("step {}: {refusal}", index + 1))
}

/// The text of a side of a pair, or of a candidate: `old` as read, `new` as it shall be.
pub(in crate::export) fn candidate_text(
    old: Option<&str>,
    new: &Candidate,
    ends: bool,
) -> Result<String, Refusal> {
    let parts = ReplyParts {
        thought: new.thought.as_deref(),
        action: new.action.as_ref(),
        written: new.reply.as_deref().or(old),
        // Sides are written alike, whether they were executed or not.
        observed: true,
        is_last: false,
    };
    reply_text(parts, ends)
}
