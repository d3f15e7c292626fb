//! What a judging model answers, read strictly: what does not say exactly one thing about the candidates it was shown is no verdict.

use serde_json::{Map, Value};

/// How a model is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelWay {
    /// It picks the best.
    Best,
    /// It orders all.
    Rank,
    /// It gives each a score from 0 to 10.
    Score,
}

impl ModelWay {
    /// What judges of this way are called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Best => "model",
            Self::Rank => "model-rank",
            Self::Score => "model-score",
        }
    }

    /// What the prompt's template calls it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Rank => "rank",
            Self::Score => "score",
        }
    }
}

/// What a model prefers; candidates are counted from 0, in the order in which it was shown them.
#[derive(Debug, Clone, PartialEq)]
pub enum Preference {
    /// One of them.
    Best {
        /// Which.
        best: usize,
        /// Why.
        reason: String,
    },
    /// All of them, best first.
    Order {
        /// Which.
        order: Vec<usize>,
        /// Why.
        reason: String,
    },
    /// A score for each, with the reason for it.
    Scores(Vec<(f64, String)>),
}

/// Why an answer is no verdict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoVerdict {
    /// It holds no JSON object with the member that was asked for.
    #[error("the answer holds no JSON object with `{0}`")]
    NoObject(&'static str),
    /// A number that no candidate has.
    #[error("there is no candidate {0}")]
    NoCandidate(String),
    /// A ranking that lacks candidates or names one twice.
    #[error("the ranking does not name each candidate once")]
    NoPermutation,
    /// Scores that are not one for each candidate.
    #[error("there is not one score for each candidate")]
    NotEachScored,
    /// A score outside its scale.
    #[error("{0} is no score from 0 to 10")]
    NoScore(String),
}

/// So many braces of an answer are looked at.
const MOST_BRACES: usize = 1_000;

/// Reads an answer about so many candidates.
pub fn parse_answer(text: &str, way: ModelWay, candidates: usize) -> Result<Preference, NoVerdict> {
    let members: &[&'static str] = match way {
        ModelWay::Best => &["best", "best_id"],
        ModelWay::Rank => &["ranking", "rank"],
        ModelWay::Score => &["scores"],
    };
    let (object, member) = members
        .iter()
        .find_map(|member| last_object(text, member).map(|object| (object, *member)))
        .ok_or(NoVerdict::NoObject(members.first().copied().unwrap_or("")))?;
    let value = object.get(member).unwrap_or(&Value::Null);
    let reason = text_of(object.get("reason"));
    match way {
        ModelWay::Best => Ok(Preference::Best {
            best: number(value, candidates)?,
            reason,
        }),
        ModelWay::Rank => {
            let named = value.as_array().ok_or(NoVerdict::NoPermutation)?;
            let order: Vec<usize> = named
                .iter()
                .map(|value| number(value, candidates))
                .collect::<Result<_, _>>()?;
            let mut sorted = order.clone();
            sorted.sort_unstable();
            match sorted.into_iter().eq(0..candidates) {
                true => Ok(Preference::Order { order, reason }),
                false => Err(NoVerdict::NoPermutation),
            }
        }
        ModelWay::Score => scores(value, candidates),
    }
}

/// Objects with a number and a score each, or scores in the order of the candidates.
fn scores(value: &Value, candidates: usize) -> Result<Preference, NoVerdict> {
    let given = value.as_array().ok_or(NoVerdict::NotEachScored)?;
    let mut scores: Vec<Option<(f64, String)>> = vec![None; candidates];
    for (place, value) in given.iter().enumerate() {
        let (at, score, reason) = match value.as_object() {
            Some(object) => {
                let id = object.get("candidate").or_else(|| object.get("id"));
                let at = number(id.unwrap_or(&Value::Null), candidates)?;
                let reason = text_of(object.get("reason"));
                (at, object.get("score").unwrap_or(&Value::Null), reason)
            }
            None => (place, value, String::new()),
        };
        let score = as_number(score)
            .filter(|score| (0.0..=10.0).contains(score))
            .ok_or_else(|| NoVerdict::NoScore(score.to_string()))?;
        match scores.get_mut(at) {
            Some(empty @ None) => *empty = Some((score, reason)),
            _ => return Err(NoVerdict::NotEachScored),
        }
    }
    let all: Option<Vec<(f64, String)>> = scores.into_iter().collect();
    all.map(Preference::Scores).ok_or(NoVerdict::NotEachScored)
}

/// A candidate's number, which models count from 1, as its index.
fn number(value: &Value, candidates: usize) -> Result<usize, NoVerdict> {
    let number = as_number(value).filter(|number| number.fract() == 0.0);
    let number = number.filter(|number| *number >= 1.0 && *number <= candidates as f64);
    match number {
        Some(number) => Ok(number as usize - 1),
        None => Err(NoVerdict::NoCandidate(value.to_string())),
    }
}

