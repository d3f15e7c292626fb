//! The texts that a document was made of, for snippets and regular expressions; as `documents` fills the text fields.

use std::borrow::Cow;
use std::sync::PoisonError;

use regex::Regex;

use crate::domain::{Action, Candidate, Observation, PreferencePair, Step, Trajectory};
use crate::index::{DocumentKind, Match, Members, RecordKey, RecordView};

use super::documents::call_text;
use super::review_facts::Remarks;
use super::{Corpus, Current};

/// A text and the field in which it is searched.
pub type FieldText<'a> = (&'static str, Cow<'a, str>);

/// All texts of the document that a match points at, in the order in which a person reads them.
pub fn texts<'a>(current: &'a Current, found: &Match) -> Vec<FieldText<'a>> {
    let mut all = Vec::new();
    let content = &current.content;
    match (found.kind, &content.trajectory) {
        (DocumentKind::Pair, _) => {
            if let Some((pair, about)) = current.pair(found.part.as_deref()) {
                pair_texts(pair, &mut all);
                remarks(about.facts().all(), &mut all);
            }
        }
        (DocumentKind::Trajectory, Some(trajectory)) => {
            frame_texts(trajectory, &mut all);
            for step in &trajectory.steps {
                step_texts(step, &mut all);
            }
            if let Some(reason) = trajectory
                .verification
                .as_ref()
                .and_then(|v| v.reason.as_ref())
            {
                all.push(("reason", Cow::Borrowed(reason)));
            }
            remarks(current.facts().all(), &mut all);
        }
        (DocumentKind::Step, Some(trajectory)) => {
            let index = found.step.map(|step| step as usize - 1);
            let step = index.and_then(|index| trajectory.steps.get(index));
            if let Some(step) = step {
                step_texts(step, &mut all);
            }
            if !current.review.is_empty()
                && let Some(said) = index.and_then(|index| current.facts().step(index).cloned())
            {
                remarks(said, &mut all);
            }
            frame_texts(trajectory, &mut all);
        }
        _ => {}
    }
    all
}

fn remarks(remarks: Remarks, all: &mut Vec<FieldText<'_>>) {
    for (field, texts) in remarks.texts() {
        all.extend(texts.iter().map(|text| (field, Cow::Owned(text.clone()))));
    }
}

fn frame_texts<'a>(trajectory: &'a Trajectory, all: &mut Vec<FieldText<'a>>) {
    all.push(("task", Cow::Borrowed(&trajectory.task.text)));
    if let Some(answer) = &trajectory.answer {
        all.push(("answer", Cow::Borrowed(answer)));
    }
    if let Some(reference) = &trajectory.reference_answer {
        all.push(("answer", Cow::Owned(reference.summary())));
    }
}

fn step_texts<'a>(step: &'a Step, all: &mut Vec<FieldText<'a>>) {
    part_texts(
        step.thought.as_deref(),
        step.action.as_ref(),
        step.observation.as_ref(),
        all,
    );
    if let Some(reason) = &step.choice_reason {
        all.push(("reason", Cow::Borrowed(reason)));
    }
    for (n, candidate) in step.candidates.iter().enumerate() {
        if step.chosen != Some(n) {
            candidate_texts(candidate, all);
        }
    }
}

fn candidate_texts<'a>(candidate: &'a Candidate, all: &mut Vec<FieldText<'a>>) {
    part_texts(
        candidate.thought.as_deref(),
        candidate.action.as_ref(),
        candidate.observation.as_ref(),
        all,
    );
}

fn pair_texts<'a>(pair: &'a PreferencePair, all: &mut Vec<FieldText<'a>>) {
    all.push(("task", Cow::Borrowed(&pair.context.task.text)));
    candidate_texts(&pair.chosen, all);
    candidate_texts(&pair.rejected, all);
    if let Some(reason) = &pair.reason {
        all.push(("reason", Cow::Borrowed(reason)));
    }
}

fn part_texts<'a>(
    thought: Option<&'a str>,
    action: Option<&'a Action>,
    observation: Option<&'a Observation>,
    all: &mut Vec<FieldText<'a>>,
) {
    if let Some(thought) = thought {
        all.push(("thought", Cow::Borrowed(thought)));
    }
    match action {
        Some(Action::Code(code)) => all.push(("code", Cow::Borrowed(code))),
        Some(Action::ToolCalls(calls)) => {
            let texts = calls
                .iter()
                .map(|call| call_text(&call.name, &call.arguments));
            all.extend(texts.map(|text| ("code", Cow::Owned(text))));
        }
        Some(Action::Message(message)) => all.push(("thought", Cow::Borrowed(message))),
        None => {}
    }
    if let Some(observation) = observation {
        all.push(("observation", Cow::Borrowed(&observation.text)));
    }
}

impl RecordView for Corpus {
    fn matches(
        &self,
        record: RecordKey,
        field: &str,
        expression: &Regex,
        wanted: &[Match],
    ) -> Result<Vec<bool>, String> {
        let current = match self.glance(record) {
            Ok((_, current)) => current,
            // One record that can't be read does not end the search; whoever asked is told afterwards.
            Err(error) => {
                let mut unmatched = self
                    .unmatched
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                if unmatched.0 == 0 {
                    unmatched.1 = error.to_string();
                }
                unmatched.0 += 1;
                return Ok(vec![false; wanted.len()]);
            }
        };
        let matches = |found: &Match| {
            texts(&current, found)
                .iter()
                .any(|(name, text)| *name == field && expression.is_match(text))
        };
        Ok(wanted.iter().map(matches).collect())
    }

    fn members(&self, field: &str, passes: &dyn Fn(&str) -> bool) -> Result<Members, String> {
        let members = self.queue_members().map_err(|error| error.to_string())?;
        Ok(members.members(field, passes))
    }
}
