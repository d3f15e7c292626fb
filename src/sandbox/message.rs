use serde::{Deserialize, Serialize};

use super::Limits;
use super::confinement::Confinement;
use super::run::{Answer, Call, StepRun, Variable};

/// The longest line that either side reads; a longer one ends the worker.
pub(super) const LONGEST_LINE: usize = 64 << 20;

/// What a worker is told, one JSON object a line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Request {
    /// Forget everything: a new run begins.
    Reset { limits: Limits },
    /// Run a step. Tool calls come back before the end.
    Run { code: String, tools: Vec<String> },
    /// The answer to the call that the worker waits for.
    Answer(Answer),
    /// Give the state as text.
    Save,
    /// Take up a state.
    Restore { limits: Limits, state: String },
    /// List the variables.
    Variables { width: usize },
    /// Read a document: its file's ending, and its bytes in base64.
    Document { ending: String, content: String },
}

/// What a worker says, one JSON object a line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Reply {
    /// First of all: what confines it.
    Ready(Confinement),
    /// The step calls a tool; nothing goes on before the answer.
    Call(Call),
    /// The step ended.
    Ran(Box<StepRun>),
    /// The state.
    Saved { state: String },
    /// The variables.
    Variables(Vec<Variable>),
    /// A document's text.
    Text { text: String },
    /// Done, with nothing to say.
    Done,
    /// A request could not be served; the worker goes on.
    Failed(String),
}
