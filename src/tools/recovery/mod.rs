//! Reads tool results back out of recorded observations, which hold only what steps printed.
//!
//! The trajectory runs again with a [sentinel](sentinel::Sentinel) in the place of each unknown result. What it prints,
//! laid over the recorded observation, tells which part of it was the result; only readings that are the only possible
//! ones count. Found results replace their sentinels, and the run is repeated until nothing new is found: a result may
//! show only in a later step, or only once another is known.

mod pattern;
mod sentinel;

use std::collections::BTreeMap;

use crate::domain::Observation;
use crate::sandbox::{
    Answer, Call, Outcome, Pool, PythonValue, Session, StepRun, ToolHost, parse_literal,
};

use super::error::ToolsError;
use super::recording::{RecordedCall, RecordedResult, Recording};
use super::signature::{Returns, signature};
use super::toolbox::FINAL_ANSWER;
use pattern::{Found, match_pieces};
use sentinel::{Piece, Sentinel, Width, common, pieces};

/// Rounds until reading stops anyway; each round finds at least one result.
const MOST_ROUNDS: usize = 64;

/// How an observation opens whose step failed while it ran, and what the reference adds to it.
const FAILED: &str = "Code execution failed due to the following error:";
const RETRY: &str = "Now let's retry: ";

/// How the message goes on where the reference's interpreter failed and no tool.
const INTERPRETER_FAILED: &str = "EXECUTION FAILED:";

/// One step of a recording.
#[derive(Debug, Clone, Copy)]
pub struct RecordedStep<'a> {
    /// The code that ran, if the step has any.
    pub code: Option<&'a str>,
    /// What was observed.
    pub observation: Option<&'a Observation>,
}

impl RecordedStep<'_> {
    /// What the step's code printed, if it ran to its end.
    fn printed(&self) -> Option<&str> {
        let observation = self.observation.filter(|o| !o.is_error)?;
        Some(observation.text.trim_end())
    }

    /// The message with which a tool, or an operation of the code, failed.
    fn failure(&self) -> Option<&str> {
        failure_message(self.observation.filter(|o| o.is_error)?.text.as_str())
            .filter(|message| !message.starts_with(INTERPRETER_FAILED))
    }
}

/// The message in an observation whose step failed while it ran; `None` for another text.
pub fn failure_message(observation: &str) -> Option<&str> {
    let message = observation.trim_start().strip_prefix(FAILED)?;
    let end = message.rfind(RETRY).unwrap_or(message.len());
    message.get(..end).map(str::trim)
}

/// What running a recording again with unknown results tells of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// The calls and what they returned.
    pub recording: Recording,
    /// For each step, whether it calls no tool and does the same whatever tools return.
    pub independent: Vec<bool>,
}

/// Reads the results of a trajectory's tool calls. `tools` may be called; `answer` is the run's answer as text.
///
/// The calls come in the order in which a run with the found results makes them. Sandbox errors are errors; code that
/// fails is not.
pub fn recover(
    pool: &Pool,
    steps: &[RecordedStep<'_>],
    tools: &[String],
    answer: Option<&str>,
) -> Result<Reading, ToolsError> {
    let mut recovery = Recovery {
        steps,
        tools,
        answer,
        known: BTreeMap::new(),
        unclear: BTreeMap::new(),
    };
    let mut ids = BTreeMap::new();
    let mut pass = recovery.pass(pool, Width::Narrow, &mut ids)?;
    let mut independent = None;
    for _ in 0..MOST_ROUNDS {
        if ids.is_empty() {
            break;
        }
        let wide = recovery.pass(pool, Width::Wide, &mut ids.clone())?;
        independent.get_or_insert_with(|| pass.same_steps(&wide));
        let failures = recovery.read_failures(&pass);
        let results = recovery.read_results(&pass, &wide, &ids);
        if !failures && !results {
            break;
        }
        ids.clear();
        pass = recovery.pass(pool, Width::Narrow, &mut ids)?;
    }
    let calls = pass.calls.into_iter().map(|(place, call)| RecordedCall {
        result: recovery.result(place),
        step: place.0,
        index: place.1,
        name: call.name,
        arguments: call.arguments,
        keywords: call.keywords,
    });
    let recording = Recording {
        calls: calls.collect(),
    };
    Ok(Reading {
        recording,
        independent: independent.unwrap_or_else(|| vec![true; steps.len()]),
    })
}

/// A call's step and its number in the step.
type Place = (usize, usize);

struct Recovery<'a> {
    steps: &'a [RecordedStep<'a>],
    tools: &'a [String],
    answer: Option<&'a str>,
    known: BTreeMap<Place, RecordedResult>,
    /// Results that were found, but not what they are.
    unclear: BTreeMap<Place, String>,
}

