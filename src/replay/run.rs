use serde::{Deserialize, Serialize};

use super::comparison::{Comparison, compare};
use super::compatibility::compatibility_notes;
use super::confirmation::{SecondInterpreter, confirm, is_open};
use super::error::ReplayError;
use super::made_up::MadeUp;
use super::structured::StructuredReplay;
use super::verdict::Verdict;
use crate::domain::{Action, LoggedCall, Step, Trajectory};
use crate::jobs::Progress;
use crate::sandbox::{Outcome, Pool, PythonValue, Session, StepCode, StepRun, Variable};
use crate::tools::{
    FINAL_ANSWER, Provider, Toolbox, failure_message, found_no_code, read_recording, recorded_code,
    undeclared_tools,
};

/// What is asked of a replay.
#[derive(Clone, Default)]
pub struct ReplayOptions {
    /// Live tools for calls that are not recorded, preferred first.
    pub live: Vec<Provider>,
    /// Asked where the sandbox's own interpreter does not get on, or gets something else than was recorded.
    pub second: Option<SecondInterpreter>,
    /// The last step to run, from 0; all of them otherwise.
    pub until: Option<usize>,
    /// Whether to list the variables after each step, and the width to which their values are cut.
    pub variables: Option<usize>,
    /// Whoever cancels it waits for no live tool any more.
    pub progress: Progress,
}

/// A step, run again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepReplay {
    /// The step, from 0.
    pub step: usize,
    /// What the replay says.
    pub verdict: Verdict,
    /// Why, in words; empty for a plain match.
    pub reason: String,
    /// How its code was found.
    pub rule: Option<String>,
    /// What was recorded.
    pub recorded: Option<String>,
    /// What it prints now, or the error that it ends with.
    pub actual: Option<String>,
    /// Whether no tool result comes in, so that a match proves something.
    pub is_independent: bool,
    /// What the recorder is known to do otherwise than Python, where that may matter; stubs, and what was refused.
    pub notes: Vec<String>,
    /// Its tool calls.
    pub calls: Vec<LoggedCall>,
    /// The variables after it, if they were asked for.
    pub variables: Option<Vec<Variable>>,
}

/// A trajectory, run again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrajectoryReplay {
    /// Its steps, as far as they were asked for.
    pub steps: Vec<StepReplay>,
    /// Tool calls that a run makes.
    pub calls: usize,
    /// Calls whose result or error is known from the recording.
    pub recovered: usize,
    /// Whether `final_answer` was given the recorded answer; `None` if it was not reached, or no answer is recorded.
    pub answer_matches: Option<bool>,
}

/// Runs a trajectory's steps again and compares. `tools` are the names that it declares; where it declares none, what it calls
/// and nowhere defines is a tool.
pub fn replay(
    pool: &Pool,
    trajectory: &Trajectory,
    tools: &[String],
    options: &ReplayOptions,
) -> Result<TrajectoryReplay, ReplayError> {
    let tools = &callable(trajectory, tools, options);
    let mut replayed = replay_in(pool, trajectory, tools, options)?;
    if let Some(interpreter) = &options.second
        && replayed.steps.iter().any(is_open)
    {
        let second = replay_in(&interpreter.pool, trajectory, tools, options)?;
        confirm(&mut replayed, second, interpreter);
    }
    Ok(replayed)
}

/// Every name that steps may call: a live tool is one also where the data does not declare it.
fn callable(trajectory: &Trajectory, tools: &[String], options: &ReplayOptions) -> Vec<String> {
    let mut names = tools.to_vec();
    if names.iter().all(|name| name == FINAL_ANSWER) {
        let codes: Vec<_> = trajectory.steps.iter().filter_map(recorded_code).collect();
        names.extend(undeclared_tools(
            codes.iter().map(|code| code.code.as_str()),
        ));
    }
    let live = options.live.iter().flat_map(|provider| &provider.tools);
    names.extend(live.map(|tool| tool.name().to_owned()));
    names.sort();
    names.dedup();
    names
}

