//! How a record differs from what it was when somebody reviewed it, field by field.

use std::collections::BTreeSet;

use serde::Serialize;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::domain::review::{Field, candidate_text, step_text};
use crate::domain::{Content, PictureReference, PreferencePair, Record, Step, Task, Trajectory};
use crate::ingest::container::FoundRecord;
use crate::ingest::format_named;

use super::record_reading::unreadable;
use super::{Corpus, CorpusError, preparation};

/// A field whose text is another now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldDifference {
    /// Of a pair inside a record: its part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pair: Option<String>,
    /// Of a step: its number then; none of a step that is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_before: Option<usize>,
    /// Of a step: its number now; none of a step that is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// The field's name; `record` where what differs is in no field that is shown.
    pub field: String,
    /// Its text then; empty where there was none.
    pub before: String,
    /// Its text now; empty where there is none.
    pub after: String,
}

impl Corpus {
    /// How a record, as its source has it now, differs from the one that it was; `json` is that one's text.
    pub fn differences_since(
        &self,
        record: &Record,
        json: &str,
    ) -> Result<Vec<FieldDifference>, CorpusError> {
        let gone = || unreadable(&record.id, "it is not in the index".to_owned());
        let (key, row) = self.row_of(&record.id)?.ok_or_else(gone)?;
        let source = self.state.by_ordinal(key.source).ok_or_else(gone)?;
        let file = source.files.get(row.file as usize).ok_or_else(gone)?;
        let format = format_named(&file.format).ok_or_else(gone)?;
        let found = FoundRecord {
            number: 0,
            location: row.location,
            bytes: json.as_bytes().to_vec(),
            key: row.key,
        };
        let before = preparation::read_content(&found, format, &file.relative, &self.interner);
        let mut found = match &before {
            Ok(before) => differences(before, &record.content),
            // The format that the source has now does not read what it was.
            Err(_) => Vec::new(),
        };
        if found.is_empty() {
            found.push(FieldDifference {
                pair: None,
                step_before: None,
                step: None,
                field: "record".to_owned(),
                before: in_lines(json),
                after: in_lines(&record.raw),
            });
        }
        Ok(found)
    }
}

fn in_lines(json: &str) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_str(json);
    let lines = value.and_then(|value| serde_json::to_string_pretty(&value));
    lines.unwrap_or_else(|_| json.to_owned())
}

/// What differs between two readings of a record, in the order in which people read it.
fn differences(before: &Content, after: &Content) -> Vec<FieldDifference> {
    let mut found = Vec::new();
    let empty = Trajectory::default();
    let (old, new) = (&before.trajectory, &after.trajectory);
    let is_trajectory = old.is_some() || new.is_some();
    if is_trajectory {
        let (old, new) = (
            old.as_ref().unwrap_or(&empty),
            new.as_ref().unwrap_or(&empty),
        );
        compare(&mut found, None, &beginning(old), &beginning(new));
        compare_steps(&mut found, None, &old.steps, &new.steps);
        compare(&mut found, None, &end(old), &end(new));
    }
    let parts = |content: &Content| -> Vec<Option<String>> {
        content.pairs.iter().map(|pair| pair.part.clone()).collect()
    };
    let mut all = parts(after);
    let known: BTreeSet<_> = all.iter().cloned().collect();
    all.extend(parts(before).into_iter().filter(|p| !known.contains(p)));
    for part in all {
        let (old, new) = (pair_of(before, &part), pair_of(after, &part));
        // What comes before the candidates of a trajectory is the trajectory.
        if !is_trajectory {
            let context = |pair: Option<&PreferencePair>| {
                pair.map_or(Vec::new(), |pair| {
                    let prompt = pair.context.system_prompt.as_deref();
                    context(prompt, &pair.context.task)
                })
            };
            compare(&mut found, part.as_deref(), &context(old), &context(new));
            let (old, new) = (steps_before(old), steps_before(new));
            compare_steps(&mut found, part.as_deref(), old, new);
        }
        let sides = |pair: Option<&PreferencePair>| pair.map_or(Vec::new(), sides);
        compare(&mut found, part.as_deref(), &sides(old), &sides(new));
    }
    found
}

fn pair_of<'c>(content: &'c Content, part: &Option<String>) -> Option<&'c PreferencePair> {
    content.pairs.iter().find(|pair| pair.part == *part)
}

fn steps_before(pair: Option<&PreferencePair>) -> &[Step] {
    pair.map_or(&[], |pair| &pair.context.steps)
}

/// A field's name and text; fields of both readings that have one name are compared.
type NamedText = (String, String);

fn context(system_prompt: Option<&str>, task: &Task) -> Vec<NamedText> {
    let attachments = task.attachments.iter().map(|a| &a.reference);
    vec![
        named("system prompt", system_prompt.unwrap_or_default()),
        named("task", &task.text),
        named("attachments", &labels(attachments)),
    ]
}

fn beginning(trajectory: &Trajectory) -> Vec<NamedText> {
    context(trajectory.system_prompt.as_deref(), &trajectory.task)
}

fn end(trajectory: &Trajectory) -> Vec<NamedText> {
    let reference = trajectory.reference_answer.as_ref();
    let verdict = trajectory.verification.as_ref().map(|verification| {
        let reason = verification.reason.as_deref().unwrap_or_default();
        format!("{}\n{reason}", verification.verdict.name())
    });
    vec![
        named("answer", trajectory.answer.as_deref().unwrap_or_default()),
        named(
            "reference answer",
            &reference.map(|r| r.summary()).unwrap_or_default(),
        ),
        named("verdict", &verdict.unwrap_or_default()),
    ]
}

