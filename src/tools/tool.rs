use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::domain::ToolDefinition;
use crate::ingest::tool_schema::described_tool;
use crate::sandbox::{Answer, Call};

/// Something that a step's code can call.
pub trait Tool: Send + Sync {
    /// The name by which code calls it.
    fn name(&self) -> &str;

    /// What it does, for a controller.
    fn description(&self) -> &str;

    /// Its parameters as JSON schema (`{"type": "object", "properties": {…}}`).
    fn parameters(&self) -> Value;

    /// Answers a call. A tool that failed gives an error that the code sees; one that can't be asked is unavailable.
    fn call(&self, call: &Call) -> Answer;

    /// Answers a call of a step, counted from 0, for who has to tell which one it is.
    fn call_at(&self, _step: usize, call: &Call) -> Answer {
        self.call(call)
    }

    /// How long a call may take.
    fn patience(&self) -> Patience {
        Patience::Usual
    }
}

/// How long a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// As long as the toolbox says.
    Usual,
    /// So long.
    Within(Duration),
    /// As long as it takes: a person answers, who can also leave.
    Endless,
}

/// Tools of one origin.
#[derive(Clone)]
pub struct Provider {
    /// What it is called where calls are shown (`built in`, `mcp:vision`).
    pub label: String,
    /// Its tools.
    pub tools: Vec<Arc<dyn Tool>>,
}

impl Provider {
    /// The tool of this name.
    pub fn tool(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.tools.iter().find(|tool| tool.name() == name)
    }

    /// What controllers are told of them.
    pub fn definitions(&self) -> Vec<ToolDefinition> {
        let described = |tool: &Arc<dyn Tool>| {
            described_tool(tool.name(), tool.description(), &tool.parameters())
        };
        self.tools.iter().map(described).collect()
    }
}
