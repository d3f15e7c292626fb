//! The loop with a scripted controller and calls that need no sandbox.

use std::path::PathBuf;

use serde_json::json;

use super::*;
use crate::config::Config;
use crate::controller::{
    ChatRequest, Controller, ControllerError, Delta, Provenance, Reply, ScriptedController,
};
use crate::domain::{
    Action, ContentHash, PreferencePair, RecordId, Step, Task, ToolCall, ToolDefinition, Trajectory,
};
use crate::jobs::{Progress, Slots};
use crate::prompts::Prompts;
use crate::sandbox::{Limits, Pool, WorkerCommand};
use crate::tools::{Toolbox, structured_recording};

fn call(city: &str) -> String {
    json!({"name": "Weather", "arguments": {"city": city}}).to_string()
}

/// A task with a tool, whose recording knows the weather of Oslo alone.
fn trajectory() -> Trajectory {
    Trajectory {
        tools: vec![ToolDefinition {
            name: "Weather".to_owned(),
            ..ToolDefinition::default()
        }],
        task: Task {
            text: "Where does it rain?".to_owned(),
            ..Task::default()
        },
        ..Trajectory::default()
    }
}

fn recorded(city: &str, result: &str, is_error: bool) -> Step {
    Step {
        action: Some(Action::ToolCalls(vec![ToolCall {
            id: None,
            name: "Weather".to_owned(),
            arguments: json!({"city": city}),
            result: Some(result.to_owned()),
        }])),
        observation: Some(crate::domain::Observation {
            text: result.to_owned(),
            is_error,
            pictures: Vec::new(),
        }),
        ..Step::default()
    }
}

/// There is no worker: structured calls need none.
fn environment() -> Environment {
    let worker = WorkerCommand::of(PathBuf::from("/nowhere"));
    Environment {
        pool: Pool::new(worker, Limits::default(), 1, Progress::default()),
        toolbox: Toolbox {
            recording: structured_recording(&[
                recorded("Oslo", "rain", false),
                recorded("Rome", "no such city", true),
            ]),
            declared: vec!["Weather".to_owned()],
            ..Toolbox::default()
        },
        prompts: Prompts::default(),
        form: PromptForm::ToolCalls,
        missing: Missing::default(),
        slots: Slots::new(2),
    }
}

fn options(count: usize) -> RolloutOptions {
    let config = Config::load(None).unwrap().rollout;
    let draw = Draw::of_config(&config, PromptForm::ToolCalls, count, 3);
    RolloutOptions::new(&config, draw)
}

/// Chooses what it is told to, step by step.
struct Chosen(Vec<usize>);

impl Choose for Chosen {
    fn choose(&mut self, offer: &mut Offer<'_>, _: &Progress) -> Result<Choice, RolloutError> {
        let index = self.0.remove(0);
        let pair = |rejected: usize| PreferencePair {
            context: offer.context.clone(),
            chosen: offer.candidates[index].clone(),
            rejected: offer.candidates[rejected].clone(),
            reason: None,
            part: None,
            provenance: Default::default(),
        };
        let others = (0..offer.candidates.len()).filter(|other| *other != index);
        Ok(Choice {
            index: Some(index),
            reason: Some("told to".to_owned()),
            pairs: others.map(pair).collect(),
        })
    }
}

fn run_with(
    script: &[&[&str]],
    choose: &mut dyn Choose,
    options: &RolloutOptions,
    rollout: &mut Rollout,
) -> (ScriptedController, Vec<String>) {
    let script = script
        .iter()
        .map(|texts| texts.iter().map(|t| (*t).to_owned()).collect());
    let mut controller = ScriptedController::new(script);
    let mut told = Vec::new();
    let mut agent = Agent {
        controller: &mut controller,
        environment: &environment(),
        pictures: &Pictures::default(),
        options,
        choose,
        stops: None,
        progress: &Progress::default(),
        tell: &mut |event| {
            told.push(match event {
                RolloutEvent::Began { step } => format!("began {step}"),
                RolloutEvent::Text(delta) => format!("text {}", delta.number),
                RolloutEvent::Proposed { number, .. } => format!("proposed {number}"),
                RolloutEvent::Executed { number, candidate } => {
                    format!("executed {number} {}", candidate.unavailable().is_none())
                }
                RolloutEvent::Chosen { step, index } => format!("chosen {step} {index}"),
            });
        },
    };
    agent.run(rollout, &mut |_| Ok(())).unwrap();
    (controller, told)
}

