use serde::{Deserialize, Serialize};

/// The verdict that came with the data (`correct`, `traj_verification`; paper §3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// Right, wrong, or not said.
    pub verdict: Verdict,
    /// The verifier's words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// A verifier's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// `"correct": "yes"`.
    Correct,
    /// `"correct": "no"`.
    Incorrect,
    /// Neither could be read.
    Unknown,
}

impl Verdict {
    /// The name used on screen and in queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Correct => "correct",
            Self::Incorrect => "incorrect",
            Self::Unknown => "unknown",
        }
    }
}
