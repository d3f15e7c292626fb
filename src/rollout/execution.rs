use std::sync::mpsc;
use std::thread;

use serde_json::json;

use super::error::RolloutError;
use super::prompt::PromptForm;
use crate::domain::{
    Action, Candidate, Context, Execution, Observation, ToolCall, ToolDefinition, Trajectory,
};
use crate::jobs::{Progress, Slots};
use crate::prompts::{Prompts, Template};
use crate::sandbox::{
    Answer, CodeRule, Outcome, Pool, SavedState, StepRun, ToolHost as _, step_code,
};
use crate::tools::{Provider, StepHost, Toolbox, read_recording, structured_call};

const EXECUTION_ERROR: Template = Template {
    name: "execution-error",
    text: include_str!("../../assets/prompts/execution-error.txt"),
};

const PARSING_ERROR: Template = Template {
    name: "parsing-error",
    text: include_str!("../../assets/prompts/parsing-error.txt"),
};

const CALLS_ERROR: Template = Template {
    name: "calls-error",
    text: include_str!("../../assets/prompts/calls-error.txt"),
};

/// Where candidates are executed.
#[derive(Clone)]
pub struct Environment {
    /// Workers, one for each candidate at a time.
    pub pool: Pool,
    /// What answers tool calls.
    pub toolbox: Toolbox,
    /// What a failed step tells the controller.
    pub prompts: Prompts,
    /// What a reply is to hold.
    pub form: PromptForm,
    /// What becomes of code that wants something the sandbox does not have.
    pub missing: Missing,
    /// How many candidates are executed at the same time, by whomever.
    pub slots: Slots,
}

/// What becomes of code that wants something the sandbox does not have: a module, a statement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Missing {
    /// There is no observation: whoever recorded the trajectory may have had it.
    #[default]
    Unavailable,
    /// It is an error that the controller sees: the sandbox is where its run happens.
    Error,
}

/// What executing a candidate led to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Executed {
    /// The state after it, to go on from; `None` where there is none: nothing was executed, or it is unavailable.
    pub state: Option<SavedState>,
    /// The answer, if it gave one.
    pub final_answer: Option<String>,
}

/// Executes a candidate on its own copy of a state (`None`: nothing ran before), and writes down in it what it printed and did.
///
/// `step` counts from 0. What the candidate does wrong is its observation; a call that nothing answers leaves it without one.
pub fn execute(
    environment: &Environment,
    state: Option<&SavedState>,
    step: usize,
    candidate: &mut Candidate,
) -> Result<Executed, RolloutError> {
    let done = match candidate.action.clone() {
        Some(Action::Code(code)) if is_found(candidate, &code) => {
            run_code(environment, state, step, &code)?
        }
        Some(Action::ToolCalls(calls)) => {
            let (calls, done) = run_calls(environment, state, step, calls);
            candidate.action = Some(Action::ToolCalls(calls));
            done
        }
        Some(Action::Message(text)) => Done {
            executed: Executed {
                state: state.cloned(),
                final_answer: Some(text),
            },
            ..Done::default()
        },
        Some(Action::Code(_)) => environment.failed(&PARSING_ERROR, state)?,
        None => {
            let template = match environment.form {
                PromptForm::ToolCalls => &CALLS_ERROR,
                PromptForm::Code => &PARSING_ERROR,
            };
            environment.failed(template, state)?
        }
    };
    candidate.observation = done.observation;
    candidate.execution = Some(Box::new(Execution {
        final_answer: done.executed.final_answer.clone(),
        ..done.execution
    }));
    Ok(done.executed)
}

#[derive(Default)]
struct Done {
    observation: Option<Observation>,
    execution: Execution,
    executed: Executed,
}

/// Whether the reference would have run the code: it runs what its own rules find in a reply.
fn is_found(candidate: &Candidate, code: &str) -> bool {
    let step = crate::domain::Step {
        reply: candidate.reply.clone(),
        action: Some(Action::Code(code.to_owned())),
        ..crate::domain::Step::default()
    };
    step_code(&step).is_some_and(|found| found.rule != CodeRule::Lenient)
}

