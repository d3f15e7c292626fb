//! What a person decides about a re-run, as drafts for their journal.

use super::context_edit::observed;
use super::{RerunError, StepRerun, apply_edits};
use crate::config::JudgeConfig;
use crate::corpus::CorpusError;
use crate::corpus::decision::{self, Subject, draft, edit_trajectory, new_pair};
use crate::domain::review::{CandidateReference, Draft, NewPair, NoteText, Verb};
use crate::domain::{Candidate, Context, Maker};
use crate::judge::rejected;
use crate::workspace::KeptCandidates;

/// Whom a chosen candidate is preferred to unless somebody says otherwise: the recorded step, or the lowest in the judges' ranking.
pub fn default_rejected(rerun: &StepRerun, chosen: usize) -> Option<usize> {
    let chosen = rerun.resolved(chosen)?;
    if chosen != 0 && rerun.pickable(0).is_some() {
        return Some(0);
    }
    rerun
        .order()
        .into_iter()
        .rev()
        .find(|number| *number != chosen)
}

/// All candidates that the paper's rules reject for the chosen one: those that went wrong and those that are another step.
pub fn all_rejected(rerun: &StepRerun, chosen: usize, settings: &JudgeConfig) -> Vec<usize> {
    let Some(chosen) = rerun.resolved(chosen) else {
        return Vec::new();
    };
    let numbers = rerun.distinct();
    let Some(at) = numbers.iter().position(|number| *number == chosen) else {
        return Vec::new();
    };
    // A person chooses: that judges had no verdict does not matter.
    let bare = |number: &usize| {
        let known = rerun.candidates.get(*number);
        let candidate = known
            .map(|known| known.candidate.clone())
            .unwrap_or_default();
        Candidate {
            judgements: Vec::new(),
            ..candidate
        }
    };
    let candidates: Vec<Candidate> = numbers.iter().map(bare).collect();
    let found = rejected(&candidates, at, None, settings);
    found
        .into_iter()
        .filter_map(|(at, _)| numbers.get(at).copied())
        .collect()
}

/// Drafts that make a pair of the chosen candidate and each rejected one, edits of the context before them; to be saved as one batch.
///
/// The candidates are kept first, whole, so that the journal's hashes lead to how each was made, what it did and what judges said.
pub fn pair_drafts(
    subject: &Subject,
    rerun: &StepRerun,
    chosen: usize,
    rejected: &[usize],
    reason: Option<&str>,
    kept: &KeptCandidates,
) -> Result<Vec<Draft>, RerunError> {
    let number = |number: usize| {
        rerun
            .resolved(number)
            .ok_or(RerunError::NoCandidate(number))
    };
    let chosen = number(chosen)?;
    if rejected.is_empty() {
        return Err(RerunError::NobodyRejected(chosen));
    }
    let mut drafts = context_drafts(subject, rerun)?;
    let step = u32::try_from(rerun.step + 1).unwrap_or(u32::MAX);
    let keep = |number: usize| {
        let candidate = rerun
            .pickable(number)
            .ok_or(RerunError::NoCandidate(number))?;
        let hash = kept
            .keep(candidate)
            .map_err(CorpusError::write(kept.folder()))?;
        Ok::<_, RerunError>(CandidateReference::Generated(hash))
    };
    let best = keep(chosen)?;
    let words = reason.or(rerun
        .reason
        .as_deref()
        .filter(|_| rerun.best == Some(chosen)));
    for other in rejected {
        let other = number(*other)?;
        if other == chosen {
            return Err(RerunError::Itself(chosen));
        }
        let pair = NewPair {
            chosen: best.clone(),
            rejected: keep(other)?,
            reason: words.unwrap_or_default().to_owned(),
        };
        if let Some((target, verb)) = new_pair(subject, step, &pair)? {
            drafts.push(draft(subject.id(), target, verb)?);
        }
    }
    Ok(drafts)
}

/// The edits that the re-run was made with, as drafts; an error if it was made for something else than what is shown.
fn context_drafts(subject: &Subject, rerun: &StepRerun) -> Result<Vec<Draft>, RerunError> {
    let other = || RerunError::OtherContext {
        id: subject.id().to_string(),
        step: rerun.step + 1,
    };
    let shown = subject
        .current
        .content
        .trajectory
        .as_ref()
        .ok_or_else(other)?;
    let edited = apply_edits(shown, &rerun.edits)?;
    let context = Context::before(&edited, rerun.step);
    if subject.record.hash != rerun.hash || context.hash()? != rerun.context.hash()? {
        return Err(other());
    }
    let mut drafts = Vec::new();
    for edit in &rerun.edits {
        let step = edit.step.and_then(|step| u32::try_from(step + 1).ok());
        let decided = edit_trajectory(subject, edit.field, step, &edit.text)?;
        if let Some((target, verb)) = decided {
            drafts.push(draft(subject.id(), target, verb)?);
        }
    }
    // Whoever wrote an observation says that it follows from the step as it is now.
    for step in observed(&rerun.edits) {
        let target = subject.step_target(u32::try_from(step + 1).unwrap_or(u32::MAX))?;
        drafts.push(draft(subject.id(), target, Verb::Fresh)?);
    }
    Ok(drafts)
}

/// A note on the step that says that none of the candidates is good.
pub fn none_good_draft(subject: &Subject, rerun: &StepRerun) -> Result<Draft, RerunError> {
    let generated = rerun
        .candidates
        .iter()
        .filter(|candidate| !candidate.cancelled);
    let makers: Vec<&str> = generated
        .filter_map(|candidate| match &candidate.candidate.maker {
            Maker::Controller(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let seeds = rerun.candidates.iter().find_map(|candidate| {
        let generation = candidate.candidate.generation.as_deref()?;
        Some((generation.seed?, generation.context))
    });
    let by = makers
        .first()
        .map(|name| format!(" of {name}"))
        .unwrap_or_default();
    let drawn = seeds.map(|(seed, context)| format!(" (seed {seed}, context {context})"));
    let text = format!(
        "re-run: none of {} candidates{by} is good{}",
        makers.len(),
        drawn.unwrap_or_default()
    );
    let step = u32::try_from(rerun.step + 1).unwrap_or(u32::MAX);
    let target = subject.step_target(step)?;
    let note = Verb::Note(NoteText {
        text,
        replaces: None,
    });
    Ok(decision::draft(subject.id(), target, note)?)
}
