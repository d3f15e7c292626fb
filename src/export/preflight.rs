//! What is checked of a row before it is written: rules that every trainer has, and how rules are run.
//!
//! Rules of one trainer stand beside its writer. A row that fails a rule is not written, unless the rule is allowed by name.

use serde_json::Value;

use super::Outgoing;
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

impl Subject<'_> {
    /// The task of the row.
    pub fn task(&self) -> Option<&Task> {
        let trajectory = || Some(&self.outgoing.record.content.trajectory.as_ref()?.task);
        self.pair.map(|pair| &pair.context.task).or_else(trajectory)
    }

    /// Adds a finding that is in no step.
    pub fn find(&self, found: &mut Vec<Finding>, message: impl Into<String>) {
        found.push(Finding {
            step: self.step,
            message: message.into(),
        });
    }
}

/// A picture that a trainer would look for in vain.
pub(super) static MISSING_PICTURE: PreflightRule = PreflightRule {
    name: "missing-picture",
    doc: "A picture of the row is not there, or is an address: the trainer would stop at it.",
    check: |subject, found| {
        let roots = &subject.outgoing.roots;
        let shown = |attachment: &&Attachment| attachment.shown;
        let attachments = subject.task().map_or(&[][..], |task| &task.attachments);
        for attachment in attachments.iter().filter(shown) {
            let alias = attachment.alias.clone().map(PictureReference::Path);
            let names = [Some(attachment.reference.clone()), alias];
            let mut names = names.into_iter().flatten();
            let label = attachment.reference.label();
            if matches!(attachment.reference, PictureReference::Url(_)) {
                subject.find(
                    found,
                    format!("{label} is an address, and nothing is fetched"),
                );
            } else if !roots.is_empty() && !names.any(|name| roots.exists(&name) == Some(true)) {
                subject.find(
                    found,
                    format!("{label} is not below the source's picture roots"),
                );
            }
        }
    },
};

/// A context without a system prompt.
pub(super) static NO_SYSTEM_PROMPT: PreflightRule = PreflightRule {
    name: "no-system-prompt",
    doc: "The context has no system prompt: the model would learn to act without having been told its tools.",
    check: |subject, found| {
        let trajectory = subject.outgoing.record.content.trajectory.as_ref();
        let prompt = match subject.pair {
            Some(pair) => pair.context.system_prompt.as_deref(),
            None => trajectory.and_then(|trajectory| trajectory.system_prompt.as_deref()),
        };
        if prompt.is_none_or(|prompt| prompt.trim().is_empty()) {
            subject.find(found, "there is no system prompt");
        }
    },
};

/// A pair whose sides say the same.
pub(super) static EQUAL_SIDES: PreflightRule = PreflightRule {
    name: "equal-sides",
    doc: "Chosen and rejected say the same: the pair teaches nothing, and some trainers stop at it.",
    check: |subject, found| {
        let Some(pair) = subject.pair else { return };
        let (chosen, rejected) = (&pair.chosen, &pair.rejected);
        if (&chosen.thought, &chosen.action) == (&rejected.thought, &rejected.action) {
            subject.find(found, "chosen and rejected are the same");
        }
    },
};

/// A pair one of whose sides says nothing.
pub(super) static EMPTY_SIDE: PreflightRule = PreflightRule {
    name: "empty-side",
    doc: "A side of the pair has neither thought nor action.",
    check: |subject, found| {
        let Some(pair) = subject.pair else { return };
        for (name, side) in [("chosen", &pair.chosen), ("rejected", &pair.rejected)] {
            let thinks = side
                .thought
                .as_ref()
                .is_some_and(|thought| !thought.trim().is_empty());
            let says = side
                .reply
                .as_ref()
                .is_some_and(|reply| !reply.trim().is_empty());
            if !thinks && !says && side.action.is_none() {
                subject.find(found, format!("{name} is empty"));
            }
        }
    },
};

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