impl Environment {
    /// A sandbox without tools. Whoever cancels `progress` ends the wait for tools.
    pub fn new(pool: Pool, prompts: Prompts, slots: Slots, progress: &Progress) -> Self {
        Self {
            pool,
            toolbox: Toolbox {
                progress: progress.clone(),
                ..Toolbox::default()
            },
            prompts,
            form: PromptForm::Code,
            missing: Missing::default(),
            slots,
        }
    }

    /// The same for a recorded trajectory that has these tools: its own recording answers first, then live tools.
    pub fn recorded(
        &self,
        trajectory: &Trajectory,
        tools: &[ToolDefinition],
        live: Vec<Provider>,
    ) -> Result<Self, RolloutError> {
        let declared: Vec<String> = tools.iter().map(|tool| tool.name.clone()).collect();
        let reading = read_recording(&self.pool, trajectory, &declared)?;
        Ok(Self {
            toolbox: Toolbox {
                recording: reading.recording,
                live,
                declared,
                ..self.toolbox.clone()
            },
            form: PromptForm::of(&Context::before(trajectory, trajectory.steps.len())),
            ..self.clone()
        })
    }

    /// The same for a new run, which has the live tools alone. What the sandbox does not have is told to its controller.
    #[must_use]
    pub fn live(&self, form: PromptForm, live: Vec<Provider>) -> Self {
        Self {
            toolbox: Toolbox {
                live,
                ..self.toolbox.clone()
            },
            form,
            missing: Missing::Error,
            ..self.clone()
        }
    }

    fn failed(
        &self,
        template: &Template,
        state: Option<&SavedState>,
    ) -> Result<Done, RolloutError> {
        let text = self.prompts.render(template, json!({}))?.text;
        Ok(Done {
            observation: Some(error(text)),
            executed: Executed {
                state: state.cloned(),
                final_answer: None,
            },
            ..Done::default()
        })
    }
}

fn error(text: String) -> Observation {
    Observation {
        text: text.trim_end().to_owned(),
        is_error: true,
        pictures: Vec::new(),
    }
}

fn run_code(
    environment: &Environment,
    state: Option<&SavedState>,
    step: usize,
    code: &str,
) -> Result<Done, RolloutError> {
    let mut session = environment.pool.session()?;
    if let Some(state) = state {
        session.restore(state)?;
    }
    let mut host = environment.toolbox.host(step);
    let run = session.run(code, &mut host)?;
    let StepHost {
        calls,
        final_answer,
        ..
    } = host;
    let mut notes = notes(&run);
    let mut unavailable = None;
    let mut answer = None;
    let observation = match &run.outcome {
        Outcome::Completed(_) => {
            answer = final_answer.map(|value| value.to_string());
            Some(Observation {
                text: run.output.trim_end().to_owned(),
                ..Observation::default()
            })
        }
        Outcome::Raised(raised) => {
            // The reference tells what an exception says, and not its kind.
            let message = match raised.message.as_str() {
                "" => raised.kind.as_str(),
                message => message,
            };
            Some(environment.execution_error(message)?)
        }
        Outcome::Exhausted(limit) => Some(environment.execution_error(&limit.to_string())?),
        Outcome::Unsupported(_) if environment.missing == Missing::Error => {
            Some(environment.execution_error(&run.outcome.to_string())?)
        }
        Outcome::Unsupported(_) | Outcome::Unanswered { .. } | Outcome::WorkerDied(_) => {
            unavailable = Some(run.outcome.to_string());
            None
        }
    };
    if observation.as_ref().is_some_and(|o| o.is_error) && !run.output.trim().is_empty() {
        notes.push("what it printed before it failed is not shown to the controller".to_owned());
    }
    // Where a limit killed the worker, the run goes on from before the step.
    let after = match &observation {
        None => None,
        Some(_) if session.is_lost() => {
            notes.push(
                "its variables are lost: later steps go on from the state before it".to_owned(),
            );
            match state {
                Some(state) => Some(state.clone()),
                None => Some(environment.pool.session()?.save()?),
            }
        }
        Some(_) => Some(session.save()?),
    };
    Ok(Done {
        observation,
        execution: Execution {
            calls,
            unavailable,
            notes,
            ..Execution::default()
        },
        executed: Executed {
            state: after,
            final_answer: answer,
        },
    })
}

