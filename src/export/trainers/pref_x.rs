//! Pref-X pairs in the LLaMA-Factory form (paper super::3d), from any record that holds pairs.

use serde_json::value::RawValue;

use super::llama_factory::{
    FUNCTION_CALLS, LITERAL_MARKS, PICTURE_MARKS, SIDE_FORM, TURN_TEXTS, TURNS_ALTERNATE,
};
use crate::domain::{Candidate, Context, PreferencePair, Record, Task};
use crate::export::chats::chat_assembly::described;
use crate::export::json_text::{RawObject, with_text};
use crate::export::pictures::{Media, Pictures};
use crate::export::preflight::{
    EMPTY_SIDE, EQUAL_SIDES, MISSING_TASK_PICTURE, NO_SYSTEM_PROMPT, PreflightRule, ROW_COLUMNS,
    UNSEEN_MEDIA, find_passed_over,
};
use crate::export::records::code_turns::{
    Dialect, PictureMarks, observation_text, picture_paths, shown,
};
use crate::export::records::dialog::{DialogParts, candidate_text, edit_turns, write_turns};
use crate::export::records::original::{as_read, format_of, unsupported};
use crate::export::tables::hugging_face::{Column, ColumnType};
use crate::export::token_limit::TOO_LONG;
use crate::export::{Outgoing, Refusal, Rendered, preflight};

const NAME: &str = "pref-x";

static DIALECT: Dialect = Dialect {
    speaker: "from",
    text: "value",
    person: "human",
    environment: "human",
    controller: "gpt",
    ends_replies: true,
    pictures: PictureMarks::Glued,
};

/// What is checked of a row.
pub(in crate::export) static RULES: &[&PreflightRule] = &[
    &TURNS_ALTERNATE,
    &SIDE_FORM,
    &TURN_TEXTS,
    &FUNCTION_CALLS,
    &PICTURE_MARKS,
    &LITERAL_MARKS,
    &EQUAL_SIDES,
    &EMPTY_SIDE,
    &MISSING_TASK_PICTURE,
    &NO_SYSTEM_PROMPT,
    &UNSEEN_MEDIA,
    &PASSED_OVER,
    &ROW_COLUMNS,
    &TOO_LONG,
];

/// Records of this format keep what was passed over.
static PASSED_OVER: PreflightRule = PreflightRule {
    check: |subject, found| {
        if format_of(&subject.outgoing.record) != NAME {
            find_passed_over(subject, found);
        }
    },
    ..preflight::PASSED_OVER_BY_READERS
};

/// The columns that the file's entry in `dataset_info.json` names.
pub(in crate::export) fn columns() -> Vec<Column> {
    let message = || vec![Column::text(DIALECT.speaker), Column::text(DIALECT.text)];
    let side = || {
        let mut side = message();
        side.push(Column::text("observation"));
        ColumnType::Struct(side)
    };
    vec![
        Column::new("images", ColumnType::Picture.list()),
        Column::new("conversations", ColumnType::Struct(message()).list()),
        Column::new("chosen", side()),
        Column::new("rejected", side()),
        Column::text("system"),
    ]
}

/// Each pair of a record as a row.
pub(in crate::export) fn pref_x(outgoing: &Outgoing, pictures: &mut Pictures) -> Rendered {
    let record = &outgoing.record;
    let mut rendered = Rendered::default();
    for pair in &record.content.pairs {
        let images = images(&pair.context.task, outgoing, pictures);
        let row = images.and_then(|images| match format_of(record) == NAME {
            true => edit_record(record, images.as_deref()),
            false => write(pair, images),
        });
        rendered.add(pair.part.as_deref(), None, row);
    }
    rendered
}

/// A record of this format with the edits of people in it.
pub(in crate::export) fn own_row(record: &Record) -> Rendered {
    Rendered::one(edit_record(record, None))
}

/// The names of the pictures, where they are not those of the data.
fn images(
    task: &Task,
    outgoing: &Outgoing,
    pictures: &mut Pictures,
) -> Result<Option<Vec<String>>, Refusal> {
    if pictures.media() == Media::Path {
        return Ok(None);
    }
    let names = shown(task).map(|attachment| pictures.name(attachment, &outgoing.roots));
    names.collect::<Result<_, _>>().map(Some)
}

