//! Pairs of a step and another candidate for it.

use crate::corpus::decision;
use crate::domain::review::{CandidateReference, NewPair};
use crate::tui::effect::CommitRequest;
use crate::tui::overlays::{Choice, Overlay};
use crate::tui::question::Question;
use crate::tui::subject::Subject;

use super::{Asked, Deed, commit, overlay};

/// Asks what the step is to be compared with.
pub(super) fn pair_candidates(subject: &Subject) -> Asked {
    let Some(number) = subject.step else {
        return Asked::Say("this is about a step: go to one".to_owned());
    };
    let record = subject.record.as_ref();
    let trajectory = record.and_then(|record| record.current.content.trajectory.as_ref());
    let step = trajectory.and_then(|trajectory| trajectory.steps.get(number - 1));
    let Some(step) = step else {
        return Asked::Say("open it first".to_owned());
    };
    let count = step.candidates.len();
    let sampled = step.candidates.iter().enumerate().map(|(at, candidate)| {
        let thought = candidate.thought.as_deref().unwrap_or_default();
        let short = crate::tui::widgets::styled_text::cut(thought, 40);
        format!("candidate {}: {short}", at + 1)
    });
    let mut options: Vec<String> = sampled.collect();
    options.push("write a better one".to_owned());
    let title = format!("Pair step {number} with");
    overlay(Overlay::Choice(Choice::new(
        title,
        options,
        Question::PairCandidate(count),
    )))
}

/// The pair of a step and a sampled candidate; the step is the better one unless it was not the one chosen.
pub fn pair_with_candidate(subject: &Subject, candidate: usize) -> Option<CommitRequest> {
    let step = u32::try_from(subject.step?).ok()?;
    let pair = NewPair {
        chosen: CandidateReference::Step,
        rejected: CandidateReference::Candidate(u32::try_from(candidate + 1).ok()?),
        reason: String::new(),
    };
    let deed = Deed::NewPair(step, Box::new(pair));
    Some(commit(std::slice::from_ref(subject), "made a pair", &deed))
}

/// The pair of a written candidate, which is the better one, and the step.
pub fn pair_with_written(subject: &Subject, text: &str) -> Result<CommitRequest, String> {
    let written = decision::parse_candidate(text).map_err(|error| error.to_string())?;
    let step = subject.step.and_then(|step| u32::try_from(step).ok());
    let step = step.ok_or("this is about a step: go to one")?;
    let pair = NewPair {
        chosen: CandidateReference::Literal(written),
        rejected: CandidateReference::Step,
        reason: String::new(),
    };
    let deed = Deed::NewPair(step, Box::new(pair));
    Ok(commit(std::slice::from_ref(subject), "made a pair", &deed))
}
