use std::fmt;

use serde::{Deserialize, Serialize};

use super::PythonValue;

/// What running one step's code did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRun {
    /// What it printed, up to the limit.
    pub output: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What stubs stood in for, in order and once each (`matplotlib.pyplot.savefig('a.png'): nothing was drawn`).
    pub stubs: Vec<String>,
    /// What the code asked the system for and was refused (`open 'a.txt'`).
    pub refused: Vec<String>,
    /// Whether it read the clock, so that another run may print something else.
    pub reads_clock: bool,
    /// Time that the interpreter computed, in microseconds.
    pub computed: u64,
}

/// How a step's code ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It ran to its end; with the value of a last line that is an expression.
    Completed(PythonValue),
    /// It raised an exception that nothing caught.
    Raised(Raised),
    /// It needs something that the interpreter does not have (a module, a statement); in words.
    Unsupported(String),
    /// It wanted more than its limits allow.
    Exhausted(Exhausted),
    /// A tool call got no answer: the tool's name, and why.
    Unanswered {
        /// The tool.
        tool: String,
        /// Why nothing could answer.
        reason: String,
    },
    /// The worker ended under the code, for a reason that is no limit; in words.
    WorkerDied(String),
}

/// An exception that ended a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raised {
    /// `ValueError` and the like.
    pub kind: String,
    /// What it says.
    pub message: String,
    /// The line of the step's code, from 1, where known.
    pub line: Option<u32>,
}

/// The limit that a step ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exhausted {
    /// It computed too long; the interpreter or the system stopped it.
    Computing,
    /// It did not end in time; the worker was killed.
    Clock,
    /// It wanted too much memory.
    Memory,
    /// It printed too much.
    Output,
    /// It made too many tool calls.
    Calls,
}

/// One tool call of a step, as it reaches the host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Which call of the step, from 0.
    pub index: usize,
    /// The tool's name.
    pub name: String,
    /// Positional arguments.
    pub arguments: Vec<PythonValue>,
    /// Keyword arguments.
    pub keywords: Vec<(String, PythonValue)>,
}

/// What a host says to a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The tool's result.
    Value(PythonValue),
    /// The tool failed: the code sees an exception with this message.
    Error(String),
    /// Nothing can answer: the step ends, the code can't catch that. Why, in words.
    Unavailable(String),
}

/// Answers the tool calls of steps.
pub trait ToolHost {
    /// The names that may be called.
    fn tools(&self) -> Vec<String>;

    /// Answers a call. It may take as long as the tool takes; the step's limits wait.
    fn call(&mut self, call: &Call) -> Answer;
}

/// A global variable after a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its type's name.
    pub kind: String,
    /// Its `repr`, cut to the size asked for.
    pub value: String,
    /// Whether `value` was cut.
    pub is_cut: bool,
}

impl StepRun {
    /// A run of which nothing is known but how it ended.
    pub fn ended(outcome: Outcome) -> Self {
        Self {
            output: String::new(),
            outcome,
            stubs: Vec::new(),
            refused: Vec::new(),
            reads_clock: false,
            computed: 0,
        }
    }
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Computing => "it computes longer than a step may",
            Self::Clock => "it did not end in time and was killed",
            Self::Memory => "it wants more memory than a step may have",
            Self::Output => "it prints more than a step may",
            Self::Calls => "it makes more tool calls than a step may",
        })
    }
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        if let Some(line) = self.line {
            write!(f, " (line {line})")?;
        }
        Ok(())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed(_) => write!(f, "completed"),
            Self::Raised(raised) => write!(f, "{raised}"),
            Self::Unsupported(what) => write!(f, "the sandbox does not have {what}"),
            Self::Exhausted(limit) => write!(f, "{limit}"),
            Self::Unanswered { tool, reason } => write!(f, "no result for {tool}: {reason}"),
            Self::WorkerDied(reason) => write!(f, "the sandbox worker ended: {reason}"),
        }
    }
}
