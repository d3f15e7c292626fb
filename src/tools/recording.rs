use serde::{Deserialize, Serialize};

use super::signature::signature;
use crate::sandbox::{Answer, Call, PythonValue};

/// What a trajectory's own calls returned: the provider that answers first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// The calls in order.
    pub calls: Vec<RecordedCall>,
}

/// One call of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedCall {
    /// The step that made it, from 0.
    pub step: usize,
    /// Which call of the step, from 0.
    pub index: usize,
    /// The tool's name.
    pub name: String,
    /// Positional arguments.
    pub arguments: Vec<PythonValue>,
    /// Keyword arguments.
    pub keywords: Vec<(String, PythonValue)>,
    /// What it returned.
    pub result: RecordedResult,
}

/// What a recording says of a call's result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordedResult {
    /// The result.
    Value(PythonValue),
    /// It failed with this message.
    Error(String),
    /// Its result is in none of the observations; why it can't be told, in words.
    Lost(String),
}

impl Recording {
    /// The recorded answer to a call: that of the same place if it has the same arguments, else that of any call with the
    /// same name and arguments. Never that of a similar call.
    pub fn answer(&self, step: usize, call: &Call) -> Option<&RecordedResult> {
        let asked = bound(&call.name, &call.arguments, &call.keywords);
        let same = |recorded: &&RecordedCall| {
            recorded.name == call.name
                && bound(&recorded.name, &recorded.arguments, &recorded.keywords) == asked
        };
        let mut calls = self.calls.iter();
        let here = calls.find(|recorded| {
            (recorded.step, recorded.index) == (step, call.index) && same(recorded)
        });
        let known = |recorded: &&RecordedCall| !matches!(recorded.result, RecordedResult::Lost(_));
        let elsewhere = || {
            let mut others = self.calls.iter().filter(same).filter(known);
            let first = others.next()?;
            // A tool that did not answer alike each time is not known to answer so again.
            others
                .all(|other| other.result == first.result)
                .then_some(first)
        };
        here.filter(known)
            .or_else(elsewhere)
            .or(here)
            .map(|recorded| &recorded.result)
    }

    /// How many calls there are, and how many of them have a result or an error.
    pub fn recovered(&self) -> (usize, usize) {
        let known = |call: &&RecordedCall| !matches!(call.result, RecordedResult::Lost(_));
        (self.calls.len(), self.calls.iter().filter(known).count())
    }
}

impl RecordedResult {
    /// What a host says to the call.
    pub fn answer(&self) -> Answer {
        match self {
            Self::Value(value) => Answer::Value(value.clone()),
            Self::Error(message) => Answer::Error(message.clone()),
            Self::Lost(reason) => Answer::Unavailable(reason.clone()),
        }
    }
}

/// Arguments by name where the tool's signature is known, so that `f(1)` and `f(a=1)` are the same call. In the order of
/// names.
fn bound(
    tool: &str,
    arguments: &[PythonValue],
    keywords: &[(String, PythonValue)],
) -> Vec<(String, String)> {
    let parameters = signature(tool).map_or(&[][..], |signature| signature.parameters);
    let name = |at: usize| {
        parameters
            .get(at)
            .map_or_else(|| at.to_string(), |(name, ..)| (*name).to_owned())
    };
    let positional = arguments.iter().enumerate();
    let mut bound: Vec<(String, String)> = positional
        .map(|(at, value)| (name(at), value.repr()))
        .chain(
            keywords
                .iter()
                .map(|(name, value)| (name.clone(), value.repr())),
        )
        .collect();
    bound.sort();
    bound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> PythonValue {
        PythonValue::Str(text.to_owned())
    }

    fn recorded(step: usize, index: usize, query: &str, result: RecordedResult) -> RecordedCall {
        RecordedCall {
            step,
            index,
            name: "ask_search_agent".to_owned(),
            arguments: vec![value(query)],
            keywords: Vec::new(),
            result,
        }
    }

    fn asked(index: usize, query: &str) -> Call {
        Call {
            index,
            name: "ask_search_agent".to_owned(),
            arguments: Vec::new(),
            keywords: vec![("query".to_owned(), value(query))],
        }
    }

    #[test]
    fn only_the_same_call_is_answered() {
        let result = |text: &str| RecordedResult::Value(value(text));
        let recording = Recording {
            calls: vec![
                recorded(0, 0, "a", result("A")),
                recorded(0, 1, "b", result("B1")),
                recorded(1, 0, "b", result("B2")),
                recorded(1, 1, "c", RecordedResult::Lost("cut".to_owned())),
            ],
        };
        let answer = |step, index, query| recording.answer(step, &asked(index, query)).cloned();
        assert_eq!(answer(0, 0, "a"), Some(result("A")));
        // Elsewhere, with the same arguments: the same result.
        assert_eq!(answer(5, 7, "a"), Some(result("A")));
        assert_eq!(answer(0, 0, "A"), None);
        assert_eq!(answer(0, 0, "a "), None);
        // Two results for one question: each only at its own place.
        assert_eq!(answer(0, 1, "b"), Some(result("B1")));
        assert_eq!(answer(1, 0, "b"), Some(result("B2")));
        assert_eq!(answer(2, 0, "b"), None);
        assert_eq!(
            answer(1, 1, "c"),
            Some(RecordedResult::Lost("cut".to_owned()))
        );
        assert_eq!(recording.recovered(), (4, 3));
    }
}
