//! A re-run as a record of a run: what headless re-runs leave behind for those who review them.

use super::{RerunCandidate, RerunError, RerunRequest, StepRerun};
use crate::config::JudgeConfig;
use crate::domain::{Candidate, Maker, Origin, PreferencePair, Role, Step, Trajectory};
use crate::judge::{Ranking, preference_pairs};
use crate::rollout::now;

/// A re-run that waits for its review.
#[derive(Debug, Clone, PartialEq)]
pub struct QueuedStep {
    /// The steps before it and the step itself, with all its candidates.
    pub trajectory: Trajectory,
    /// What the judges' choice implies by the paper's rules.
    pub pairs: Vec<PreferencePair>,
}

/// What a re-run of a step is called in its run.
pub fn queued_key(request: &RerunRequest) -> String {
    format!(
        "{}.{}",
        request.record.as_str().replace('/', "."),
        request.step + 1
    )
}

/// The record of a re-run. Where judges prefer none, the recorded step stays, and there are no pairs.
pub fn queued_step(
    request: &RerunRequest,
    rerun: &StepRerun,
    run: &str,
    settings: &JudgeConfig,
) -> QueuedStep {
    let numbers = rerun.distinct();
    let candidates: Vec<Candidate> = numbers
        .iter()
        .filter_map(|number| rerun.pickable(*number).cloned())
        .collect();
    let best = rerun
        .best
        .and_then(|best| numbers.iter().position(|number| *number == best));
    let chosen = best.or_else(|| numbers.iter().position(|number| *number == 0));
    let mut provenance = request.trajectory.provenance.clone();
    provenance.run = Some(run.to_owned());
    provenance.failure = None;
    provenance.model = candidates
        .iter()
        .find_map(|candidate| match &candidate.maker {
            Maker::Controller(name) => Some(name.clone()),
            _ => None,
        });
    if provenance.role == Role::Gold {
        provenance.role = Role::Run;
    }
    let pairs = best.map(|best| {
        let reason = rerun.reason.as_deref();
        preference_pairs(
            &rerun.context,
            &candidates,
            best,
            reason,
            &provenance,
            settings,
        )
    });
    let picked = chosen
        .and_then(|chosen| candidates.get(chosen))
        .cloned()
        .unwrap_or_default();
    let mut steps = rerun.context.steps.clone();
    steps.push(Step {
        thought: picked.thought,
        action: picked.action,
        observation: picked.observation,
        reply: picked.reply,
        candidates,
        chosen,
        choice_reason: rerun.reason.clone().filter(|_| best.is_some()),
        ..Step::default()
    });
    QueuedStep {
        trajectory: Trajectory {
            steps,
            answer: None,
            verification: None,
            origin: Some(Box::new(Origin {
                record: request.record.clone(),
                hash: request.hash,
                step: request.step,
                context: rerun.context.hash().ok(),
            })),
            provenance,
            ..request.trajectory.clone()
        },
        pairs: pairs.unwrap_or_default(),
    }
}

/// The candidates that the record of a request keeps of its step, as the re-run that made them would have them: to be picked from without
/// making them again. An error if there are fewer than two.
pub fn kept_candidates(request: &RerunRequest) -> Result<StepRerun, RerunError> {
    let none = || RerunError::NothingKept {
        id: request.record.to_string(),
        step: request.step + 1,
    };
    let step = request.trajectory.steps.get(request.step);
    let step = step.filter(|step| step.candidates.len() > 1);
    let step = step.ok_or_else(none)?;
    let said = step.candidates.iter().map(|known| known.judgements.clone());
    let ranking = Ranking::of_candidates(said.collect());
    let candidates = step.candidates.iter().zip(&ranking.places);
    let candidates = candidates.map(|(candidate, place)| RerunCandidate {
        candidate: candidate.clone(),
        place: *place,
        ..RerunCandidate::default()
    });
    let made = step
        .candidates
        .iter()
        .filter_map(|known| Some(known.generation.as_ref()?.time));
    Ok(StepRerun {
        record: request.record.clone(),
        hash: request.hash,
        step: request.step,
        edits: Vec::new(),
        context: request.context(),
        candidates: candidates.collect(),
        best: ranking.best,
        reason: ranking
            .best
            .and_then(|_| step.choice_reason.clone().or(ranking.reason)),
        judge_failure: None,
        notes: request.stale_notes(),
        time: made.max().unwrap_or_else(now),
    })
}
