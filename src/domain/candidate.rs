use serde::{Deserialize, Serialize};

use super::{Action, Execution, Generation, Judgement, Observation};

/// One possible (thought, action, observation) for a step, with who made it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Why the controller acted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub thought: Option<String>,
    /// What it would do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub action: Option<Action>,
    /// What executing it printed, if it was executed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub observation: Option<Observation>,
    /// The reply exactly as it was written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reply: Option<String>,
    /// Who made it.
    #[serde(default)]
    pub maker: Maker,
    /// A judge's score, in the judge's own scale.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub score: Option<f64>,
    /// How a controller made it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub generation: Option<Box<Generation>>,
    /// What executing it did beside printing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub execution: Option<Box<Execution>>,
    /// What judges say of it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub judgements: Vec<Judgement>,
}

impl Candidate {
    /// Why it has no observation, where it was executed and something was not to be had. It may be picked, and nothing goes on from it.
    pub fn unavailable(&self) -> Option<&str> {
        self.execution.as_ref()?.unavailable.as_deref()
    }

    /// Whether its reply ended because it had as many tokens as it may have, and not by itself.
    pub fn is_cut(&self) -> bool {
        let finish = self
            .generation
            .as_deref()
            .and_then(|made| made.finish.as_deref());
        finish == Some("length")
    }
}

/// Who made a candidate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Maker {
    /// It came with the data, which does not say who made it.
    #[default]
    Recorded,
    /// A controller, by name.
    Controller(String),
    /// A person, by annotator name.
    Person(String),
}
