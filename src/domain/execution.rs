use serde::{Deserialize, Serialize};

/// What executing a candidate's action did, beside what it printed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// Its tool calls with their results, and who answered each.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub calls: Vec<LoggedCall>,
    /// What `final_answer` was given, as text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub final_answer: Option<String>,
    /// Why there is no observation: a call that neither a recording nor a live tool answers, or code that did not run.
    /// Such a candidate may be picked, and nothing can go on from it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unavailable: Option<String>,
    /// Stubs that stood in for something, and what else a reader of the observation has to know.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub notes: Vec<String>,
}

/// One call and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoggedCall {
    /// The step, from 0.
    pub step: usize,
    /// Which call of the step, from 0.
    pub index: usize,
    /// The tool's name.
    pub name: String,
    /// The arguments as Python writes them in a call.
    pub arguments: String,
    /// What came back.
    pub result: LoggedResult,
    /// Who answered; `None` if nobody did.
    pub provider: Option<String>,
}

/// What came back from a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoggedResult {
    /// A value, as a Python literal.
    Value(String),
    /// The tool failed with this message.
    Error(String),
    /// Nothing answered; why.
    Unavailable(String),
}