const PARTS: [Field; 3] = [Field::Thought, Field::Code, Field::Observation];

fn sides(pair: &PreferencePair) -> Vec<NamedText> {
    let mut texts = Vec::new();
    for (side, candidate) in [("chosen", &pair.chosen), ("rejected", &pair.rejected)] {
        for field in PARTS {
            let name = format!("{side} {}", field.name());
            texts.push((name, candidate_text(candidate, field).into_owned()));
        }
    }
    texts.push(named("reason", pair.reason.as_deref().unwrap_or_default()));
    texts
}

fn step_fields(step: &Step) -> Vec<NamedText> {
    let mut texts: Vec<NamedText> = PARTS
        .into_iter()
        .map(|field| (field.name().to_owned(), step_text(step, field).into_owned()))
        .collect();
    let observed = step.observation.iter().flat_map(|o| &o.pictures);
    let pictures = labels(step.pictures.iter().chain(observed));
    texts.push(("pictures".to_owned(), pictures));
    texts
}

fn named(name: &str, text: &str) -> NamedText {
    (name.to_owned(), text.to_owned())
}

fn labels<'a>(pictures: impl Iterator<Item = &'a PictureReference>) -> String {
    let labels: Vec<String> = pictures.map(|p| p.label().to_owned()).collect();
    labels.join("\n")
}

fn compare(
    found: &mut Vec<FieldDifference>,
    pair: Option<&str>,
    before: &[NamedText],
    after: &[NamedText],
) {
    compare_at(found, pair, (None, None), before, after);
}

fn compare_at(
    found: &mut Vec<FieldDifference>,
    pair: Option<&str>,
    (step_before, step): (Option<usize>, Option<usize>),
    before: &[NamedText],
    after: &[NamedText],
) {
    let names = after.iter().chain(before).map(|(name, _)| name);
    let mut seen = BTreeSet::new();
    for name in names.filter(|name| seen.insert(name.as_str())) {
        let text = |texts: &[NamedText]| -> String {
            let text = texts.iter().find(|(known, _)| known == name);
            text.map(|(_, text)| text.clone()).unwrap_or_default()
        };
        let (before, after) = (text(before), text(after));
        if before != after {
            found.push(FieldDifference {
                pair: pair.map(str::to_owned),
                step_before,
                step,
                field: name.clone(),
                before,
                after,
            });
        }
    }
}

/// Steps are matched by what they say, so that one that came or went does not make all later ones differ.
fn compare_steps(
    found: &mut Vec<FieldDifference>,
    pair: Option<&str>,
    before: &[Step],
    after: &[Step],
) {
    let fields =
        |steps: &[Step]| -> Vec<Vec<NamedText>> { steps.iter().map(step_fields).collect() };
    let (before, after) = (fields(before), fields(after));
    for operation in capture_diff_slices(Algorithm::Myers, &before, &after) {
        if matches!(operation, DiffOp::Equal { .. }) {
            continue;
        }
        let (old, new) = (operation.old_range(), operation.new_range());
        for offset in 0..old.len().max(new.len()) {
            let at_old = old.clone().nth(offset);
            let at_new = new.clone().nth(offset);
            let of = |steps: &[Vec<NamedText>], at: Option<usize>| {
                at.and_then(|at| steps.get(at).cloned()).unwrap_or_default()
            };
            let numbers = (at_old.map(|at| at + 1), at_new.map(|at| at + 1));
            let (old, new) = (of(&before, at_old), of(&after, at_new));
            compare_at(found, pair, numbers, &old, &new);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Action, Observation};

    fn step(thought: &str, observation: &str) -> Step {
        Step {
            thought: Some(thought.to_owned()),
            action: Some(Action::Code("f()".to_owned())),
            observation: Some(Observation {
                text: observation.to_owned(),
                ..Observation::default()
            }),
            ..Step::default()
        }
    }

    fn content(task: &str, steps: Vec<Step>) -> Content {
        let task = Task {
            text: task.to_owned(),
            ..Task::default()
        };
        Content {
            trajectory: Some(Trajectory {
                task,
                steps,
                ..Trajectory::default()
            }),
            ..Content::default()
        }
    }

    type Told<'a> = (Option<usize>, Option<usize>, &'a str, &'a str, &'a str);

    fn told(found: &[FieldDifference]) -> Vec<Told<'_>> {
        let told = found.iter().map(|f| {
            (
                f.step_before,
                f.step,
                f.field.as_str(),
                f.before.as_str(),
                f.after.as_str(),
            )
        });
        told.collect()
    }

    #[test]
    fn each_field_that_differs_is_told() {
        let before = content("How many?", vec![step("a", "1"), step("b", "2")]);
        assert_eq!(differences(&before, &before), []);
        let after = content("How much?", vec![step("a", "1"), step("b", "3")]);
        assert_eq!(
            told(&differences(&before, &after)),
            [
                (None, None, "task", "How many?", "How much?"),
                (Some(2), Some(2), "observation", "2", "3"),
            ]
        );
    }

    #[test]
    fn a_step_that_came_leaves_the_others_alone() {
        let before = content("x", vec![step("a", "1"), step("b", "2")]);
        let after = content("x", vec![step("new", "0"), step("a", "1"), step("b", "2")]);
        assert_eq!(
            told(&differences(&before, &after)),
            [
                (None, Some(1), "thought", "", "new"),
                (None, Some(1), "code", "", "f()"),
                (None, Some(1), "observation", "", "0"),
            ]
        );
        assert_eq!(
            told(&differences(&after, &before))[0],
            (Some(1), None, "thought", "new", "")
        );
    }
}