/// A number, also one that is written as text.
fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite())
}

fn text_of(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(other) => other.to_string(),
    }
}

/// The last JSON object in a text that has a member: models think before they answer, and put fences around the answer.
fn last_object(text: &str, member: &str) -> Option<Map<String, Value>> {
    let braces = text.char_indices().rev().filter(|(_, c)| *c == '{');
    braces.take(MOST_BRACES).find_map(|(at, _)| {
        let rest = text.get(at..)?;
        let value = serde_json::Deserializer::from_str(rest)
            .into_iter::<Value>()
            .next()?;
        match value {
            Ok(Value::Object(object)) if object.contains_key(member) => Some(object),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(text: &str) -> Result<usize, NoVerdict> {
        match parse_answer(text, ModelWay::Best, 3)? {
            Preference::Best { best, .. } => Ok(best),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_choice_is_read_in_the_forms_that_models_write() {
        for text in [
            r#"{"reason": "it looks", "best": 2}"#,
            "Let me see.\n```json\n{\"reason\": \"it looks\", \"best\": \"2\"}\n```",
            r#"### start json {"best_id": 2.0, "reason": {"why": "it looks"}} ### end json"#,
            r#"First {"best": 1}, no: {"best": 2}"#,
            r#"{"reason": "{best}", "best": 2} and so on"#,
        ] {
            assert_eq!(best(text), Ok(1), "{text}");
        }
    }

    #[test]
    fn what_says_nothing_is_no_verdict() {
        for text in [
            "",
            "2",
            "The best is 2.",
            "{\"best\": 2",
            "{\"reason\": \"x\"}",
            "[2]",
        ] {
            assert_eq!(best(text), Err(NoVerdict::NoObject("best")), "{text}");
        }
        for value in [
            "0",
            "4",
            "1.5",
            "-1",
            "null",
            "\"first\"",
            "[1]",
            "1e99",
            "true",
        ] {
            let found = best(&format!("{{\"best\": {value}}}"));
            assert!(
                matches!(found, Err(NoVerdict::NoCandidate(_))),
                "{value}: {found:?}"
            );
        }
    }

    #[test]
    fn a_ranking_names_each_once() {
        let order = |text: &str| match parse_answer(text, ModelWay::Rank, 3)? {
            Preference::Order { order, .. } => Ok(order),
            other => panic!("{other:?}"),
        };
        assert_eq!(order(r#"{"ranking": [3, "1", 2]}"#), Ok(vec![2, 0, 1]));
        for list in ["[1, 2]", "[1, 2, 2]", "[]", "[1, 2, 3, 1]", "3", "{}"] {
            let found = order(&format!("{{\"ranking\": {list}}}"));
            assert_eq!(found, Err(NoVerdict::NoPermutation), "{list}");
        }
        assert_eq!(
            order(r#"{"ranking": [1, 2, 4]}"#),
            Err(NoVerdict::NoCandidate("4".to_owned()))
        );
    }

    #[test]
    fn each_candidate_has_one_score() {
        let scores =
            |list: &str| parse_answer(&format!("{{\"scores\": {list}}}"), ModelWay::Score, 2);
        let read = Preference::Scores(vec![(7.0, "b".to_owned()), (2.5, "a".to_owned())]);
        let given = r#"[{"candidate": 2, "score": 2.5, "reason": "a"}, {"id": 1, "score": "7", "reason": "b"}]"#;
        assert_eq!(scores(given), Ok(read));
        assert_eq!(
            scores("[3, 10]"),
            Ok(Preference::Scores(vec![
                (3.0, String::new()),
                (10.0, String::new())
            ]))
        );
        for list in [
            "[3]",
            "[3, 4, 5]",
            "3",
            r#"[{"id": 1, "score": 1}, {"id": 1, "score": 2}]"#,
        ] {
            assert_eq!(scores(list), Err(NoVerdict::NotEachScored), "{list}");
        }
        for list in [
            "[3, 11]",
            "[3, -1]",
            "[3, null]",
            r#"[{"id": 1, "score": "high"}]"#,
        ] {
            assert!(matches!(scores(list), Err(NoVerdict::NoScore(_))), "{list}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_survived(text in "[{}\\[\\]\":,0-9a-z ]{0,80}", candidates in 0_usize..4) {
            for way in [ModelWay::Best, ModelWay::Rank, ModelWay::Score] {
                if let Ok(Preference::Best { best, .. }) = parse_answer(&text, way, candidates) {
                    proptest::prop_assert!(best < candidates);
                }
            }
        }
    }
}
