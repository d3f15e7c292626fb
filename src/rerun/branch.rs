//! What becomes of a trajectory if its step is another: a run from the chosen candidate to the end.

use std::path::Path;

use super::engine::prepare;
use super::{RerunBench, RerunControl, RerunError, RerunRequest, StepRerun};
use crate::controller::Controller;
use crate::domain::{Candidate, RecordId, Role, Step, Trajectory};
use crate::rollout::{
    Agent, Draw, End, Executed, FirstUsable, Rollout, RolloutEvent, RolloutOptions, RunFile,
    execute,
};
use crate::workspace::Workspace;

/// The run that branches are kept in.
pub const BRANCHES: &str = "branches";

/// What happens while a branch grows.
#[derive(Debug, Clone, PartialEq)]
pub enum BranchEvent {
    /// A piece of a step came.
    Text {
        /// The step, from 0.
        step: usize,
        /// The piece.
        text: String,
    },
    /// A step was made, the replaced one first.
    Step {
        /// The step, from 0.
        step: usize,
        /// It.
        made: Box<Step>,
    },
    /// It came to its end.
    Ended(End),
}

/// Replaces the step by the chosen candidate and goes on to the end; the trajectory that it grew from stays as it is.
///
/// `draw` is how later steps are drawn, one candidate each.
#[allow(clippy::too_many_arguments)]
pub fn go_on(
    bench: &RerunBench,
    request: &RerunRequest,
    rerun: &StepRerun,
    chosen: usize,
    draw: Draw,
    controller: &mut dyn Controller,
    control: &RerunControl,
    tell: &(dyn Fn(BranchEvent) + Sync),
) -> Result<Trajectory, RerunError> {
    request.expect(rerun)?;
    let number = rerun.resolved(chosen).ok_or(RerunError::NoCandidate(chosen))?;
    let cannot = |reason: String| RerunError::CannotGoOn {
        candidate: number,
        reason,
    };
    if let Some(reason) = rerun.obstacle(number) {
        return Err(cannot(reason));
    }
    let prepared = prepare(bench, request, control)?;
    let picked = rerun.pickable(number).ok_or(RerunError::NoCandidate(chosen))?;
    let known = rerun.candidates.get(number).and_then(|candidate| candidate.executed.clone());
    let executed = match known {
        Some(aftermath) => Executed::from(aftermath),
        // The recorded step was not executed: its observation is there. Its variables are not.
        None => {
            let mut again = picked.clone();
            let state = prepared.restored.state.as_ref();
            let executed = execute(&prepared.environment, state, request.step, &mut again)?;
            if let Some(reason) = again.unavailable() {
                return Err(cannot(format!("its variables can't be made again: {reason}")));
            }
            executed
        }
    };
    let numbers = rerun.distinct();
    let place = numbers.iter().position(|known| *known == number);
    let place = place.ok_or(RerunError::NoCandidate(chosen))?;
    let candidates = numbers.iter().filter_map(|number| rerun.pickable(*number).cloned());
    let candidates: Vec<Candidate> = candidates.collect();
    let reason = rerun.reason.clone().filter(|_| rerun.best == Some(number));
    let mut rollout = Rollout::branch(
        &request.trajectory,
        &request.record,
        request.hash,
        request.step,
        candidates,
        place,
        reason,
        &executed,
    )?;
    let provenance = &mut rollout.trajectory.provenance;
    provenance.model = Some(controller.name().to_owned());
    provenance.run = Some(BRANCHES.to_owned());
    // The gold record of a task is no run; what grows from it is.
    if provenance.role == Role::Gold {
        provenance.role = Role::Run;
    }
    tell_step(&rollout, tell);
    let options = RolloutOptions::new(&bench.rollout, Draw { count: 1, ..draw });
    let mut step = rollout.trajectory.steps.len();
    let mut told = |event: RolloutEvent<'_>| match event {
        RolloutEvent::Began { step: begun } => step = begun,
        RolloutEvent::Text(delta) => tell(BranchEvent::Text {
            step,
            text: delta.text,
        }),
        _ => {}
    };
    let mut agent = Agent {
        controller,
        environment: &prepared.environment,
        pictures: &prepared.pictures,
        options: &options,
        choose: &mut FirstUsable,
        stops: None,
        progress: &control.progress,
        tell: &mut told,
    };
    agent.run(&mut rollout, &mut |rollout| {
        tell_step(rollout, tell);
        Ok(())
    })?;
    if let Some(end) = &rollout.end {
        rollout.trajectory.provenance.failure = end.failure();
        tell(BranchEvent::Ended(end.clone()));
    }
    Ok(rollout.trajectory)
}

fn tell_step(rollout: &Rollout, tell: &(dyn Fn(BranchEvent) + Sync)) {
    let steps = &rollout.trajectory.steps;
    if let Some(made) = steps.last() {
        tell(BranchEvent::Step {
            step: steps.len() - 1,
            made: Box::new(made.clone()),
        });
    }
}

/// Keeps a branch in the workspace's run of branches, which is a source by itself. Its id.
pub fn keep_branch(
    workspace: &mut Workspace,
    request: &RerunRequest,
    trajectory: &Trajectory,
) -> Result<RecordId, RerunError> {
    let key = format!("{}.{}", request.record.as_str().replace('/', "."), request.step + 1);
    let file = RunFile::new(workspace.run_path(BRANCHES), BRANCHES);
    let id = file.append(&key, trajectory, &[])?;
    let images: Vec<_> = request.roots.folders().map(Path::to_owned).collect();
    workspace.add_run(BRANCHES, &images)?;
    Ok(id)
}
