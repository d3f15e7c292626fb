//! Results of calls that people typed, kept in their journals.

use std::sync::Arc;

use serde_json::Value;

use super::played::{PERSON, typed_result};
use super::signature::signature;
use super::tool::{Provider, Tool};
use super::toolbox::written_arguments;
use crate::domain::review::{GivenResult, StepKey};
use crate::sandbox::{Answer, Call};

/// What people said that calls returned, one provider for each person, `person:<annotator>`. `place_of` says where a step is
/// shown, from 0.
pub fn told(results: &[GivenResult], place_of: impl Fn(StepKey) -> Option<usize>) -> Vec<Provider> {
    let mut providers: Vec<Provider> = Vec::new();
    let mut people: Vec<&str> = results.iter().map(|given| &*given.annotator).collect();
    people.sort_unstable();
    people.dedup();
    for person in people {
        let own = || results.iter().filter(|given| *given.annotator == *person);
        let mut names: Vec<&str> = own().map(|given| given.given.tool.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let tool = |name: &str| {
            let of_tool = own().filter(|given| given.given.tool == name);
            let results = of_tool.map(|given| ToldResult {
                step: place_of(given.step),
                arguments: given.given.arguments.clone(),
                text: given.given.result.clone(),
            });
            Arc::new(Told {
                name: name.to_owned(),
                results: results.collect(),
            }) as Arc<dyn Tool>
        };
        providers.push(Provider {
            label: format!("{PERSON}:{person}"),
            tools: names.into_iter().map(tool).collect(),
        });
    }
    providers
}

struct ToldResult {
    /// From 0; `None` for a step that is gone.
    step: Option<usize>,
    arguments: String,
    text: String,
}

/// A tool of which a person said what some calls returned.
struct Told {
    name: String,
    results: Vec<ToldResult>,
}

impl Told {
    /// The result of a call with these arguments: of the same step if there is one, and the one that was typed last.
    fn find(&self, step: Option<usize>, arguments: &str) -> Option<&ToldResult> {
        let same = || {
            let results = self.results.iter().rev();
            results.filter(|told| told.arguments == arguments)
        };
        same()
            .find(|told| step.is_some() && told.step == step)
            .or_else(|| same().next())
    }

    fn answer(&self, step: Option<usize>, call: &Call) -> Answer {
        match self.find(step, &written_arguments(call)) {
            Some(told) => Answer::Value(typed_result(&self.name, &told.text)),
            None => Answer::Unavailable("nobody said what it returned".to_owned()),
        }
    }
}

impl Tool for Told {
    fn name(&self) -> &str {
        &self.name
    }

    fn description(&self) -> &str {
        signature(&self.name).map_or("", |signature| signature.description)
    }

    fn parameters(&self) -> Value {
        signature(&self.name).map_or_else(
            || serde_json::json!({"type": "object"}),
            |known| known.schema(),
        )
    }

    fn call(&self, call: &Call) -> Answer {
        self.answer(None, call)
    }

    fn call_at(&self, step: usize, call: &Call) -> Answer {
        self.answer(Some(step), call)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::review::{Timestamp, ToolResult};
    use crate::sandbox::PythonValue;

    fn given(person: &str, step: u32, tool: &str, result: &str) -> GivenResult {
        GivenResult {
            record: Uuid::from_u128(1),
            annotator: Arc::from(person),
            time: Timestamp::from_milliseconds(0),
            step: StepKey::Source(step),
            given: Box::new(ToolResult {
                tool: tool.to_owned(),
                arguments: "'a.png', k=2".to_owned(),
                result: result.to_owned(),
            }),
        }
    }

    fn call(name: &str, file: &str) -> Call {
        Call {
            index: 0,
            name: name.to_owned(),
            arguments: vec![PythonValue::Str(file.to_owned())],
            keywords: vec![("k".to_owned(), PythonValue::Int(2))],
        }
    }

    #[test]
    fn the_same_call_gets_what_was_typed_for_its_step_or_last() {
        let results = [
            given("ana", 1, "count", "[1, 2]"),
            given("bo", 1, "count", "7"),
            given("ana", 3, "count", "it says 'no'"),
        ];
        let place = |key: StepKey| match key {
            StepKey::Source(number) => Some(number as usize - 1),
            StepKey::Added(_) => None,
        };
        let providers = told(&results, place);
        let labels: Vec<&str> = providers.iter().map(|p| p.label.as_str()).collect();
        assert_eq!(labels, ["person:ana", "person:bo"]);
        let ana = providers[0].tool("count").expect("a tool");
        let list = PythonValue::List(vec![PythonValue::Int(1), PythonValue::Int(2)]);
        let text = PythonValue::Str("it says 'no'".to_owned());
        assert_eq!(ana.call_at(0, &call("count", "a.png")), Answer::Value(list));
        assert_eq!(
            ana.call_at(2, &call("count", "a.png")),
            Answer::Value(text.clone())
        );
        assert_eq!(ana.call_at(1, &call("count", "a.png")), Answer::Value(text));
        assert!(matches!(
            ana.call_at(0, &call("count", "b.png")),
            Answer::Unavailable(_)
        ));
        assert!(providers[1].tool("ocr").is_none());
    }
}
