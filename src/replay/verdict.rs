use serde::{Deserialize, Serialize};

/// What a replay says of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It prints what was recorded.
    Match,
    /// It does, but for the order of sets and the last digits of floats.
    MatchNormalised,
    /// It does, and stubs stood in for what it draws or stores.
    MatchStubbed,
    /// It prints or does something else.
    Differs,
    /// It calls a tool whose result is in no recording.
    ToolResultUnknown,
    /// It needs something that the interpreter does not have.
    Unsupported,
    /// It was recorded to fail, and fails so.
    ErrorReproduced,
    /// It was recorded to fail, and does not, or otherwise.
    ErrorNotReproduced,
    /// It did not run, or nothing was recorded to compare it with.
    NotRun,
}

impl Verdict {
    /// Every verdict, in the order in which summaries list them.
    pub const ALL: [Self; 9] = [
        Self::Match,
        Self::MatchNormalised,
        Self::MatchStubbed,
        Self::ErrorReproduced,
        Self::Differs,
        Self::ErrorNotReproduced,
        Self::ToolResultUnknown,
        Self::Unsupported,
        Self::NotRun,
    ];

    /// The name in queries and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::MatchNormalised => "match-normalised",
            Self::MatchStubbed => "match-stubbed",
            Self::Differs => "differs",
            Self::ToolResultUnknown => "tool-result-unknown",
            Self::Unsupported => "unsupported",
            Self::ErrorReproduced => "error-reproduced",
            Self::ErrorNotReproduced => "error-not-reproduced",
            Self::NotRun => "not-run",
        }
    }

    /// Whether the step does what was recorded.
    pub fn reproduces(self) -> bool {
        matches!(
            self,
            Self::Match | Self::MatchNormalised | Self::MatchStubbed | Self::ErrorReproduced
        )
    }
}
