use std::time::{Duration, Instant};

use super::step_rerun::Aftermath;
use super::{
    RerunBench, RerunCandidate, RerunControl, RerunError, RerunEvent, RerunRequest, StepRerun,
};
use crate::controller::{Controller, PromptReading};
use crate::domain::{Candidate, Context, Maker, Step};
use crate::judge::{Case, JudgeError, Panel, Ranking, RunOn, first_alike};
use crate::report::Report;
use crate::rollout::{
    Environment, Executed, LoadedPrompt, Pictures, Restored, Rollout, RolloutOptions, batches,
    execute_all, now, prompt, propose, restore,
};

/// How often the speed is told.
const SPEED_EVERY: Duration = Duration::from_millis(250);

/// Told what happens, from whichever thread it happens on.
pub type Tell<'a> = &'a (dyn Fn(RerunEvent) + Sync);

/// What candidates of a step are made and executed with.
pub(super) struct Prepared {
    pub environment: Environment,
    pub pictures: Pictures,
    pub context: Context,
    pub loaded: LoadedPrompt,
    pub restored: Restored,
    pub notes: Vec<String>,
}

/// Restores the state before the step, and makes the prompt.
pub(super) fn prepare(
    bench: &RerunBench,
    request: &RerunRequest,
    control: &RerunControl,
) -> Result<Prepared, RerunError> {
    control.progress.check()?;
    let pictures = bench.pictures(request);
    let context = request.context();
    // What can't be shown is told before anything runs.
    let loaded = prompt(&context)?.load(&pictures)?;
    let environment = bench.environment(request, &control.progress)?;
    let before = request
        .trajectory
        .steps
        .get(..request.step)
        .unwrap_or_default();
    let restored = restore(&environment, before)?;
    let mut notes = request.stale_notes();
    notes.extend(restored.differences.iter().map(|difference| {
        format!(
            "step {}, run again for its variables: {}",
            difference.step + 1,
            difference.what
        )
    }));
    notes.extend(
        loaded
            .left_out
            .iter()
            .map(|what| format!("not shown to the controller: {what}")),
    );
    Ok(Prepared {
        environment,
        pictures,
        context,
        loaded,
        restored,
        notes,
    })
}

/// Runs a step again: restores the state before it, lets the controller propose, executes each candidate on its own copy of the state, and
/// lets judges look at them.
pub fn rerun(
    bench: &RerunBench,
    request: &RerunRequest,
    controller: &mut dyn Controller,
    panel: &mut Panel,
    control: &RerunControl,
    tell: Tell<'_>,
) -> Result<StepRerun, RerunError> {
    let prepared = prepare(bench, request, control)?;
    tell(RerunEvent::Prepared {
        steps: request.step,
        context: prepared.loaded.context,
        pictures: prepared.loaded.pictures,
        notes: prepared.notes.clone(),
    });
    let mut candidates = candidates(request, &prepared, controller, control, tell)?;
    fold(&mut candidates, tell);
    execute(request, &prepared, &mut candidates, control, tell)?;
    let mut rerun = StepRerun {
        record: request.record.clone(),
        hash: request.hash,
        step: request.step,
        edits: request.edits.clone(),
        context: prepared.context.clone(),
        candidates,
        best: None,
        reason: None,
        judge_failure: None,
        notes: prepared.notes.clone(),
        time: now(),
    };
    judge_again(bench, request, &prepared, &mut rerun, panel, control, tell)?;
    tell(RerunEvent::Done(Box::new(rerun.clone())));
    Ok(rerun)
}

/// Lets judges look at the candidates as they are now.
///
/// Candidates are worth more than what a judge says of them: one that can't be asked loses none.
pub(super) fn judge_again(
    bench: &RerunBench,
    request: &RerunRequest,
    prepared: &Prepared,
    rerun: &mut StepRerun,
    panel: &mut Panel,
    control: &RerunControl,
    tell: Tell<'_>,
) -> Result<(), RerunError> {
    let candidates = &mut rerun.candidates;
    let judged = judge(bench, request, prepared, candidates, panel, control, tell);
    let (ranking, judge_failure) = match judged {
        Ok(ranking) => (ranking, None),
        Err(JudgeError::Cancelled(_)) => return Err(RerunError::Cancelled),
        Err(error) => (Ranking::default(), Some(Report::from(error).message)),
    };
    rerun.best = ranking.best;
    rerun.reason = ranking.reason;
    rerun.judge_failure = judge_failure;
    Ok(())
}

