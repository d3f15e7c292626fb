use serde::{Deserialize, Serialize};

/// The answer that the data holds to be right, in the three kinds that benchmarks use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReferenceAnswer {
    /// One text (GAIA's `Final answer`, Agent-X's value, `ground_truth`).
    Text(String),
    /// GTA: each group of the white list needs one alias in the answer, and none of the black list may be there.
    Lists {
        /// Groups of aliases; every group must match.
        whitelist: Vec<Vec<String>>,
        /// Groups of aliases that must not match; empty where the data has `null`.
        blacklist: Vec<Vec<String>>,
    },
    /// GTA: several model answers, scored by similarity, which needs a model.
    Texts(Vec<String>),
}

impl ReferenceAnswer {
    /// One line for a person.
    pub fn summary(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Texts(texts) => texts.join(" | "),
            Self::Lists {
                whitelist,
                blacklist,
            } => {
                let groups = |lists: &[Vec<String>]| {
                    lists
                        .iter()
                        .map(|g| g.join(" or "))
                        .collect::<Vec<_>>()
                        .join(" and ")
                };
                if blacklist.is_empty() {
                    groups(whitelist)
                } else {
                    format!("{} but not {}", groups(whitelist), groups(blacklist))
                }
            }
        }
    }
}
