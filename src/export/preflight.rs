//! What is checked of a row before it is written: rules that every trainer has, and how rules are run.
//!
//! Rules of one trainer stand beside its writer. A row that fails a rule is not written, unless the rule is allowed by name.

use serde_json::Value;

use super::Outgoing;
use super::chats::chat::{Chat, ChatSpeaker, ChatTurn};
use super::chats::chat_assembly::is_seen;
use super::tables::hugging_face::{Column, ColumnType};
use super::target::{Contents, Target};
use super::token_limit::TokenLimit;
use crate::domain::{Attachment, FileLookup, PictureReference, PreferencePair, Task};

/// One check of a row.
#[derive(Debug)]
pub struct PreflightRule {
    /// Its name: `--allow NAME`.
    pub name: &'static str,
    /// What it objects to and what the trainer would do, in a sentence.
    pub doc: &'static str,
    /// Finds what is wrong.
    pub(super) check: fn(&Subject<'_>, &mut Vec<Finding>),
}

/// What a rule looks at.
pub(super) struct Subject<'a> {
    /// The record of the row.
    pub outgoing: &'a Outgoing,
    /// The pair of the row, if it is one.
    pub pair: Option<&'a PreferencePair>,
    /// The step of the row, from 1, where a trajectory makes a row of each.
    pub step: Option<usize>,
    /// The row.
    pub row: &'a Value,
    /// What the row holds.
    pub contents: Contents,
    /// What the row says; `None` where the target has no chat, and where none can be made of the item.
    pub chat: Option<&'a Chat>,
    /// What the row is for.
    pub target: &'static Target,
    /// How many tokens it may take, where somebody asked.
    pub tokens: Option<&'a TokenLimit>,
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The step that it is in, from 1.
    pub step: Option<usize>,
    /// What is wrong.
    pub message: String,
}

/// A row that is not written, or would not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The trajectory or pair.
    pub id: crate::domain::TargetId,
    /// The step, from 1.
    pub step: Option<usize>,
    /// The rule's name.
    pub rule: &'static str,
    /// What is wrong.
    pub message: String,
}

/// The name under which rows that can't be made are told; no `--allow` helps.
pub const NOT_WRITABLE: &str = "not-writable";

impl<'a> Subject<'a> {
    /// The task of the row.
    pub fn task(&self) -> Option<&Task> {
        let trajectory = || Some(&self.outgoing.record.content.trajectory.as_ref()?.task);
        self.pair.map(|pair| &pair.context.task).or_else(trajectory)
    }

    /// The turns of the row.
    pub fn said(&self) -> Vec<&'a ChatTurn> {
        let Some(chat) = self.chat else {
            return Vec::new();
        };
        match (&chat.sides, self.step.and_then(|step| chat.at_step(step))) {
            (Some(sides), _) => chat.turns.iter().chain(sides.iter()).collect(),
            (None, Some((before, reply))) => before.iter().chain([reply]).collect(),
            (None, None) => chat.to_last_reply().iter().collect(),
        }
    }

    /// Adds a finding on the row as a whole.
    pub fn find(&self, found: &mut Vec<Finding>, message: impl Into<String>) {
        self.find_in(found, None, message);
    }

    /// Adds a finding in a step.
    pub fn find_in(
        &self,
        found: &mut Vec<Finding>,
        step: Option<usize>,
        message: impl Into<String>,
    ) {
        found.push(Finding {
            step: step.or(self.step),
            message: message.into(),
        });
    }

    /// Adds a finding for each text that holds one of these marks.
    pub fn find_marks(&self, found: &mut Vec<Finding>, marks: &[&str]) {
        for turn in self.said() {
            for mark in marks {
                if turn.texts().any(|text| text.contains(mark)) {
                    self.find_in(found, turn.step, format!("{mark} stands in the text"));
                }
            }
        }
    }

    fn find_missing(
        &self,
        found: &mut Vec<Finding>,
        step: Option<usize>,
        attachment: &Attachment,
        fetches: bool,
    ) {
        let roots = &self.outgoing.roots;
        let label = attachment.reference.label();
        if matches!(attachment.reference, PictureReference::Url(_)) {
            if !fetches {
                let message = format!("{label} is an address, and nothing is fetched");
                self.find_in(found, step, message);
            }
            return;
        }
        let alias = attachment.alias.clone().map(PictureReference::Path);
        let names = [Some(attachment.reference.clone()), alias];
        let mut names = names.into_iter().flatten();
        if !roots.is_empty() && !names.any(|name| roots.exists(&name) == Some(true)) {
            let message = format!("{label} is not below the source's picture roots");
            self.find_in(found, step, message);
        }
    }

    /// Adds a finding for each picture of the row that is not there; `fetches` says that addresses are.
    pub fn find_missing_pictures(&self, found: &mut Vec<Finding>, fetches: bool) {
        for turn in self.said() {
            for picture in turn.pictures() {
                self.find_missing(found, turn.step, picture, fetches);
            }
        }
    }
}