fn write(pair: &PreferencePair, images: Option<Vec<String>>) -> Result<String, Refusal> {
    let context = &pair.context;
    let chosen = candidate_text(None, &pair.chosen, true)?;
    let rejected = candidate_text(None, &pair.rejected, true)?;
    let turns = serde_json::to_string(&write_turns(parts(context), &DIALECT)?)?;
    let mut row = RawObject::default();
    match images {
        Some(images) => row.set("images", &images)?,
        None => row.set("images", &picture_paths(&context.task)?)?,
    }
    row.set("conversations", &RawValue::from_string(turns)?)?;
    row.set("chosen", &side(&pair.chosen, &chosen)?)?;
    row.set("rejected", &side(&pair.rejected, &rejected)?)?;
    // The row has no place for tools, so they are told in the system prompt.
    let system = described(context.system_prompt.as_ref(), &context.tools);
    row.set("system", system.as_deref().unwrap_or_default())?;
    row.to_json()
}

fn side(candidate: &Candidate, text: &str) -> Result<RawObject, Refusal> {
    let mut side = RawObject::default();
    side.set(DIALECT.speaker, DIALECT.controller)?;
    side.set(DIALECT.text, text)?;
    if let Some(observation) = &candidate.observation {
        side.set("observation", &observation_text(observation)?)?;
    }
    Ok(side)
}

fn parts(context: &Context) -> DialogParts<'_> {
    DialogParts {
        system_prompt: None,
        task: &context.task,
        steps: &context.steps,
        is_whole: false,
    }
}

fn edit_record(record: &Record, images: Option<&[String]>) -> Result<String, Refusal> {
    let read = as_read(record)?;
    let row = match (read.pairs.as_slice(), record.content.pairs.as_slice()) {
        ([old], [new]) => edit(&record.raw, old, new)?,
        _ => return Err(unsupported(NAME)),
    };
    let Some(images) = images else {
        return Ok(row);
    };
    let mut row = RawObject::parse(&row)?;
    row.set("images", images)?;
    row.to_json()
}

fn edit(raw: &str, old: &PreferencePair, new: &PreferencePair) -> Result<String, Refusal> {
    let mut row = RawObject::parse(raw)?;
    let mut changed = false;
    let (old_context, new_context) = (&old.context, &new.context);
    let (mut old_parts, mut new_parts) = (parts(old_context), parts(new_context));
    if old_context.system_prompt != new_context.system_prompt {
        let is_turn = old_context.system_prompt.is_some()
            && row
                .text("system")
                .is_none_or(|prompt| prompt.trim().is_empty());
        if is_turn {
            old_parts.system_prompt = old_context.system_prompt.as_deref();
            new_parts.system_prompt = new_context.system_prompt.as_deref();
        } else {
            row.set("system", &new_context.system_prompt)?;
            changed = true;
        }
    }
    if !old_parts.says_the_same(&new_parts) {
        let turns = row.get("conversations").ok_or_else(|| unsupported(NAME))?;
        let turns = edit_turns(turns, old_parts, new_parts, &DIALECT)?;
        row.set("conversations", &turns)?;
        changed = true;
    }
    if !shown(&old_context.task).eq(shown(&new_context.task)) {
        row.set("images", &picture_paths(&new_context.task)?)?;
        changed = true;
    }
    for (key, old, new) in [
        ("chosen", &old.chosen, &new.chosen),
        ("rejected", &old.rejected, &new.rejected),
    ] {
        let same = (&old.thought, &old.action, &old.reply, &old.observation)
            == (&new.thought, &new.action, &new.reply, &new.observation);
        if !same {
            let side = row.get(key).ok_or_else(|| unsupported(NAME))?;
            let side = edit_side(RawObject::parse(side.get())?, old, new)?;
            row.set(key, &side)?;
            changed = true;
        }
    }
    if changed {
        row.to_json()
    } else {
        Ok(raw.to_owned())
    }
}

fn edit_side(mut side: RawObject, old: &Candidate, new: &Candidate) -> Result<RawObject, Refusal> {
    if (&old.thought, &old.action, &old.reply) != (&new.thought, &new.action, &new.reply) {
        let text = candidate_text(old.reply.as_deref(), new, true)?;
        let key = side
            .first_key(&["value", "content"])
            .unwrap_or(DIALECT.text);
        let content = with_text(side.get(key), &text);
        side.set(key, &content)?;
    }
    if old.observation != new.observation {
        match &new.observation {
            Some(observation) => side.set("observation", &observation_text(observation)?)?,
            None => side.remove("observation"),
        }
    }
    Ok(side)
}