/// The recorded step, and what the controller proposes.
fn candidates(
    request: &RerunRequest,
    prepared: &Prepared,
    controller: &mut dyn Controller,
    control: &RerunControl,
    tell: Tell<'_>,
) -> Result<Vec<RerunCandidate>, RerunError> {
    let mut candidates: Vec<RerunCandidate> =
        vec![RerunCandidate::default(); request.draw.count + 1];
    if let Some(step) = request.trajectory.steps.get(request.step) {
        candidates[0].candidate = recorded(step, request.is_stale());
    }
    let mut speed = Speed::default();
    let batches = batches(&request.draw, request.step, controller.draws_each());
    let proposals = propose(
        controller,
        &prepared.loaded,
        &batches,
        Some(control.stops()),
        &control.progress,
        &mut |delta| {
            if let Some(PromptReading { read, total }) = delta.reading {
                return tell(RerunEvent::Reading { read, total });
            }
            tell(RerunEvent::Text {
                candidate: delta.number + 1,
                text: delta.text,
            });
            if let Some(tokens_per_second) = speed.piece() {
                tell(RerunEvent::Speed { tokens_per_second });
            }
        },
    )?;
    let mut is_there = vec![false; candidates.len()];
    for proposal in proposals {
        let number = proposal.number + 1;
        let Some(place) = candidates.get_mut(number) else {
            continue;
        };
        tell(RerunEvent::Proposed {
            candidate: number,
            proposal: Box::new(proposal.candidate.clone()),
        });
        place.candidate = proposal.candidate;
        is_there[number] = true;
    }
    for (number, candidate) in candidates.iter_mut().enumerate().skip(1) {
        if !is_there[number] {
            candidate.cancelled = true;
            tell(RerunEvent::Cancelled { candidate: number });
        }
    }
    Ok(candidates)
}

/// The step as it was recorded. What it printed before something was edited is not what it would print now.
fn recorded(step: &Step, is_stale: bool) -> Candidate {
    Candidate {
        thought: step.thought.clone(),
        action: step.action.clone(),
        observation: step.observation.clone().filter(|_| !is_stale),
        reply: step.reply.clone(),
        maker: Maker::Recorded,
        ..Candidate::default()
    }
}

#[derive(Default)]
struct Speed {
    since: Option<Instant>,
    told: Option<Instant>,
    pieces: u32,
}

impl Speed {
    /// A piece came; how many come in a second, if it is time to tell.
    fn piece(&mut self) -> Option<f64> {
        let now = Instant::now();
        let Some(since) = self.since else {
            // The first one tells how long the prompt took, and no more.
            self.since = Some(now);
            return None;
        };
        self.pieces += 1;
        let last = self.told.unwrap_or(since);
        if now - last < SPEED_EVERY {
            return None;
        }
        self.told = Some(now);
        Some(f64::from(self.pieces) / (now - since).as_secs_f64())
    }
}

/// Marks those that do the same as an earlier one.
fn fold(candidates: &mut [RerunCandidate], tell: Tell<'_>) {
    let there: Vec<usize> = (0..candidates.len())
        .filter(|number| !candidates[*number].cancelled)
        .collect();
    let texts: Vec<Candidate> = there
        .iter()
        .map(|number| candidates[*number].candidate.clone())
        .collect();
    for (at, first) in first_alike(&texts).into_iter().enumerate() {
        let (Some(number), Some(into)) = (there.get(at), there.get(first)) else {
            continue;
        };
        if number != into {
            candidates[*number].folded = Some(*into);
            tell(RerunEvent::Folded {
                candidate: *number,
                into: *into,
            });
        }
    }
}