fn replay_in(
    pool: &Pool,
    trajectory: &Trajectory,
    tools: &[String],
    options: &ReplayOptions,
) -> Result<TrajectoryReplay, ReplayError> {
    let reading = read_recording(pool, trajectory, tools)?;
    let (recording, independent) = (reading.recording, reading.independent);
    let (calls, recovered) = recording.recovered();
    let toolbox = Toolbox {
        recording,
        live: options.live.clone(),
        declared: tools.to_vec(),
        progress: options.progress.clone(),
        ..Toolbox::default()
    };
    let structured = StructuredReplay::new(&toolbox);
    let mut replayed = TrajectoryReplay {
        steps: Vec::new(),
        calls,
        recovered,
        answer_matches: None,
    };
    let mut session = pool.session()?;
    let mut lost: Option<String> = None;
    let mut made_up = MadeUp::default();
    for (number, step) in trajectory.steps.iter().enumerate() {
        if options.until.is_some_and(|until| number > until) {
            break;
        }
        let answer = trajectory.answer.as_deref();
        if !step.tool_calls().is_empty() {
            options.progress.check()?;
            let (mut step, given) = structured.replay(number, step, answer);
            // What was answered to a call that nobody waits for any more is no verdict.
            options.progress.check()?;
            made_up.mark(&mut step);
            replayed.steps.push(step);
            replayed.note_answer(given.as_ref(), answer);
            continue;
        }
        let Some(code) = recorded_code(step) else {
            replayed.steps.push(without_code(number, step));
            continue;
        };
        if let Some(reason) = &lost {
            replayed.steps.push(not_run(number, step, reason.clone()));
            continue;
        }
        let mut host = toolbox.host(number);
        let run = session.run(&code.code, &mut host)?;
        let (calls, given) = (host.calls, host.final_answer);
        let mut judged = StepReplay {
            step: number,
            is_independent: independent.get(number).copied().unwrap_or(false),
            calls,
            ..judge(step, &code, &run, given.as_ref(), answer)
        };
        made_up.mark(&mut judged);
        if !made_up.is_any() {
            replayed.note_answer(given.as_ref(), answer);
        }
        if session.is_lost() {
            lost = Some(format!(
                "step {} ended its worker: {}",
                number + 1,
                run.outcome
            ));
        } else if options.variables.is_some() {
            judged.variables = variables(&mut session, options.variables)?;
        }
        replayed.steps.push(judged);
    }
    Ok(replayed)
}

impl TrajectoryReplay {
    /// Takes note of what `final_answer` was given, if it was reached.
    fn note_answer(&mut self, given: Option<&PythonValue>, answer: Option<&str>) {
        if let (Some(given), Some(answer)) = (given, answer) {
            self.answer_matches = Some(is_answer(given, answer));
        }
    }
}

fn variables(
    session: &mut Session,
    width: Option<usize>,
) -> Result<Option<Vec<Variable>>, ReplayError> {
    width
        .map(|width| session.variables(width))
        .transpose()
        .map_err(ReplayError::from)
}

pub(super) fn step_replay(
    number: usize,
    step: &Step,
    verdict: Verdict,
    reason: String,
) -> StepReplay {
    StepReplay {
        step: number,
        verdict,
        reason,
        rule: None,
        recorded: step.observation.as_ref().map(|o| o.text.clone()),
        actual: None,
        is_independent: true,
        notes: Vec::new(),
        calls: Vec::new(),
        variables: None,
    }
}

fn not_run(number: usize, step: &Step, reason: String) -> StepReplay {
    step_replay(number, step, Verdict::NotRun, reason)
}

fn without_code(number: usize, step: &Step) -> StepReplay {
    if found_no_code(step.observation.as_ref()) {
        let reason = "the reply has no code that the reference's pattern finds".to_owned();
        return step_replay(number, step, Verdict::ErrorReproduced, reason);
    }
    let reason = match step.action {
        Some(Action::Message(_)) => "a message; there is nothing to run",
        _ => "the step has no code",
    };
    not_run(number, step, reason.to_owned())
}