/// One run of the whole trajectory.
#[derive(Default)]
struct Pass {
    /// By step; shorter where the state was lost.
    runs: Vec<Option<StepRun>>,
    calls: Vec<(Place, Call)>,
    /// What `final_answer` was given last, and in which step.
    answer: Option<(usize, PythonValue)>,
}

impl Pass {
    /// For each step, whether it calls no tool and does the same in another run with other sentinels.
    fn same_steps(&self, other: &Self) -> Vec<bool> {
        let calls = |step: usize| self.calls.iter().any(|((of, _), _)| *of == step);
        let answer = |pass: &Self, step: usize| {
            let given = pass.answer.clone();
            given
                .filter(|(of, _)| *of == step)
                .map(|(_, value)| value.repr())
        };
        let is_same = |(step, run): (usize, &Option<StepRun>)| {
            let (Some(run), Some(Some(other_run))) = (run, other.runs.get(step)) else {
                return true;
            };
            !calls(step)
                && run.output == other_run.output
                && !run.output.contains(sentinel::MARK)
                // What stops a run with unknown results may not stop the real one.
                && matches!(run.outcome, Outcome::Completed(_))
                && run.outcome == other_run.outcome
                && answer(self, step) == answer(other, step)
        };
        self.runs.iter().enumerate().map(is_same).collect()
    }
}

impl Recovery<'_> {
    fn pass(
        &self,
        pool: &Pool,
        width: Width,
        ids: &mut BTreeMap<Place, usize>,
    ) -> Result<Pass, ToolsError> {
        let mut session: Session = pool.session()?;
        let mut pass = Pass::default();
        for (step, recorded) in self.steps.iter().enumerate() {
            let Some(code) = recorded.code else {
                pass.runs.push(None);
                continue;
            };
            let mut host = Host {
                recovery: self,
                step,
                width,
                ids,
                pass: &mut pass,
            };
            let run = session.run(code, &mut host)?;
            pass.runs.push(Some(run));
            if session.is_lost() {
                break;
            }
        }
        Ok(pass)
    }

    /// Where a step is recorded to have failed, its first call gets the message; unless the code fails so by itself.
    fn read_failures(&mut self, pass: &Pass) -> bool {
        let mut found = false;
        for (step, recorded) in self.steps.iter().enumerate() {
            let Some(message) = recorded.failure() else {
                continue;
            };
            if let Some(Some(run)) = pass.runs.get(step)
                && let Outcome::Raised(raised) = &run.outcome
                && raised.message.trim() == message
            {
                continue;
            }
            let first = pass.calls.iter().find(|((of, _), _)| *of == step);
            if let Some((place, _)) = first
                && !self.known.contains_key(place)
            {
                let error = RecordedResult::Error(message.to_owned());
                self.known.insert(*place, error);
                found = true;
            }
        }
        found
    }

    fn read_results(&mut self, narrow: &Pass, wide: &Pass, ids: &BTreeMap<Place, usize>) -> bool {
        let places: Vec<Place> = {
            let mut places: Vec<_> = ids.iter().collect();
            places.sort_by_key(|(_, id)| **id);
            places.into_iter().map(|(place, _)| *place).collect()
        };
        let taken = |text: &str, width| pieces(text, places.len(), width);
        let mut readings = Vec::new();
        for (step, recorded) in self.steps.iter().enumerate() {
            let (Some(printed), Some(Some(narrow)), Some(Some(wide))) = (
                recorded.printed(),
                narrow.runs.get(step),
                wide.runs.get(step),
            ) else {
                continue;
            };
            let both = common(
                taken(&narrow.output, Width::Narrow),
                taken(&wide.output, Width::Wide),
            );
            readings.extend(match_pieces(&without_end(both), printed));
        }
        if let (Some(recorded), Some((step, narrow)), Some((_, wide))) =
            (self.answer, &narrow.answer, &wide.answer)
            && self
                .steps
                .get(*step)
                .is_some_and(|s| s.observation.is_none())
        {
            let both = common(
                taken(&narrow.to_string(), Width::Narrow),
                taken(&wide.to_string(), Width::Wide),
            );
            readings.extend(match_pieces(&both, recorded));
        }
        let mut found = false;
        for (id, reading) in readings.into_iter().flatten() {
            let Some(place) = places.get(id) else {
                continue;
            };
            if self.known.contains_key(place) {
                continue;
            }
            let call = narrow.calls.iter().find(|(other, _)| other == place);
            let tool = call.map_or("", |(_, call)| call.name.as_str());
            match result_of(tool, reading) {
                Ok(value) => {
                    self.known.insert(*place, RecordedResult::Value(value));
                    found = true;
                }
                Err(reason) => {
                    self.unclear.insert(*place, reason);
                }
            }
        }
        found
    }

    fn result(&self, place: Place) -> RecordedResult {
        let lost = || {
            let reason = self.unclear.get(&place).cloned();
            RecordedResult::Lost(reason.unwrap_or_else(|| {
                "no observation shows the result whole and in one possible way only".to_owned()
            }))
        };
        self.known.get(&place).cloned().unwrap_or_else(lost)
    }
}