fn notes(run: &StepRun) -> Vec<String> {
    let mut notes = run.stubs.clone();
    notes.extend(run.refused.iter().map(|what| format!("refused: {what}")));
    if run.reads_clock {
        notes.push("it reads the clock, so that each run may differ".to_owned());
    }
    notes
}

impl Environment {
    fn execution_error(&self, message: &str) -> Result<Observation, RolloutError> {
        let text = self
            .prompts
            .render(&EXECUTION_ERROR, json!({"message": message}))?;
        Ok(error(text.text))
    }
}

/// The calls with their results, and what came of them.
fn run_calls(
    environment: &Environment,
    state: Option<&SavedState>,
    step: usize,
    mut calls: Vec<ToolCall>,
) -> (Vec<ToolCall>, Done) {
    let mut host = environment.toolbox.host(step);
    let mut texts = Vec::new();
    let (mut is_error, mut unavailable) = (false, None);
    for (index, call) in calls.iter_mut().enumerate() {
        let text = match host.call(&structured_call(index, call)) {
            Answer::Value(value) => value.to_string(),
            Answer::Error(message) => {
                is_error = true;
                message
            }
            Answer::Unavailable(reason) => {
                unavailable = Some(format!("no result for {}: {reason}", call.name));
                break;
            }
        };
        texts.push(text.clone());
        call.result = Some(text);
    }
    let final_answer = host.final_answer.as_ref().map(ToString::to_string);
    let observation = unavailable.is_none().then(|| Observation {
        text: texts.join("\n"),
        is_error,
        pictures: Vec::new(),
    });
    let done = Done {
        executed: Executed {
            state: observation.as_ref().and(state).cloned(),
            final_answer: final_answer.filter(|_| observation.is_some()),
        },
        observation,
        execution: Execution {
            calls: host.calls,
            unavailable,
            ..Execution::default()
        },
    };
    (calls, done)
}

/// Executes candidates side by side, each on its own copy of the state; as many at a time as the environment has slots.
///
/// `tell` is given each candidate's number once it is done, and what came of it.
pub fn execute_all(
    environment: &Environment,
    state: Option<&SavedState>,
    step: usize,
    candidates: &mut [Candidate],
    progress: &Progress,
    tell: &mut dyn FnMut(usize, &Candidate),
) -> Result<Vec<Executed>, RolloutError> {
    let one = |candidate: &mut Candidate| {
        let _slot = environment.slots.take(progress)?;
        execute(environment, state, step, candidate)
    };
    if let [candidate] = candidates {
        let executed = one(candidate)?;
        tell(0, candidate);
        return Ok(vec![executed]);
    }
    let (told, done) = mpsc::channel();
    let mut results: Vec<Option<Executed>> = vec![None; candidates.len()];
    let mut failed = None;
    let one = &one;
    thread::scope(|scope| {
        for (number, candidate) in candidates.iter_mut().enumerate() {
            let told = told.clone();
            scope.spawn(move || {
                let result = one(candidate);
                // Nobody listens where another one has failed.
                let _ = told.send((number, result, &*candidate));
            });
        }
        drop(told);
        for (number, result, candidate) in done {
            match result {
                Ok(executed) => {
                    tell(number, candidate);
                    if let Some(place) = results.get_mut(number) {
                        *place = Some(executed);
                    }
                }
                Err(error) => failed = failed.take().or(Some(error)),
            }
        }
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(results.into_iter().flatten().collect()),
    }
}
