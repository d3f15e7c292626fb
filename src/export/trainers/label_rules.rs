//! What is checked of rows with labels: single judgements (KTO) and process rewards.

use serde_json::Value;

use super::step_labels::step_votes;
use crate::export::preflight::{PreflightRule, list};
use crate::ingest::code_reply::END_ACTION;

/// Where rows have their label.
const LABELS: [&str; 2] = ["label", "kto_tag"];
/// Where they have what is judged: the last message or turn of it.
const JUDGED: [(&str, &str); 2] = [("completion", "content"), ("conversations", "value")];

/// A label that is not a Boolean.
pub(in crate::export) static LABEL_TYPE: PreflightRule = PreflightRule {
    name: "label-type",
    doc: "The label is not true or false: LLaMA-Factory takes the row for an unlabelled one and drops it, and the next row \
          fails.",
    check: |subject, found| {
        let mut labels = LABELS.iter().filter_map(|name| subject.row.get(name));
        if !labels.next().is_some_and(Value::is_boolean) {
            subject.find(found, "its label is not true or false");
        }
    },
};

/// A step that annotators see differently.
pub(in crate::export) static LABELS_DISAGREE: PreflightRule = PreflightRule {
    name: "labels-disagree",
    doc: "Annotators label a step of the row differently. If this is allowed, the label that most gave counts.",
    check: |subject, found| {
        if subject.pair.is_some() {
            return;
        }
        let votes = step_votes(subject.outgoing);
        let shown = list(subject.row, "labels").len();
        // A row of process rewards ends where a step has no label, perhaps since annotators disagree.
        let steps = match subject.step {
            Some(step) => step..=step,
            None => 1..=shown + 1,
        };
        for step in steps {
            let Some(votes) = votes.get(step - 1).filter(|votes| votes.is_disputed()) else {
                continue;
            };
            let message = format!(
                "its labels are {} times +1, {} times 0, {} times -1",
                votes.right, votes.neutral, votes.wrong
            );
            subject.find_in(found, Some(step), message);
        }
    },
};

/// A completion without words.
pub(in crate::export) static EMPTY_COMPLETION: PreflightRule = PreflightRule {
    name: "empty-completion",
    doc: "What is judged is empty: LLaMA-Factory reads a good empty answer as a bad one, and TRL has nothing to learn from.",
    check: |subject, found| {
        let judged = JUDGED.iter().find_map(|(name, text)| {
            let last = list(subject.row, name).last()?;
            Some((&last[*text], last.get("tool_calls").is_some()))
        });
        let Some((content, calls)) = judged else {
            return subject.find(found, "nothing is judged");
        };
        let is_blank = |text: &str| text.trim().trim_end_matches(END_ACTION).trim().is_empty();
        let is_empty = match content {
            Value::String(text) => is_blank(text),
            Value::Array(parts) => parts
                .iter()
                .all(|part| part["type"] == "text" && part["text"].as_str().is_none_or(is_blank)),
            _ => true,
        };
        if is_empty && !calls {
            subject.find(found, "what is judged is empty");
        }
    },
};

/// Other numbers of labels than of steps.
pub(in crate::export) static LABEL_COUNT: PreflightRule = PreflightRule {
    name: "label-count",
    doc: "There are not as many labels as steps, or one is not true or false, or there are none: TRL stops at the row, axolotl \
          leaves steps out.",
    check: |subject, found| {
        let (steps, labels) = (
            list(subject.row, "completions"),
            list(subject.row, "labels"),
        );
        if steps.len() != labels.len() || steps.is_empty() {
            let message = format!("it has {} labels for {} steps", labels.len(), steps.len());
            subject.find(found, message);
        }
        if !labels.iter().all(Value::is_boolean) {
            subject.find(found, "a label is not true or false");
        }
    },
};

/// Labels that would be left out.
pub(in crate::export) static STEP_WITHOUT_LABEL: PreflightRule = PreflightRule {
    name: "step-without-label",
    doc: "A step before labelled ones is labelled 0 or not at all, which the trainer has no word for. If this is allowed, \
          the row ends before it, and the labels behind it are left out.",
    check: |subject, found| {
        let votes = step_votes(subject.outgoing);
        let labels: Vec<bool> = votes
            .iter()
            .map(|votes| votes.verdict().is_some())
            .collect();
        let Some(gap) = labels.iter().position(|is_labelled| !is_labelled) else {
            return;
        };
        let lost = labels[gap..]
            .iter()
            .filter(|is_labelled| **is_labelled)
            .count();
        if lost > 0 {
            let message =
                format!("it is neither right nor wrong, and {lost} labelled steps follow");
            subject.find_in(found, Some(gap + 1), message);
        }
    },
};
