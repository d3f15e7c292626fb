use serde::{Deserialize, Serialize};

/// Where a trajectory or pair comes from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The reader's name (a row of `ingest::FORMATS`).
    pub format: String,
    /// What the record is to a benchmark.
    #[serde(default)]
    pub role: Role,
    /// The benchmark, for its tasks and for runs over them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub benchmark: Option<Benchmark>,
    /// The benchmark's own key of the task; joins a run to its task.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub task_key: Option<String>,
    /// The run's name; a run without one is named by its source.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<String>,
    /// The controller that made it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<String>,
    /// The benchmark's level of difficulty (GAIA: 1 to 3).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub level: Option<u8>,
    /// Why the run ended early, where the data says so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure: Option<String>,
}

/// What a record is to a benchmark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Neither: training data.
    #[default]
    Data,
    /// A benchmark's task with its reference (gold) trajectory or answer.
    Gold,
    /// A model's run on a task.
    Run,
}

/// Benchmarks whose tasks and runs are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Benchmark {
    /// GTA: 229 tasks with tools and pictures.
    Gta,
    /// GAIA: 165 validation questions on three levels.
    Gaia,
    /// Agent-X: 828 tasks, judged by a model.
    AgentX,
}

impl Benchmark {
    /// The name used on screen and in queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gta => "gta",
            Self::Gaia => "gaia",
            Self::AgentX => "agent-x",
        }
    }
}

/// Whether a run's answer is right by its benchmark's own scorer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The scorer accepts the answer.
    Pass,
    /// The scorer refuses it, or the run gave none.
    Fail,
    /// No reference, or one that only a model can score.
    Unknown,
}

impl Outcome {
    /// The name used on screen and in queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }
}