/// Compares a run with what was recorded of its step. `given` is what `final_answer` got.
fn judge(
    step: &Step,
    code: &StepCode,
    run: &StepRun,
    given: Option<&PythonValue>,
    answer: Option<&str>,
) -> StepReplay {
    let (verdict, reason) = match &run.outcome {
        Outcome::Unsupported(what) => (Verdict::Unsupported, what.clone()),
        Outcome::Unanswered { tool, reason } => {
            (Verdict::ToolResultUnknown, format!("{tool}: {reason}"))
        }
        Outcome::Exhausted(_) | Outcome::WorkerDied(_) => {
            (Verdict::NotRun, run.outcome.to_string())
        }
        Outcome::Raised(raised) => match &step.observation {
            Some(observation) if observation.is_error => {
                compare_errors(&observation.text, &raised.message, run)
            }
            _ => (Verdict::Differs, format!("it fails: {raised}")),
        },
        Outcome::Completed(_) => match &step.observation {
            Some(observation) if observation.is_error => {
                (Verdict::ErrorNotReproduced, "it runs to its end".to_owned())
            }
            Some(observation) => compare_output(&observation.text, run),
            None => compare_answer(given, answer),
        },
    };
    let mut notes: Vec<String> = run.stubs.clone();
    notes.extend(run.refused.iter().map(|what| format!("refused: {what}")));
    if run.reads_clock {
        notes.push("it reads the clock, so that each run may differ".to_owned());
    }
    if code.has_more {
        notes.push("the reply has more blocks of code, which do not run".to_owned());
    }
    if !verdict.reproduces() {
        notes.extend(
            compatibility_notes(&code.code)
                .into_iter()
                .map(str::to_owned),
        );
    }
    StepReplay {
        rule: Some(code.rule.name().to_owned()),
        actual: Some(match &run.outcome {
            Outcome::Completed(_) => run.output.clone(),
            ended => format!("{}{ended}", run.output),
        }),
        notes,
        ..step_replay(0, step, verdict, reason)
    }
}

fn compare_output(recorded: &str, run: &StepRun) -> (Verdict, String) {
    match compare(recorded, &run.output) {
        Comparison::Same if run.stubs.is_empty() => (Verdict::Match, String::new()),
        Comparison::Same => (
            Verdict::MatchStubbed,
            "stubs stood in for what it draws or stores".to_owned(),
        ),
        Comparison::Normalised { sets, floats } => {
            let reason = match (sets, floats) {
                (true, true) => "sets have another order, floats other last digits",
                (true, false) => "sets have another order",
                (false, _) => "floats have other last digits",
            };
            (Verdict::MatchNormalised, reason.to_owned())
        }
        Comparison::Different => (Verdict::Differs, first_difference(recorded, &run.output)),
    }
}

/// Where two texts part, in words.
pub(super) fn first_difference(recorded: &str, actual: &str) -> String {
    let (mut ours, mut theirs) = (actual.trim_end().lines(), recorded.trim_end().lines());
    let mut line = 0;
    loop {
        line += 1;
        match (theirs.next(), ours.next()) {
            (Some(recorded), Some(actual)) if recorded == actual => {}
            (None, None) => return "line ends differ".to_owned(),
            (Some(_), Some(_)) => return format!("line {line} differs"),
            (Some(_), None) => return format!("it prints {} of the recorded lines", line - 1),
            (None, Some(_)) => {
                return format!("it prints more than the {} recorded lines", line - 1);
            }
        }
    }
}

pub(super) fn compare_answer(
    given: Option<&PythonValue>,
    answer: Option<&str>,
) -> (Verdict, String) {
    match (given, answer) {
        (Some(given), Some(answer)) if is_answer(given, answer) => {
            (Verdict::Match, "it gives the recorded answer".to_owned())
        }
        (Some(given), Some(_)) => {
            let given = given.to_string();
            let short: String = given.chars().take(80).collect();
            (
                Verdict::Differs,
                format!("it gives another answer: {short}"),
            )
        }
        _ => (
            Verdict::NotRun,
            "it runs; nothing was recorded to compare it with".to_owned(),
        ),
    }
}

/// Whether a value is the recorded answer, which data sets keep as text.
fn is_answer(given: &PythonValue, answer: &str) -> bool {
    compare(answer, &given.to_string()) != Comparison::Different
}

/// What the reference says of a function that it does not allow, before its name.
const FORBIDDEN: &str = "(tried to execute ";

fn compare_errors(recorded: &str, raised: &str, run: &StepRun) -> (Verdict, String) {
    let message = failure_message(recorded).unwrap_or(recorded).trim();
    if message == raised.trim() {
        return (Verdict::ErrorReproduced, String::new());
    }
    let forbidden = message
        .rsplit_once(FORBIDDEN)
        .and_then(|(_, name)| name.split(')').next());
    if let Some(name) = forbidden
        && run
            .refused
            .iter()
            .any(|what| what.split(' ').next() == Some(name))
    {
        let reason = format!("{name} is refused here, too, in other words");
        return (Verdict::ErrorReproduced, reason);
    }
    (
        Verdict::ErrorNotReproduced,
        format!("it fails otherwise: {raised}"),
    )
}
