use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Candidate, CanonicalError, ContentHash, Provenance, Step, Task, ToolDefinition, Trajectory,
    content_hash,
};

/// What a controller saw before a step: system prompt, tools, task, earlier steps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// The system prompt.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub system_prompt: Option<Arc<str>>,
    /// Declared tools.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tools: Vec<ToolDefinition>,
    /// The task turn.
    pub task: Task,
    /// The steps before the one in question, oldest first.
    pub steps: Vec<Step>,
}

impl Context {
    /// What a controller saw before step `step`, from 0. Candidates that were not taken are no part of it.
    pub fn before(trajectory: &Trajectory, step: usize) -> Self {
        Self {
            system_prompt: trajectory.system_prompt.clone(),
            tools: trajectory.tools.clone(),
            task: trajectory.task.clone(),
            steps: trajectory
                .steps
                .iter()
                .take(step)
                .map(Step::as_seen)
                .collect(),
        }
    }

    /// BLAKE3 over its canonical JSON.
    pub fn hash(&self) -> Result<ContentHash, CanonicalError> {
        let json = serde_json::to_string(self).map_err(|_| CanonicalError::Syntax(0))?;
        content_hash(&json)
    }
}

/// Context + chosen candidate + rejected candidate + why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreferencePair {
    /// What both candidates continue.
    pub context: Context,
    /// The better candidate.
    pub chosen: Candidate,
    /// The worse one.
    pub rejected: Candidate,
    /// Why, in the words of whoever judged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// What tells this pair from the others of its record (`2.3`: step 2, candidate 3); `None` where the record is the pair.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub part: Option<String>,
    /// Format, run and model.
    pub provenance: Provenance,
}

impl PreferencePair {
    /// The number of the step that both candidates propose, counted from 1.
    pub fn step_number(&self) -> usize {
        self.context.steps.len() + 1
    }
}
