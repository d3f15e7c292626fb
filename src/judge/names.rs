use std::fmt;
use std::str::FromStr;

use super::ModelWay;

/// A judge by text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JudgeName {
    /// `rules`
    Rules,
    /// `model:NAME`, `model-rank:NAME`, `model-score:NAME`
    Model {
        /// How it is asked.
        way: ModelWay,
        /// Its name, folder or address.
        model: String,
    },
    /// `outcome:NAME`
    Outcome {
        /// What goes on from each candidate.
        model: String,
    },
}

/// One or more judges, joined by `+`: the first decides, the next ones between those that it holds equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgeNames(Vec<JudgeName>);

/// A text that names no judge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no judge; there are rules, model:NAME (picks the best), model-rank:NAME, model-score:NAME and outcome:NAME, joined by +"
)]
pub struct JudgeNamesError(String);

impl JudgeNames {
    /// The rules alone.
    pub fn rules() -> Self {
        Self(vec![JudgeName::Rules])
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &JudgeName> {
        self.0.iter()
    }
}

/// What a judge's text begins with, and the judge of what follows.
type Beginning = (&'static str, fn(&str) -> JudgeName);

const BEGINNINGS: &[Beginning] = &[
    ("model:", |model| JudgeName::Model {
        way: ModelWay::Best,
        model: model.to_owned(),
    }),
    ("model-rank:", |model| JudgeName::Model {
        way: ModelWay::Rank,
        model: model.to_owned(),
    }),
    ("model-score:", |model| JudgeName::Model {
        way: ModelWay::Score,
        model: model.to_owned(),
    }),
    ("outcome:", |model| JudgeName::Outcome {
        model: model.to_owned(),
    }),
];

fn begins_judge(text: &str) -> bool {
    let is_rules = text == "rules" || text.starts_with("rules+");
    is_rules
        || BEGINNINGS
            .iter()
            .any(|(beginning, _)| text.starts_with(beginning))
}

impl FromStr for JudgeNames {
    type Err = JudgeNamesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Names of models may hold a `+`: it parts judges only where another one begins behind it.
        let mut parts = Vec::new();
        let mut rest = text;
        let mut from = 0;
        while let Some(plus) = rest.get(from..).and_then(|rest| rest.find('+')) {
            let at = from + plus;
            let behind = rest.get(at + 1..).unwrap_or_default();
            if begins_judge(behind) {
                parts.push(rest.get(..at).unwrap_or_default());
                rest = behind;
                from = 0;
            } else {
                from = at + 1;
            }
        }
        parts.push(rest);
        let wrong = || JudgeNamesError(text.to_owned());
        let mut names: Vec<JudgeName> = Vec::with_capacity(parts.len());
        for part in parts {
            let name = part.parse().map_err(|_| wrong())?;
            if names.contains(&name) {
                return Err(wrong());
            }
            names.push(name);
        }
        Ok(Self(names))
    }
}

impl FromStr for JudgeName {
    type Err = JudgeNamesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "rules" {
            return Ok(Self::Rules);
        }
        let found = BEGINNINGS.iter().find_map(|(beginning, judge)| {
            let model = text.strip_prefix(beginning)?;
            (!model.trim().is_empty()).then(|| judge(model))
        });
        found.ok_or_else(|| JudgeNamesError(text.to_owned()))
    }
}

impl fmt::Display for JudgeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rules => f.write_str("rules"),
            Self::Model { way, model } => write!(f, "{}:{model}", way.name()),
            Self::Outcome { model } => write!(f, "outcome:{model}"),
        }
    }
}

impl fmt::Display for JudgeNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("+")?;
            }
            write!(f, "{name}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_written() {
        for text in [
            "rules",
            "model:qwen",
            "model-rank:http://127.0.0.1:8080/v1#a+b",
            "rules+model:qwen",
            "model-score:a+b+rules+outcome:c",
        ] {
            let names: JudgeNames = text.parse().expect(text);
            assert_eq!(names.to_string(), text);
        }
        let names: JudgeNames = "model:a+b+rules".parse().expect("two");
        assert_eq!(names.iter().count(), 2);
    }

    #[test]
    fn what_is_no_judge_is_refused() {
        for text in [
            "",
            "rule",
            "model:",
            "model: ",
            "rules+",
            "+rules",
            "rules+x",
            "human",
            "rules+rules",
        ] {
            assert!(text.parse::<JudgeNames>().is_err(), "{text}");
        }
    }
}
