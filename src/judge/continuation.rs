use super::{Continuation, ContinuationError};
use crate::controller::{Controller, ControllerError};
use crate::domain::{Action, Candidate};
use crate::jobs::{Cancelled, Progress};
use crate::rollout::{
    Agent, Draw, End, Environment, Executed, FirstUsable, Pictures, Rollout, RolloutError,
    RolloutOptions, execute,
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
        let executed = self.aftermath(candidate, executed)?;
        let mut rollout = self.rollout.clone();
        rollout.push(vec![candidate.clone()], 0, None, &executed);
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

impl RunOn<'_> {
    /// What a candidate led to. A recorded step has its observation and not its variables: they are made again.
    fn aftermath(
        &self,
        candidate: &Candidate,
        executed: &Executed,
    ) -> Result<Executed, ContinuationError> {
        let has_variables = matches!(candidate.action, Some(Action::Code(_)));
        if candidate.execution.is_some() || !has_variables {
            return Ok(executed.clone());
        }
        let cannot = |why: &str| {
            ContinuationError::CannotGoOn(format!("its variables can't be made again: {why}"))
        };
        let step = self.rollout.trajectory.steps.len();
        let mut again = candidate.clone();
        let state = self.rollout.state.as_ref();
        match execute(self.environment, state, step, &mut again) {
            Ok(executed) => again
                .unavailable()
                .map_or(Ok(executed), |why| Err(cannot(why))),
            Err(RolloutError::Cancelled) => Err(Cancelled.into()),
            Err(error) => Err(cannot(&error.to_string())),
        }
    }
}

fn controller_error(error: ControllerError) -> ContinuationError {
    match error {
        ControllerError::Cancelled(cancelled) => cancelled.into(),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::json;

    use super::*;
    use crate::config::Config;
    use crate::controller::ScriptedController;
    use crate::domain::{Execution, Observation, Task, ToolCall, ToolDefinition, Trajectory};
    use crate::jobs::Slots;
    use crate::prompts::Prompts;
    use crate::rollout::PromptForm;
    use crate::sandbox::{Limits, Pool, WorkerCommand};

    /// A step that calls a tool, and what it saw.
    fn looked(saw: Option<&str>) -> Candidate {
        let call = ToolCall {
            id: None,
            name: "ocr".to_owned(),
            arguments: json!({"image": "a.jpg"}),
            result: saw.map(str::to_owned),
        };
        Candidate {
            action: Some(Action::ToolCalls(vec![call])),
            observation: saw.map(|text| Observation {
                text: text.to_owned(),
                ..Observation::default()
            }),
            execution: saw.is_none().then(|| {
                Box::new(Execution {
                    unavailable: Some("no tool".to_owned()),
                    ..Execution::default()
                })
            }),
            ..Candidate::default()
        }
    }

    #[test]
    fn a_run_goes_on_from_the_candidate_to_its_answer() {
        let rollout = Rollout::new(Trajectory {
            tools: vec![ToolDefinition {
                name: "ocr".to_owned(),
                ..ToolDefinition::default()
            }],
            task: Task {
                text: "Which number is it?".to_owned(),
                ..Task::default()
            },
            ..Trajectory::default()
        });
        let progress = Progress::default();
        let worker = WorkerCommand::of(PathBuf::from("/nowhere"));
        let pool = Pool::new(worker, Limits::default(), 1, progress.clone());
        let mut environment = Environment::new(pool, Prompts::default(), Slots::new(1), &progress);
        environment.form = PromptForm::ToolCalls;
        let config = Config::load(None).expect("settings").rollout;
        let draw = Draw::of_config(&config, PromptForm::ToolCalls, 5, 7);
        let candidates = [looked(Some("12")), looked(None)];
        let run_on = RunOn {
            rollout: &rollout,
            candidates: &candidates,
            executed: &[Executed::default(), Executed::default()],
            environment: &environment,
            pictures: &Pictures::default(),
            options: &RolloutOptions::new(&config, draw),
        };
        let mut controller = ScriptedController::new([vec!["It is 12.".to_owned()]]);
        let answer = run_on.answer(&mut controller, &candidates[0], 99, &progress);
        assert_eq!(answer.expect("an end").as_deref(), Some("It is 12."));
        let request = &controller.requests[0];
        assert_eq!(request.n, Some(1));
        let sent = serde_json::to_string(&request.messages).expect("JSON");
        assert!(sent.contains("\"12\""), "the candidate is history: {sent}");
        // Another run draws otherwise.
        let mut other = ScriptedController::new([vec!["12".to_owned()]]);
        run_on
            .answer(&mut other, &candidates[0], 100, &progress)
            .expect("an end");
        assert_ne!(other.requests[0].seed, request.seed);
        let ended = run_on.answer(&mut controller, &candidates[0], 99, &progress);
        assert!(
            matches!(ended, Err(ContinuationError::Controller(_))),
            "{ended:?}"
        );
        for lost in [&candidates[1], &looked(Some("13"))] {
            let ended = run_on.answer(&mut controller, lost, 99, &progress);
            assert!(
                matches!(ended, Err(ContinuationError::CannotGoOn(_))),
                "{ended:?}"
            );
        }
        progress.cancel();
        let ended = run_on.answer(&mut controller, &candidates[0], 99, &progress);
        assert!(
            matches!(ended, Err(ContinuationError::Cancelled(_))),
            "{ended:?}"
        );
    }
}