/// Drops the white space at the end, which recordings drop, too.
fn without_end(mut pieces: Vec<Piece>) -> Vec<Piece> {
    if let Some(Piece::Text(text)) = pieces.last_mut() {
        text.truncate(text.trim_end().len());
        if text.is_empty() {
            pieces.pop();
        }
    }
    pieces
}

/// What a printed result was. A text and another value can print alike; a tool's signature tells, or how `repr` quotes.
fn result_of(tool: &str, found: Found) -> Result<PythonValue, String> {
    let text = match found {
        Found::Quoted(value) => return Ok(value),
        Found::Shown(text) => text,
    };
    let literal = parse_literal(&text).filter(|literal| literal.repr() == text);
    match (signature(tool).map(|signature| signature.returns), literal) {
        (Some(Returns::List), Some(literal @ PythonValue::List(_))) => Ok(literal),
        (Some(_), _) | (None, None) => Ok(PythonValue::Str(text)),
        (None, Some(literal)) => Err(format!(
            "it printed as {}, which may be a text or of type {}",
            literal.repr(),
            literal.kind()
        )),
    }
}

/// Answers with what is known, and with sentinels.
struct Host<'a, 'b> {
    recovery: &'a Recovery<'b>,
    step: usize,
    width: Width,
    ids: &'a mut BTreeMap<Place, usize>,
    pass: &'a mut Pass,
}

impl ToolHost for Host<'_, '_> {
    fn tools(&self) -> Vec<String> {
        let mut tools = self.recovery.tools.to_vec();
        tools.push(FINAL_ANSWER.to_owned());
        tools
    }

    fn call(&mut self, call: &Call) -> Answer {
        if call.name == FINAL_ANSWER {
            let given = call
                .arguments
                .first()
                .or(call.keywords.first().map(|(_, value)| value));
            let given = given.cloned().unwrap_or(PythonValue::None);
            self.pass.answer = Some((self.step, given.clone()));
            return Answer::Value(given);
        }
        let place = (self.step, call.index);
        self.pass.calls.push((place, call.clone()));
        if let Some(known) = self.recovery.known.get(&place) {
            return known.answer();
        }
        let next = self.ids.len();
        let id = *self.ids.entry(place).or_insert(next);
        Answer::Value(PythonValue::Str(Sentinel { id }.text(self.width)))
    }
}