#[test]
fn a_run_goes_from_step_to_step_until_it_answers() {
    let mut rollout = Rollout::new(trajectory());
    let (oslo, paris) = (call("Oslo"), call("Paris"));
    let script: [&[&str]; 4] = [
        &[&paris],
        &[&oslo, "I do not know."],
        &["In Oslo."],
        &["In Paris."],
    ];
    let mut choose = Chosen(vec![1, 0]);
    let (controller, mut told) = run_with(&script, &mut choose, &options(3), &mut rollout);
    assert_eq!(rollout.end, Some(End::Answered));
    assert_eq!(rollout.trajectory.answer.as_deref(), Some("In Oslo."));
    let [first, second] = rollout.trajectory.steps.as_slice() else {
        panic!("{:?}", rollout.trajectory.steps)
    };
    assert_eq!((first.candidates.len(), first.chosen), (3, Some(1)));
    assert_eq!(first.observation.as_ref().unwrap().text, "rain");
    assert_eq!(first.choice_reason.as_deref(), Some("told to"));
    assert_eq!(second.action, Some(Action::Message("In Oslo.".to_owned())));
    // Nobody knows the weather of Paris: no observation is made up.
    let unknown = &first.candidates[0];
    assert!(unknown.observation.is_none() && unknown.unavailable().is_some());
    let logged = unknown.execution.as_ref().unwrap();
    assert_eq!(logged.calls[0].provider, None);
    assert_eq!(rollout.pairs.len(), 3);
    // One candidate as the first is drawn, and the others: prompt, seeds and places are written down.
    let drawn: Vec<_> = controller
        .requests
        .iter()
        .map(|r| (r.n, r.seed, r.temperature))
        .collect();
    assert_eq!(
        drawn,
        [
            (Some(1), Some(3), Some(0.7)),
            (Some(2), Some(4), Some(1.2)),
            (Some(1), Some(4099), Some(0.7)),
            (Some(2), Some(4100), Some(1.2)),
        ]
    );
    let generated = first.candidates[2].generation.as_ref().unwrap();
    assert_eq!(
        (generated.seed, generated.place, generated.batch),
        (Some(4), 1, 2)
    );
    assert_eq!(
        generated.context,
        crate::domain::Context::before(&rollout.trajectory, 0)
            .hash()
            .unwrap()
    );
    assert_ne!(
        generated.prompt,
        second.candidates[0].generation.as_ref().unwrap().prompt
    );
    assert_eq!(
        controller.requests[2].messages.len(),
        3,
        "task, call, result"
    );
    let first_step: Vec<String> = told
        .drain(..told.iter().position(|t| t == "began 1").unwrap())
        .collect();
    assert_eq!(first_step.first().map(String::as_str), Some("began 0"));
    assert_eq!(first_step.last().map(String::as_str), Some("chosen 0 1"));
    assert!(
        first_step.contains(&"executed 0 false".to_owned())
            && first_step.contains(&"executed 1 true".to_owned())
    );
}

#[test]
fn a_run_ends_at_its_limits() {
    let (oslo, rome, paris) = (call("Oslo"), call("Rome"), call("Paris"));
    let one = RolloutOptions {
        max_steps: 2,
        ..options(1)
    };
    let mut rollout = Rollout::new(trajectory());
    let script: [&[&str]; 3] = [&[&oslo], &[&oslo], &[" Oslo. "]];
    let (controller, _) = run_with(&script, &mut FirstUsable, &one, &mut rollout);
    assert_eq!(
        (rollout.end.clone(), rollout.trajectory.steps.len()),
        (Some(End::StepLimit), 2)
    );
    assert_eq!(rollout.trajectory.answer.as_deref(), Some("Oslo."));
    let asked = &controller.requests[2];
    assert!(asked.tools.is_empty());
    let roles: Vec<&str> = asked.messages.iter().map(|m| m.role.as_str()).collect();
    assert_eq!(
        roles,
        [
            "system",
            "user",
            "assistant",
            "tool",
            "assistant",
            "tool",
            "user"
        ]
    );

    let mut rollout = Rollout::new(trajectory());
    let two_errors = RolloutOptions {
        error_tolerance: 2,
        ..options(1)
    };
    let script: [&[&str]; 3] = [&[&rome], &[&oslo], &[" "]];
    run_with(&script, &mut FirstUsable, &two_errors, &mut rollout);
    assert_eq!(
        (rollout.end.clone(), rollout.failures),
        (Some(End::Errors), 2)
    );
    assert_eq!(rollout.trajectory.answer, None);

    let mut rollout = Rollout::new(trajectory());
    run_with(&[&[&paris]], &mut FirstUsable, &options(1), &mut rollout);
    assert!(
        matches!(rollout.end, Some(End::Unavailable(_))),
        "{:?}",
        rollout.end
    );
    assert_eq!(rollout.trajectory.steps.len(), 1);
}