/// The members of a row's list.
pub(super) fn list<'a>(row: &'a Value, key: &str) -> &'a [Value] {
    row[key].as_array().map_or(&[][..], Vec::as_slice)
}

/// A picture that a trainer would look for in vain.
pub(super) static MISSING_PICTURE: PreflightRule = MISSING;

const MISSING: PreflightRule = PreflightRule {
    name: "missing-picture",
    doc: "A picture of the row is not there, or is an address: the trainer would stop at it.",
    check: |subject, found| subject.find_missing_pictures(found, false),
};

/// The same for rows that have the pictures of the task alone.
pub(super) static MISSING_TASK_PICTURE: PreflightRule = PreflightRule {
    check: |subject, found| {
        let attachments = subject.task().map_or(&[][..], |task| &task.attachments);
        for attachment in attachments.iter().filter(|attachment| attachment.shown) {
            subject.find_missing(found, None, attachment, false);
        }
    },
    ..MISSING
};

/// A context without a system prompt.
pub(super) static NO_SYSTEM_PROMPT: PreflightRule = PreflightRule {
    name: "no-system-prompt",
    doc: "The context has neither a system prompt nor declared tools: the model would learn to act without having been \
          told its tools.",
    check: |subject, found| {
        let is_told = subject.chat.is_none_or(|chat| {
            let prompt = chat.system.as_deref().unwrap_or_default();
            !prompt.trim().is_empty() || !chat.tools.is_empty()
        });
        if !is_told {
            subject.find(found, "there is no system prompt");
        }
    },
};

/// A pair whose sides say the same.
pub(super) static EQUAL_SIDES: PreflightRule = PreflightRule {
    name: "equal-sides",
    doc: "Chosen and rejected say the same: the pair teaches nothing (ms-swift drops it, the others do not look).",
    check: |subject, found| {
        let Some(pair) = subject.pair else { return };
        let (chosen, rejected) = (&pair.chosen, &pair.rejected);
        let is_read = chosen.thought.is_some() || chosen.action.is_some();
        let same = (&chosen.thought, &chosen.action) == (&rejected.thought, &rejected.action);
        let sides = subject.chat.and_then(|chat| chat.sides.as_deref());
        if (is_read && same) || sides.is_some_and(|[one, other]| one.says_the_same(other)) {
            subject.find(found, "chosen and rejected are the same");
        }
    },
};

/// A pair one of whose sides says nothing.
pub(super) static EMPTY_SIDE: PreflightRule = PreflightRule {
    name: "empty-side",
    doc: "A side of the pair has neither thought nor action: the model would learn to say nothing, or axolotl's filler.",
    check: |subject, found| {
        let Some(pair) = subject.pair else { return };
        for (name, side) in [("chosen", &pair.chosen), ("rejected", &pair.rejected)] {
            let says =
                |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
            if !says(&side.thought) && !says(&side.reply) && side.action.is_none() {
                subject.find(found, format!("{name} is empty"));
            }
        }
    },
};

/// Marks that stand for pictures, in texts.
pub(super) static LITERAL_MARKS: PreflightRule = PreflightRule {
    name: "literal-marks",
    doc: "A text holds what models take for a picture (<image>, <|image_pad|>, …): the processor would count one picture \
          too many and stop, or put pictures in wrong places.",
    check: |subject, found| {
        subject.find_marks(found, &["<image>", "<|image_pad|>", "<|video_pad|>"])
    },
};

