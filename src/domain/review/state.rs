use serde::{Deserialize, Serialize};

/// What people have decided about a trajectory or pair so far, all annotators together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewState {
    /// Nobody has decided.
    #[default]
    Unreviewed,
    /// Everybody who decided accepted it, or an adjudication did.
    Accepted,
    /// Everybody who decided rejected it, or an adjudication did.
    Rejected,
    /// Annotators disagree, and nobody has adjudicated.
    Disputed,
    /// A pair whose sides are equally good, say all who decided.
    Tie,
}

impl ReviewState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Unreviewed,
        Self::Accepted,
        Self::Rejected,
        Self::Disputed,
        Self::Tie,
    ];

    /// The name used on screen and in queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreviewed => "unreviewed",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Disputed => "disputed",
            Self::Tie => "tie",
        }
    }
}
