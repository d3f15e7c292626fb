//! Structured calls (GTA, ATIF, chat formats): they name a tool and its arguments, and carry what it returned.

use serde_json::{Map, Value};

use super::recording::{RecordedCall, RecordedResult, Recording};
use crate::domain::{Observation, Step, ToolCall};
use crate::sandbox::{Call, PythonValue};

/// A structured call as hosts take it. `index` is its place in its step, from 0.
///
/// The members of its arguments are keywords. Arguments that are no object, and no text of one, are one positional argument.
pub fn structured_call(index: usize, call: &ToolCall) -> Call {
    let (arguments, keywords) = match members(&call.arguments) {
        Some(members) => {
            let keyword =
                |(name, value): (&String, &Value)| (name.clone(), PythonValue::from_json(value));
            (Vec::new(), members.iter().map(keyword).collect())
        }
        None if call.arguments.is_null() => (Vec::new(), Vec::new()),
        None => (vec![PythonValue::from_json(&call.arguments)], Vec::new()),
    };
    Call {
        index,
        name: call.name.clone(),
        arguments,
        keywords,
    }
}

/// An object, or a text that holds one: some formats carry JSON in a text.
fn members(arguments: &Value) -> Option<Map<String, Value>> {
    match arguments {
        Value::Object(members) => Some(members.clone()),
        Value::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

/// What the structured calls of a trajectory's steps returned: a text each, as their formats have it.
pub fn structured_recording(steps: &[Step]) -> Recording {
    let calls = steps.iter().enumerate().flat_map(|(number, step)| {
        let made = step.tool_calls();
        let recorded = move |(index, call): (usize, &ToolCall)| {
            let asked = structured_call(index, call);
            RecordedCall {
                step: number,
                index,
                name: asked.name,
                arguments: asked.arguments,
                keywords: asked.keywords,
                result: result(call, made.len(), step.observation.as_ref()),
            }
        };
        made.iter().enumerate().map(recorded)
    });
    Recording {
        calls: calls.collect(),
    }
}

/// What a call is recorded to have returned: its own result, else what the step observed if it is the step's only call.
fn result(call: &ToolCall, calls: usize, observation: Option<&Observation>) -> RecordedResult {
    let observed = observation.map(|observation| observation.text.as_str());
    let only = (calls == 1).then_some(observed).flatten();
    let Some(text) = call.result.as_deref().or(only) else {
        return RecordedResult::Lost("the data gives no result of this call".to_owned());
    };
    let failed = observation.is_some_and(|observation| observation.is_error);
    match failed {
        false => RecordedResult::Value(PythonValue::Str(text.to_owned())),
        true if calls == 1 => RecordedResult::Error(text.to_owned()),
        // The mark is the step's; which of its calls failed is not said.
        true => RecordedResult::Lost(
            "the step is recorded to have failed, and not which of its calls".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::Action;
    use crate::sandbox::Answer;

    fn called(name: &str, arguments: Value, result: Option<&str>) -> ToolCall {
        ToolCall {
            id: None,
            name: name.to_owned(),
            arguments,
            result: result.map(str::to_owned),
        }
    }

    fn step(calls: Vec<ToolCall>, observed: Option<(&str, bool)>) -> Step {
        Step {
            action: Some(Action::ToolCalls(calls)),
            observation: observed.map(|(text, is_error)| Observation {
                text: text.to_owned(),
                is_error,
                pictures: Vec::new(),
            }),
            ..Step::default()
        }
    }

    #[test]
    fn arguments_become_keywords_whatever_they_came_in() {
        let of = |arguments| structured_call(2, &called("OCR", arguments, None));
        let image = vec![("image".to_owned(), PythonValue::Str("a.png".to_owned()))];
        assert_eq!(of(json!({"image": "a.png"})).keywords, image);
        assert_eq!(of(json!("{\"image\": \"a.png\"}")).keywords, image);
        let text = of(json!("a.png"));
        assert_eq!(text.arguments, [PythonValue::Str("a.png".to_owned())]);
        assert!(text.keywords.is_empty());
        assert_eq!(
            of(json!({"n": 1, "f": 1.0})).keywords[1].1,
            PythonValue::Float(1.0)
        );
        assert!(of(Value::Null).arguments.is_empty());
        assert_eq!(text.index, 2);
    }

    #[test]
    fn calls_are_answered_by_their_own_results_and_no_others() {
        let steps = [
            step(
                vec![
                    called("OCR", json!({"image": "a.png"}), Some("Stop")),
                    called("Calculator", json!({"expression": "1+1"}), Some("2")),
                ],
                Some(("Stop\n2", false)),
            ),
            // One call, whose result is what was observed.
            step(
                vec![called("Plot", json!({}), None)],
                Some(("a plot", false)),
            ),
            step(
                vec![called("OCR", json!({"image": "b.png"}), Some("no file"))],
                Some(("no file", true)),
            ),
            step(
                vec![
                    called("A", json!({}), Some("x")),
                    called("B", json!({}), Some("y")),
                ],
                Some(("x\ny", true)),
            ),
            step(
                vec![
                    called("C", json!({}), None),
                    called("D", json!({}), Some("d")),
                ],
                Some(("d", false)),
            ),
        ];
        let recording = structured_recording(&steps);
        let answer = |step: usize, index: usize| {
            let call = structured_call(index, &steps[step].tool_calls()[index]);
            recording.answer(step, &call).unwrap().answer()
        };
        let text = |text: &str| Answer::Value(PythonValue::Str(text.to_owned()));
        assert_eq!(answer(0, 0), text("Stop"));
        assert_eq!(answer(0, 1), text("2"));
        assert_eq!(answer(1, 0), text("a plot"));
        assert_eq!(answer(2, 0), Answer::Error("no file".to_owned()));
        assert!(matches!(answer(3, 0), Answer::Unavailable(_)));
        assert!(matches!(answer(4, 0), Answer::Unavailable(_)));
        assert_eq!(answer(4, 1), text("d"));
        let other = structured_call(0, &called("OCR", json!({"image": "c.png"}), None));
        assert_eq!(recording.answer(0, &other), None);
        assert_eq!(recording.recovered(), (8, 5));
    }
}
