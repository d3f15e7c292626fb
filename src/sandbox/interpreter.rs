use std::borrow::Cow;
use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use monty::{
    Dump, MontyRepl, ReplFunctionCall, ReplNameLookup, ReplProgress, ReplStartError, SessionRef,
};
use monty_types::{
    AssertMessageAnnotations, CompileOptions, ExcType, ExtFunctionResult, MontyDate, MontyDateTime,
    MontyException, MontyObject, NameLookupResult, OsFunctionCall, PrintWriter,
    PrintWriterCallback, ResourceLimits, ResourceTracker,
};
use serde::{Deserialize, Serialize};

use super::Limits;
use super::error::SandboxError;
use super::missing_name::missing;
use super::run::{Answer, Call, Exhausted, Outcome, Raised, StepRun, Variable};
use super::source_rewrite::rewrite;
use super::stub::{IMPORT, StubAnswer, Stubs, TYPE_PREFIX};
use super::value::PythonValue;

/// Runs first in each run; keeps the builtin that the prelude replaces.
const KEEP_ROUND: &str = "__retake_round__ = round";
const PRELUDE: &str = include_str!("../../assets/sandbox/prelude.py");

/// What an interpreter says of things that it lacks, before the thing's name.
const UNSUPPORTED_OPENINGS: [&str; 2] = [
    "The monty syntax parser does not yet support ",
    "Wildcard imports",
];

/// And what it says inside of a message.
const UNSUPPORTED_PARTS: [&str; 2] = ["is not yet supported", "not supported by monty"];

/// The state of one run: variables, functions and stubs, kept from step to step.
pub(super) struct Interpreter {
    /// `None` only while a step runs.
    repl: Option<MontyRepl>,
    limits: Limits,
    stubs: Stubs,
    /// Names that steps bound, in order.
    bound: Vec<String>,
}

/// An interpreter's state as text.
#[derive(Serialize, Deserialize)]
struct State {
    dump: String,
    stubs: Stubs,
    bound: Vec<String>,
}

/// What a step did besides its end.
#[derive(Default)]
struct Effects {
    refused: Vec<String>,
    reads_clock: bool,
    calls: usize,
}

impl Interpreter {
    /// A fresh state.
    pub fn new(limits: Limits) -> Result<Self, SandboxError> {
        let resources = ResourceLimits::default()
            .max_recursion_depth(limits.recursion)
            .max_memory(usize::try_from(limits.memory).unwrap_or(usize::MAX))
            .max_duration(limits.computing);
        let options = CompileOptions {
            assert_message_annotations: AssertMessageAnnotations::Off,
        };
        let mut repl = MontyRepl::new("step", ResourceTracker::new(resources), options);
        for code in [KEEP_ROUND, PRELUDE] {
            repl.feed_run(code, Vec::new(), PrintWriter::Disabled)
                .map_err(|error| SandboxError::State(format!("prelude: {error}")))?;
        }
        Ok(Self {
            repl: Some(repl),
            limits,
            stubs: Stubs::default(),
            bound: Vec::new(),
        })
    }

