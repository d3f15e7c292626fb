use serde::{Deserialize, Serialize};

use super::{Candidate, PictureReference};

/// One step: thought, action, observation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Why the controller acted, without its `Thought:` mark.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub thought: Option<String>,
    /// What it did; `None` where its reply held no action that could be parsed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub action: Option<Action>,
    /// What executing the action printed; `None` for a last step or a lost one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub observation: Option<Observation>,
    /// The controller's reply exactly as it wrote it, where the format keeps it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reply: Option<String>,
    /// Pictures that the step itself carries (chat turns with image parts).
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub pictures: Vec<PictureReference>,
    /// Every candidate that was sampled for this step, the chosen one included (Pref-X exploration).
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub candidates: Vec<Candidate>,
    /// Which of `candidates` became the step; `None` without candidates or where the data does not say.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub chosen: Option<usize>,
    /// Why it was chosen, in the words of the judge.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub choice_reason: Option<String>,
}

/// What a controller does in a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Python that calls tools.
    Code(String),
    /// Structured calls (GTA, ATIF, chat formats).
    ToolCalls(Vec<ToolCall>),
    /// A plain message to the person, with no call in it (the last turn of a GTA dialog).
    Message(String),
}

/// One structured call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The id that joins the call to its result, where the format has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// The tool's name.
    pub name: String,
    /// The arguments as the data has them: an object, or text where a model wrote something else.
    pub arguments: serde_json::Value,
    /// What the call returned, where the format answers calls one by one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub result: Option<String>,
}

/// What executing an action printed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The printed text, without the turn's `[OUTPUT OF STEP i]` header.
    pub text: String,
    /// Whether the data marks it as an error.
    pub is_error: bool,
    /// Pictures that came with it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub pictures: Vec<PictureReference>,
}

impl Step {
    /// The step as later controllers see it: without the candidates that were sampled for it.
    pub fn as_seen(&self) -> Self {
        Self {
            candidates: Vec::new(),
            chosen: None,
            choice_reason: None,
            ..self.clone()
        }
    }

    /// The Python of the step, if its action is code.
    pub fn code(&self) -> Option<&str> {
        match &self.action {
            Some(Action::Code(code)) => Some(code),
            _ => None,
        }
    }

    /// The structured calls of the step; empty if its action is something else.
    pub fn tool_calls(&self) -> &[ToolCall] {
        match &self.action {
            Some(Action::ToolCalls(calls)) => calls,
            _ => &[],
        }
    }

    /// Whether executing the step failed.
    pub fn is_error(&self) -> bool {
        self.observation.as_ref().is_some_and(|o| o.is_error)
    }
}