/// Executes what is not recorded, not folded and not given up.
fn execute(
    request: &RerunRequest,
    prepared: &Prepared,
    candidates: &mut [RerunCandidate],
    control: &RerunControl,
    tell: Tell<'_>,
) -> Result<(), RerunError> {
    let is_due = |(number, candidate): (usize, &RerunCandidate)| {
        let is_open = candidate.folded.is_none() && !candidate.cancelled;
        (is_open && (number > 0 || request.is_stale())).then_some(number)
    };
    let due: Vec<usize> = candidates.iter().enumerate().filter_map(is_due).collect();
    if due.is_empty() {
        return Ok(());
    }
    let mut texts: Vec<Candidate> = due
        .iter()
        .map(|number| candidates[*number].candidate.clone())
        .collect();
    for candidate in &due {
        tell(RerunEvent::Executing {
            candidate: *candidate,
        });
    }
    let executed = execute_all(
        &prepared.environment,
        prepared.restored.state.as_ref(),
        request.step,
        &mut texts,
        &control.progress,
        &mut |at, candidate| {
            if let Some(number) = due.get(at) {
                tell(RerunEvent::Executed {
                    candidate: *number,
                    executed: Box::new(candidate.clone()),
                });
            }
        },
    )?;
    for ((number, text), executed) in due.into_iter().zip(texts).zip(executed) {
        if let Some(candidate) = candidates.get_mut(number) {
            candidate.candidate = text;
            candidate.executed = Some(Aftermath::from(executed));
        }
    }
    Ok(())
}

/// Lets judges look at what is neither folded nor given up, and writes down what they say.
fn judge(
    bench: &RerunBench,
    request: &RerunRequest,
    prepared: &Prepared,
    candidates: &mut [RerunCandidate],
    panel: &mut Panel,
    control: &RerunControl,
    tell: Tell<'_>,
) -> Result<Ranking, JudgeError> {
    let is_open = |candidate: &RerunCandidate| candidate.folded.is_none() && !candidate.cancelled;
    let open: Vec<usize> = (0..candidates.len())
        .filter(|number| is_open(&candidates[*number]))
        .collect();
    let texts: Vec<Candidate> = open
        .iter()
        .map(|number| candidates[*number].candidate.clone())
        .collect();
    let executed = open.iter().map(|number| {
        let aftermath = candidates[*number].executed.clone();
        aftermath.map(Executed::from).unwrap_or_default()
    });
    let executed: Vec<Executed> = executed.collect();
    let before = Rollout {
        state: prepared.restored.state.clone(),
        ..Rollout::new(crate::domain::Trajectory {
            steps: prepared.context.steps.clone(),
            answer: None,
            ..request.trajectory.clone()
        })
    };
    let options = RolloutOptions::new(&bench.rollout, request.draw.clone());
    let continuation = RunOn {
        rollout: &before,
        candidates: &texts,
        executed: &executed,
        environment: &prepared.environment,
        pictures: &prepared.pictures,
        options: &options,
    };
    let images = prepared.loaded.images();
    let case = Case {
        context: &prepared.context,
        candidates: &texts,
        tools: &request.tools,
        files: &request.roots,
        pictures: &images,
        reference: request.reference.as_ref(),
        benchmark: request.benchmark,
        seed: request.draw.step_seed(request.step),
        continuation: Some(&continuation),
    };
    tell(RerunEvent::Judging {
        judge: panel.name(),
    });
    let judged = panel.judge(&case, &control.progress)?;
    let mut ranking = Ranking {
        judgements: vec![Vec::new(); candidates.len()],
        places: vec![None; candidates.len()],
        best: judged.best.and_then(|at| open.get(at).copied()),
        reason: judged.reason.clone(),
    };
    for (at, number) in open.iter().enumerate() {
        let judgements = judged.judgements.get(at).cloned().unwrap_or_default();
        ranking.places[*number] = judged.places.get(at).copied().flatten();
        ranking.judgements[*number].clone_from(&judgements);
        candidates[*number].candidate.judgements = judgements;
        candidates[*number].place = ranking.places[*number];
    }
    tell(RerunEvent::Judged(Box::new(ranking.clone())));
    Ok(ranking)
}