/// A conversation in which the controller says nothing.
pub(super) static NO_REPLY: PreflightRule = PreflightRule {
    name: "no-reply",
    doc: "The controller says nothing: there is nothing to learn from.",
    check: |subject, found| {
        let replies = |turn: &&ChatTurn| turn.speaker == ChatSpeaker::Assistant && !turn.is_empty();
        if !subject.said().iter().any(replies) {
            subject.find(found, "there is no reply");
        }
    },
};

/// Files that were shown and are no pictures.
pub(super) static UNSEEN_MEDIA: PreflightRule = PreflightRule {
    name: "unseen-media",
    doc: "The controller was shown a file that is no picture (a video), and rows have no place for it: the model would answer \
          for what it does not see.",
    check: |subject, found| {
        let attachments = subject.task().map_or(&[][..], |task| &task.attachments);
        for attachment in attachments
            .iter()
            .filter(|file| file.shown && !is_seen(file))
        {
            subject.find(
                found,
                format!("{} is no picture", attachment.reference.label()),
            );
        }
    },
};

/// Something of the record that the row can't have.
pub(super) static PASSED_OVER: PreflightRule = PASSED_OVER_BY_READERS;

/// The same, to be changed.
pub(super) const PASSED_OVER_BY_READERS: PreflightRule = PreflightRule {
    name: "passed-over",
    doc: "Reading the record passed over something, or found parts of it at odds (a turn of an unknown role, a sound, further \
          steps of a side, two verdicts): the row may not say what it should.",
    check: find_passed_over,
};

/// Adds a finding for each thing that the reader of the record passed over.
pub(super) fn find_passed_over(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    for problem in &subject.outgoing.record.content.problems {
        subject.find(found, problem.as_str());
    }
}

/// Pictures where the trainer takes none.
pub(super) static UNSEEN_PICTURES: PreflightRule = PreflightRule {
    name: "unseen-pictures",
    doc: "There are pictures, and rows of this trainer hold text alone: the model would answer for what it does not see.",
    check: |subject, found| {
        for turn in subject.said() {
            let count = turn.pictures().count();
            if count > 0 {
                let message = format!("{count} of its pictures would be left out");
                subject.find_in(found, turn.step, message);
            }
        }
    },
};

/// A row that does not fit the file's columns.
pub(super) static ROW_COLUMNS: PreflightRule = PreflightRule {
    name: "row-columns",
    doc: "The row lacks a column that all have, or holds another type in it: the file could not be loaded.",
    check: |subject, found| {
        let columns = subject
            .target
            .columns
            .map(|columns| columns(subject.contents));
        for column in columns.iter().flatten() {
            match subject.row.get(column.name) {
                None => subject.find(found, format!("it has no `{}`", column.name)),
                Some(value) if !fits(&column.kind, value) => {
                    subject.find(found, format!("its `{}` is of another type", column.name));
                }
                Some(_) => {}
            }
        }
    },
};

/// Whether a value can stand in a column. What a row has beside that is not looked at.
fn fits(kind: &ColumnType, value: &Value) -> bool {
    match kind {
        ColumnType::Text => value.is_string() || value.is_null(),
        ColumnType::Integer => value.is_i64(),
        ColumnType::Float => value.is_number(),
        ColumnType::Boolean => value.is_boolean(),
        ColumnType::Picture => value.is_string() || value.is_object(),
        ColumnType::Json => true,
        ColumnType::List(element) => match value {
            Value::Array(items) => items.iter().all(|item| fits(element, item)),
            Value::Null => **element == ColumnType::Picture,
            _ => false,
        },
        ColumnType::Struct(members) => value.as_object().is_some_and(|object| {
            let fits = |member: &Column| {
                let value = object.get(member.name);
                value.is_none_or(|value| value.is_null() || fits(&member.kind, value))
            };
            members.iter().all(fits)
        }),
    }
}

/// What of a row is wrong, with the rules' names.
pub(super) fn examine(
    rules: &[&'static PreflightRule],
    subject: &Subject<'_>,
) -> Vec<(&'static str, Finding)> {
    let mut all = Vec::new();
    for rule in rules {
        let mut found = Vec::new();
        (rule.check)(subject, &mut found);
        all.extend(found.into_iter().map(|finding| (rule.name, finding)));
    }
    all
}