    /// Runs a step's code. `tools` may be called; `host` answers.
    pub fn run(
        &mut self,
        code: &str,
        tools: &HashSet<String>,
        host: &mut dyn FnMut(Call) -> Result<Answer, SandboxError>,
    ) -> Result<StepRun, SandboxError> {
        let Some(mut repl) = self.repl.take() else {
            return Err(SandboxError::State("no interpreter".to_owned()));
        };
        let rewritten = rewrite(code);
        for name in rewritten.bound {
            if !self.bound.contains(&name) {
                self.bound.push(name);
            }
        }
        repl.tracker_mut().set_max_duration(self.limits.computing);
        let mut printed = Printed::new(self.limits.output);
        let mut effects = Effects::default();
        let writer = PrintWriter::Callback(&mut printed);
        let mut next = repl.feed_start(&rewritten.code, Vec::new(), writer);
        // Why the step was ended from here, if it was.
        let mut ended: Option<Outcome> = None;
        let (repl, outcome) = loop {
            let writer = PrintWriter::Callback(&mut printed);
            next = match next {
                Ok(ReplProgress::Complete { repl, value }) => {
                    break (repl, Outcome::Completed(PythonValue::from_object(&value)));
                }
                Err(error) => {
                    let ReplStartError { repl, error } = *error;
                    let outcome = ended.take().unwrap_or_else(|| self.failure(&error));
                    break (repl, outcome);
                }
                Ok(ReplProgress::ResolveFutures(futures)) => {
                    let outcome = Outcome::Unsupported("asynchronous calls".to_owned());
                    break (futures.into_repl(), outcome);
                }
                Ok(ReplProgress::OsCall(call)) => {
                    let answer = answer_system(&call.function_call, &mut effects);
                    call.resume(answer, writer)
                }
                Ok(ReplProgress::NameLookup(lookup)) => {
                    self.look_up(lookup, tools, &mut ended, writer)
                }
                Ok(ReplProgress::FunctionCall(call)) => {
                    self.call(call, tools, host, &mut effects, &mut ended, writer)?
                }
            };
        };
        let computed = repl.tracker().elapsed();
        self.repl = Some(repl);
        let outcome = if printed.is_full {
            Outcome::Exhausted(Exhausted::Output)
        } else {
            outcome
        };
        Ok(StepRun {
            output: printed.text,
            outcome,
            stubs: self.stubs.take_notes(),
            refused: effects.refused,
            reads_clock: effects.reads_clock,
            computed: u64::try_from(computed.as_micros()).unwrap_or(u64::MAX),
        })
    }

    /// Resolves a name that the code does not bind, or an attribute of a stub.
    fn look_up(
        &mut self,
        lookup: ReplNameLookup,
        tools: &HashSet<String>,
        ended: &mut Option<Outcome>,
        writer: PrintWriter<'_>,
    ) -> Result<ReplProgress, Box<ReplStartError>> {
        let function = |name: &str| MontyObject::Function {
            name: name.to_owned(),
            docstring: None,
        };
        let Some(id) = lookup.object_id() else {
            let is_known = lookup.name == IMPORT || tools.contains(&lookup.name);
            let answer = is_known.then(|| function(&lookup.name));
            return lookup.resume(NameLookupResult::from(answer), writer);
        };
        let Some(of) = self.stubs.name(id).map(str::to_owned) else {
            return lookup.resume(NameLookupResult::Undefined, writer);
        };
        match self.stubs.attribute(&of, &lookup.name) {
            StubAnswer::Value(value) => lookup.resume(NameLookupResult::Value(value), writer),
            StubAnswer::Raise(error) => lookup.resume(NameLookupResult::Error(error), writer),
            StubAnswer::Refuse(what) => {
                *ended = Some(Outcome::Unsupported(what));
                lookup.abort(stopped(), writer)
            }
        }
    }

    fn call(
        &mut self,
        call: ReplFunctionCall,
        tools: &HashSet<String>,
        host: &mut dyn FnMut(Call) -> Result<Answer, SandboxError>,
        effects: &mut Effects,
        ended: &mut Option<Outcome>,
        writer: PrintWriter<'_>,
    ) -> Result<Result<ReplProgress, Box<ReplStartError>>, SandboxError> {
        let of_stub = call.object_id.and_then(|id| self.stubs.name(id));
        let stub_name = match of_stub {
            Some(of) => Some(format!("{of}.{}", call.function_name)),
            // A name that was imported out of a stubbed module.
            None => Some(call.function_name.clone()).filter(|name| name.contains('.')),
        };
        let answer = if call.function_name == IMPORT {
            self.stubs.import(&call.args)
        } else if let Some(name) = stub_name {
            self.stubs.call(&name, &call.args, &call.kwargs)
        } else if !tools.contains(&call.function_name) {
            // An unknown name that is called at once comes here without a look-up.
            let unknown = ExtFunctionResult::NotFound(call.function_name.clone());
            return Ok(call.resume(unknown, writer));
        } else {
            effects.calls += 1;
            if effects.calls > self.limits.calls {
                *ended = Some(Outcome::Exhausted(Exhausted::Calls));
                return Ok(call.abort(stopped(), writer));
            }
            let request = Call {
                index: effects.calls - 1,
                name: call.function_name.clone(),
                arguments: call.args.iter().map(PythonValue::from_object).collect(),
                keywords: keywords(&call.kwargs),
            };
            match host(request)? {
                Answer::Value(value) => StubAnswer::Value(value.as_object()),
                Answer::Error(message) => {
                    StubAnswer::Raise(MontyException::new(ExcType::Exception, Some(message)))
                }
                Answer::Unavailable(reason) => {
                    *ended = Some(Outcome::Unanswered {
                        tool: call.function_name.clone(),
                        reason,
                    });
                    return Ok(call.abort(stopped(), writer));
                }
            }
        };
        Ok(match answer {
            StubAnswer::Value(value) => call.resume(value, writer),
            StubAnswer::Raise(error) => call.resume(ExtFunctionResult::Error(error), writer),
            StubAnswer::Refuse(what) => {
                *ended = Some(Outcome::Unsupported(what));
                call.abort(stopped(), writer)
            }
        })
    }

