use serde::{Deserialize, Serialize};

/// What people have decided about a trajectory or pair so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewState {
    /// Nobody has decided.
    #[default]
    Unreviewed,
    /// A person accepted it.
    Accepted,
    /// A person rejected it.
    Rejected,
}

impl ReviewState {
    /// The name used on screen and in queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreviewed => "unreviewed",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }
}