#[test]
fn a_run_that_is_written_down_goes_on_as_if_nothing_had_been() {
    let oslo = call("Oslo");
    let mut whole = Rollout::new(trajectory());
    let script: [&[&str]; 2] = [&[&oslo], &["In Oslo."]];
    run_with(&script, &mut FirstUsable, &options(1), &mut whole);
    let mut first = Rollout::new(trajectory());
    let limited = RolloutOptions {
        max_steps: 1,
        ..options(1)
    };
    run_with(&[&[&oslo], &["?"]], &mut FirstUsable, &limited, &mut first);
    let mut half = first.clone();
    (half.end, half.trajectory.answer) = (None, None);
    let text = serde_json::to_string(&half).unwrap();
    let mut again: Rollout = serde_json::from_str(&text).unwrap();
    assert_eq!(again, half);
    let (controller, _) = run_with(&script[1..], &mut FirstUsable, &options(1), &mut again);
    assert_eq!(controller.requests[0].seed, Some(4099));
    assert_eq!(again.end, whole.end);
    let shape = |rollout: &Rollout| -> Vec<_> {
        let steps = rollout.trajectory.steps.iter();
        steps
            .map(|step| (step.action.clone(), step.observation.clone()))
            .collect()
    };
    assert_eq!(shape(&again), shape(&whole));
}

#[test]
fn branches_say_what_they_grew_from() {
    let mut source = trajectory();
    source.steps = vec![
        recorded("Rome", "no such city", true),
        recorded("Oslo", "rain", false),
    ];
    source.answer = Some("Oslo".to_owned());
    let mut candidate = crate::domain::Candidate {
        action: recorded("Oslo", "", false).action,
        ..Default::default()
    };
    let environment = environment();
    let state = restore(&environment, &source.steps[..1]).unwrap();
    assert_eq!(state, Restored::default());
    let executed = execute(&environment, None, 1, &mut candidate).unwrap();
    let (record, hash) = (RecordId::from("a/1"), ContentHash([7; 32]));
    let branch = |step, candidates: &[_], chosen| {
        Rollout::branch(
            &source,
            &record,
            hash,
            step,
            candidates.to_vec(),
            chosen,
            None,
            &executed,
        )
    };
    let branched = branch(1, std::slice::from_ref(&candidate), 0).unwrap();
    assert_eq!((branched.failures, branched.trajectory.steps.len()), (1, 2));
    assert_eq!(
        (branched.trajectory.answer.as_deref(), branched.end.as_ref()),
        (None, None)
    );
    let origin = branched.trajectory.origin.unwrap();
    assert_eq!(
        (origin.record, origin.hash, origin.step),
        (record.clone(), hash, 1)
    );
    assert!(branch(3, std::slice::from_ref(&candidate), 0).is_err());
    assert!(branch(1, std::slice::from_ref(&candidate), 1).is_err());
    candidate.execution.as_mut().unwrap().unavailable = Some("nobody knows".to_owned());
    let error = branch(1, &[candidate], 0).unwrap_err();
    assert!(error.to_string().contains("nobody knows"), "{error}");
}

/// Scripted, and as able as retake's own server.
struct DrawsEach(ScriptedController);

impl Controller for DrawsEach {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn propose(
        &mut self,
        request: &ChatRequest,
        progress: &Progress,
        tell: &mut dyn FnMut(Delta),
    ) -> Result<Reply, ControllerError> {
        self.0.propose(request, progress, tell)
    }

    fn provenance(&self) -> Provenance {
        Provenance {
            draws_each: Some(true),
            ..self.0.provenance()
        }
    }
}

#[test]
fn a_run_asks_once_for_all_candidates_of_a_step_where_the_server_draws_each() {
    let texts = ["In Oslo.", "In Rome.", "In Lima."].map(str::to_owned);
    let mut controller = DrawsEach(ScriptedController::new([texts.to_vec()]));
    let mut rollout = Rollout::new(trajectory());
    let mut agent = Agent {
        controller: &mut controller,
        environment: &environment(),
        pictures: &Pictures::default(),
        options: &options(3),
        choose: &mut Chosen(vec![2]),
        stops: None,
        progress: &Progress::default(),
        tell: &mut |_| {},
    };
    agent.run(&mut rollout, &mut |_| Ok(())).unwrap();
    assert_eq!(rollout.trajectory.answer.as_deref(), Some("In Lima."));
    let [request] = &controller.0.requests[..] else {
        panic!("{}", controller.0.requests.len())
    };
    assert_eq!((request.n, request.seed), (Some(3), Some(3)));
    let drawn: Vec<_> = request.candidates.iter().map(|c| c.temperature).collect();
    assert_eq!(drawn, [Some(0.7), Some(1.2), Some(1.2)]);
}