    /// What an exception that nothing caught means.
    fn failure(&self, error: &MontyException) -> Outcome {
        let message = error.message().unwrap_or_default();
        let kind: &'static str = error.exc_type().into();
        match error.exc_type() {
            ExcType::TimeoutError if message.starts_with("time limit exceeded") => {
                return Outcome::Exhausted(Exhausted::Computing);
            }
            ExcType::MemoryError if message.starts_with("memory limit exceeded") => {
                return Outcome::Exhausted(Exhausted::Memory);
            }
            ExcType::ModuleNotFoundError => {
                let module = message.split('\'').nth(1).unwrap_or(message);
                return Outcome::Unsupported(format!("the module {module}"));
            }
            ExcType::NotImplementedError => {
                for opening in UNSUPPORTED_OPENINGS {
                    if let Some(rest) = message.strip_prefix(opening) {
                        let what = if rest.starts_with(' ') { message } else { rest };
                        return Outcome::Unsupported(what.to_owned());
                    }
                }
                if UNSUPPORTED_PARTS.iter().any(|part| message.contains(part)) {
                    return Outcome::Unsupported(message.to_owned());
                }
            }
            _ if message.contains(TYPE_PREFIX) => {
                return Outcome::Unsupported(format!("what a stub only stands for ({message})"));
            }
            ExcType::AttributeError
            | ExcType::ImportError
            | ExcType::NameError
            | ExcType::TypeError => {
                if let Some(what) = missing(message) {
                    return Outcome::Unsupported(what);
                }
            }
            _ => {}
        }
        // The step's own code is the outermost frame.
        let line = error.traceback().first().map(|frame| frame.start.line);
        Outcome::Raised(Raised {
            kind: kind.to_owned(),
            message: message.to_owned(),
            line,
        })
    }

    /// The variables that steps bound and that are still there; values are cut to `width` characters.
    pub fn variables(&mut self, width: usize) -> Vec<Variable> {
        let Some(repl) = &mut self.repl else {
            return Vec::new();
        };
        repl.tracker_mut().set_max_duration(self.limits.computing);
        let mut variables = Vec::new();
        for name in &self.bound {
            let Ok(value) = repl.feed_run(name, Vec::new(), PrintWriter::Disabled) else {
                continue;
            };
            let kind = value.type_name().to_owned();
            let text = match &value {
                MontyObject::ClassInstance(of) if kind.starts_with(TYPE_PREFIX) => {
                    format!("<{}>", of.class_type.name)
                }
                other => PythonValue::from_object(other).repr(),
            };
            let cut = text.char_indices().nth(width).map(|(end, _)| end);
            variables.push(Variable {
                name: name.clone(),
                kind,
                value: text
                    .get(..cut.unwrap_or(text.len()))
                    .unwrap_or_default()
                    .to_owned(),
                is_cut: cut.is_some(),
            });
        }
        variables
    }

    /// The state as text.
    pub fn save(&self) -> Result<String, SandboxError> {
        let Some(repl) = &self.repl else {
            return Err(SandboxError::State("no interpreter".to_owned()));
        };
        let dump = monty::dump("step", None, SessionRef::Idle(repl))
            .map_err(|error| SandboxError::State(error.to_string()))?;
        let state = State {
            dump: STANDARD.encode(dump),
            stubs: self.stubs.clone(),
            bound: self.bound.clone(),
        };
        serde_json::to_string(&state).map_err(|error| SandboxError::State(error.to_string()))
    }

