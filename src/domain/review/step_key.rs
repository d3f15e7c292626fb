use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A step's name, which stays when steps before it are added, removed or moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum StepKey {
    /// The n-th step of the source record, counted from 1; written `3`.
    Source(u32),
    /// The step that the record with this id added; written `+<uuid>`.
    Added(Uuid),
}

/// A text that names no step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names no step: a step is its number in the source, from 1, or `+` and the id of the record that added it"
)]
pub struct StepKeyError(String);

impl fmt::Display for StepKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(number) => write!(f, "{number}"),
            Self::Added(id) => write!(f, "+{id}"),
        }
    }
}

impl FromStr for StepKey {
    type Err = StepKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || StepKeyError(text.to_owned());
        if let Some(id) = text.strip_prefix('+') {
            return Uuid::try_parse(id).map(Self::Added).map_err(|_| wrong());
        }
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        let number = text.parse().ok().filter(|_| is_number);
        number.map(Self::Source).ok_or_else(wrong)
    }
}

impl From<StepKey> for String {
    fn from(key: StepKey) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for StepKey {
    type Error = StepKeyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_their_text_form() {
        for key in [
            StepKey::Source(1),
            StepKey::Source(40),
            StepKey::Added(Uuid::from_u128(7)),
        ] {
            assert_eq!(key.to_string().parse(), Ok(key));
            let json = serde_json::to_string(&key).expect("JSON");
            assert_eq!(serde_json::from_str::<StepKey>(&json).expect("key"), key);
        }
        for wrong in ["", "0", "01", "-1", "+3", "3.5", "+"] {
            assert!(wrong.parse::<StepKey>().is_err(), "{wrong}");
        }
    }
}
