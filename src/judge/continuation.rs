use super::{Continuation, ContinuationError};
use crate::controller::{Controller, ControllerError};
use crate::domain::Candidate;
use crate::jobs::{Cancelled, Progress};
use crate::rollout::{
    Agent, Draw, End, Environment, Executed, FirstUsable, Pictures, Rollout, RolloutError,
    RolloutOptions,
};

/// Goes on from candidates of a run's next step by the one loop, one candidate a step.
pub struct RunOn<'a> {
    /// The run before the step.
    pub rollout: &'a Rollout,
    /// The candidates.
    pub candidates: &'a [Candidate],
    /// What executing each led to.
    pub executed: &'a [Executed],
    /// Where steps are executed.
    pub environment: &'a Environment,
    /// Where pictures are.
    pub pictures: &'a Pictures,
    /// The limits; of how candidates are drawn, the way of the first counts.
    pub options: &'a RolloutOptions,
}

impl Continuation for RunOn<'_> {
    fn answer(
        &self,
        controller: &mut dyn Controller,
        candidate: &Candidate,
        seed: u64,
        progress: &Progress,
    ) -> Result<Option<String>, ContinuationError> {
        let cannot = |why: &str| Err(ContinuationError::CannotGoOn(why.to_owned()));
        if let Some(why) = candidate.unavailable() {
            return cannot(why);
        }
        let at = self.candidates.iter().position(|known| known == candidate);
        let Some(executed) = at.and_then(|at| self.executed.get(at)) else {
            return cannot("the candidate was not executed");
        };
        let mut rollout = self.rollout.clone();
        rollout.push(vec![candidate.clone()], 0, None, executed);
        let options = RolloutOptions {
            draw: Draw {
                count: 1,
                seed,
                ..self.options.draw.clone()
            },
            ..self.options.clone()
        };
        let mut agent = Agent {
            controller,
            environment: self.environment,
            pictures: self.pictures,
            options: &options,
            choose: &mut FirstUsable,
            stops: None,
            progress,
            tell: &mut |_| {},
        };
        match agent.run(&mut rollout, &mut |_| Ok(())) {
            Ok(()) => match rollout.end {
                Some(End::Unavailable(why) | End::NoChoice(why)) => cannot(&why),
                _ => Ok(rollout.trajectory.answer),
            },
            Err(RolloutError::Cancelled) => Err(Cancelled.into()),
            Err(RolloutError::Controller(error)) => Err(controller_error(error)),
            Err(error) => cannot(&error.to_string()),
        }
    }
}

fn controller_error(error: ControllerError) -> ContinuationError {
    match error {
        ControllerError::Cancelled(cancelled) => cancelled.into(),
        error => error.into(),
    }
}