    /// Takes up a saved state.
    pub fn restore(limits: Limits, state: &str) -> Result<Self, SandboxError> {
        let wrong = |error: &dyn std::fmt::Display| SandboxError::State(error.to_string());
        let state: State = serde_json::from_str(state).map_err(|error| wrong(&error))?;
        let dump = STANDARD
            .decode(&state.dump)
            .map_err(|error| wrong(&error))?;
        let dump = Dump::load(&dump).map_err(|error| wrong(&error))?;
        let monty::Session::Idle(repl) = dump.state else {
            return Err(SandboxError::State(
                "a step is still running in it".to_owned(),
            ));
        };
        Ok(Self {
            repl: Some(*repl),
            limits,
            stubs: state.stubs,
            bound: state.bound,
        })
    }
}

/// The exception that ends a step from outside; code can't catch it and nobody reads it.
fn stopped() -> MontyException {
    MontyException::new(ExcType::RuntimeError, Some("stopped".to_owned()))
}

fn keywords(pairs: &[(MontyObject, MontyObject)]) -> Vec<(String, PythonValue)> {
    let pair = |(key, value): &(MontyObject, MontyObject)| {
        (key.to_string(), PythonValue::from_object(value))
    };
    pairs.iter().map(pair).collect()
}

/// Answers what code asks of the system: the clock is read, everything else is refused and noted.
fn answer_system(call: &OsFunctionCall, effects: &mut Effects) -> ExtFunctionResult {
    match call {
        OsFunctionCall::DateToday => {
            effects.reads_clock = true;
            let (year, month, day, _) = now();
            ExtFunctionResult::Return(MontyObject::Date(MontyDate { year, month, day }))
        }
        OsFunctionCall::DateTimeNow(zone) => {
            effects.reads_clock = true;
            let (year, month, day, second_of_day) = now();
            let part = |of: u32| u8::try_from(of).unwrap_or(0);
            ExtFunctionResult::Return(MontyObject::DateTime(MontyDateTime {
                year,
                month,
                day,
                hour: part(second_of_day / 3600),
                minute: part(second_of_day / 60 % 60),
                second: part(second_of_day % 60),
                microsecond: 0,
                offset_seconds: zone.as_ref().map(|_| 0),
                timezone_name: None,
            }))
        }
        OsFunctionCall::Getenv(arguments) => {
            effects.refused.push(format!("getenv '{}'", arguments.key));
            ExtFunctionResult::Return(arguments.default.clone())
        }
        refused => {
            let what = match refused.fs_primary_path() {
                Some(path) => format!("{} '{path}'", refused.name()),
                None => refused.name().to_owned(),
            };
            effects.refused.push(what);
            ExtFunctionResult::Error(refused.on_no_handler())
        }
    }
}

/// The date in UTC, and the second of the day.
fn now() -> (i32, u8, u8, u32) {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs();
    let (days, second) = (since / 86_400, since % 86_400);
    // Howard Hinnant's civil_from_days, for dates after 1970.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let small = |of: u64| u8::try_from(of).unwrap_or(1);
    (
        i32::try_from(year).unwrap_or(1970),
        small(month),
        small(day),
        u32::try_from(second).unwrap_or(0),
    )
}

/// What a step prints, up to a number of bytes.
struct Printed {
    text: String,
    limit: usize,
    is_full: bool,
}

impl Printed {
    fn new(limit: usize) -> Self {
        Self {
            text: String::new(),
            limit,
            is_full: false,
        }
    }

    fn push(&mut self, text: &str) -> Result<(), MontyException> {
        let room = self.limit.saturating_sub(self.text.len());
        if text.len() <= room && !self.is_full {
            self.text.push_str(text);
            return Ok(());
        }
        if !self.is_full {
            let end = (0..=room).rev().find(|end| text.is_char_boundary(*end));
            self.text
                .push_str(text.get(..end.unwrap_or(0)).unwrap_or_default());
            self.is_full = true;
        }
        let message = "the output limit is reached".to_owned();
        Err(MontyException::new(ExcType::MemoryError, Some(message)))
    }
}

impl PrintWriterCallback for Printed {
    fn stdout_write(&mut self, output: Cow<'_, str>) -> Result<(), MontyException> {
        self.push(&output)
    }

    fn stdout_push(&mut self, end: char) -> Result<(), MontyException> {
        self.push(end.encode_utf8(&mut [0; 4]))
    }
}
