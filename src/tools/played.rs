//! Tools that somebody plays: a person who is asked, or, where that is wanted, a model.

use std::sync::Arc;
use std::time::Duration;

use minijinja::{Environment, context};
use serde_json::Value;

use super::model::ModelAccess;
use super::signature::{Returns, schema, signature};
use super::tool::{Patience, Provider, Tool};
use super::toolbox::written_arguments;
use crate::controller::RequestMessage;
use crate::domain::ToolDefinition;
use crate::sandbox::{Answer, Call, PythonValue, parse_literal};

/// How a person is called where calls are shown.
pub const PERSON: &str = "person";

/// How the label of a provider begins whose results a model made up.
const SIMULATED: &str = "simulated:";

/// What a model is told that plays a tool.
const PROMPT: &str = include_str!("../../assets/prompts/simulated-tool.txt");

/// How long a model may take to play a tool.
const SIMULATION: Duration = Duration::from_secs(600);

/// Whether results of a provider are what a person said: of whoever is asked, or, with a name behind it, what was kept.
pub fn is_person(label: &str) -> bool {
    label
        .strip_prefix(PERSON)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// Whether results of a provider are made up by a model.
pub fn is_simulated(label: &str) -> bool {
    label.starts_with(SIMULATED)
}

/// Tools that a person answers. `answer` gets the step, from 0, and the call, and blocks until the person has answered or
/// gone: then the call is [`Answer::Unavailable`]. There is no other end to the wait.
pub fn ask(
    definitions: &[ToolDefinition],
    answer: impl Fn(usize, &Call) -> Answer + Send + Sync + 'static,
) -> Provider {
    let answer: Arc<Answering> = Arc::new(answer);
    Provider {
        label: PERSON.to_owned(),
        tools: played(definitions, &answer, Patience::Endless),
    }
}

/// Tools that a model plays: nothing that they return is real. Their label says so wherever calls are shown.
pub fn simulated(model: ModelAccess, definitions: &[ToolDefinition]) -> Provider {
    let label = format!("{SIMULATED}{}", model.name);
    let known = definitions.to_vec();
    let answer: Arc<Answering> = Arc::new(move |_, call: &Call| {
        let definition = known.iter().find(|known| known.name == call.name);
        let asked = prompt(definition, call)
            .and_then(|prompt| model.ask(vec![RequestMessage::text("user", prompt)]));
        match asked {
            Ok(text) => Answer::Value(typed_result(&call.name, text.trim())),
            Err(reason) => Answer::Unavailable(reason),
        }
    });
    Provider {
        label,
        tools: played(definitions, &answer, Patience::Within(SIMULATION)),
    }
}

/// A result as somebody typed it: a text where the tool is known to return texts, else the Python literal that it is, else
/// the text.
pub fn typed_result(tool: &str, text: &str) -> PythonValue {
    let returns = signature(tool).map(|signature| signature.returns);
    let literal = match returns {
        Some(Returns::Text) => None,
        Some(Returns::List) | None => parse_literal(text),
    };
    literal.unwrap_or_else(|| PythonValue::Str(text.to_owned()))
}

type Answering = dyn Fn(usize, &Call) -> Answer + Send + Sync;

fn played(
    definitions: &[ToolDefinition],
    answer: &Arc<Answering>,
    patience: Patience,
) -> Vec<Arc<dyn Tool>> {
    let tool = |definition: &ToolDefinition| {
        Arc::new(Played {
            definition: definition.clone(),
            answer: Arc::clone(answer),
            patience,
        }) as Arc<dyn Tool>
    };
    definitions.iter().map(tool).collect()
}

fn prompt(definition: Option<&ToolDefinition>, call: &Call) -> Result<String, String> {
    let toolkit = signature(&call.name).map(|signature| signature.description);
    let description = definition.and_then(|definition| definition.description.as_deref());
    let parameters = definition.map_or(&[][..], |definition| &definition.parameters);
    let parameters: Vec<minijinja::Value> = parameters
        .iter()
        .map(|parameter| {
            context! {
                name => parameter.name.as_str(),
                kind => parameter.kind.as_deref(),
                description => parameter.description.as_deref(),
            }
        })
        .collect();
    Environment::new()
        .render_str(
            PROMPT,
            context! {
                name => call.name.as_str(),
                description => description.or(toolkit),
                parameters => parameters,
                arguments => written_arguments(call),
            },
        )
        .map_err(|error| format!("the prompt can't be made: {error}"))
}

struct Played {
    definition: ToolDefinition,
    answer: Arc<Answering>,
    patience: Patience,
}

impl Tool for Played {
    fn name(&self) -> &str {
        &self.definition.name
    }

    fn description(&self) -> &str {
        self.definition.description.as_deref().unwrap_or_default()
    }

    fn parameters(&self) -> Value {
        if let (true, Some(known)) = (
            self.definition.parameters.is_empty(),
            signature(&self.definition.name),
        ) {
            return known.schema();
        }
        let parameters = self.definition.parameters.iter();
        let parameters: Vec<(&str, &str, bool)> = parameters
            .map(|parameter| {
                let kind = parameter.kind.as_deref().unwrap_or("string");
                (parameter.name.as_str(), kind, parameter.optional)
            })
            .collect();
        schema(&parameters)
    }

    fn call(&self, call: &Call) -> Answer {
        self.call_at(0, call)
    }

    fn call_at(&self, step: usize, call: &Call) -> Answer {
        (self.answer)(step, call)
    }

    fn patience(&self) -> Patience {
        self.patience
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::listening::model;
    use super::super::toolbox::Toolbox;
    use super::*;
    use crate::controller::Content;
    use crate::domain::ToolParameter;
    use crate::sandbox::ToolHost;

    fn definition(name: &str) -> ToolDefinition {
        ToolDefinition {
            name: name.to_owned(),
            description: Some("Reads the words in a picture.".to_owned()),
            parameters: vec![ToolParameter {
                name: "image".to_owned(),
                kind: Some("image".to_owned()),
                ..ToolParameter::default()
            }],
        }
    }

    fn call(name: &str) -> Call {
        Call {
            index: 1,
            name: name.to_owned(),
            arguments: vec![PythonValue::Str("a.png".to_owned())],
            keywords: Vec::new(),
        }
    }

    #[test]
    fn a_person_is_told_the_step_and_the_call_and_may_take_long() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let person = ask(&[definition("OCR")], move |step, call: &Call| {
            std::thread::sleep(Duration::from_millis(300));
            seen.lock()
                .unwrap()
                .push((step, call.index, written_arguments(call)));
            Answer::Value(typed_result(&call.name, "[1, 2]"))
        });
        let toolbox = Toolbox {
            live: vec![person],
            // No time at all, for others.
            patience: Some(Duration::from_millis(1)),
            ..Toolbox::default()
        };
        assert_eq!(toolbox.names(), ["OCR", "final_answer"]);
        let mut host = toolbox.host(4);
        let answer = host.call(&call("OCR"));
        assert!(matches!(&answer, Answer::Value(value) if value.repr() == "[1, 2]"));
        assert_eq!(*asked.lock().unwrap(), [(4, 1, "'a.png'".to_owned())]);
        assert_eq!(host.calls[0].provider.as_deref(), Some(PERSON));
    }

    #[test]
    fn typed_results_are_what_the_tool_returns() {
        let typed = |tool, text| typed_result(tool, text).repr();
        assert_eq!(typed("visualizer", "180"), "'180'");
        assert_eq!(typed("objectlocation", "[[1, 2, 3, 4]]"), "[[1, 2, 3, 4]]");
        assert_eq!(typed("objectlocation", "none found"), "'none found'");
        assert_eq!(typed("OCR", "180"), "180");
        assert_eq!(typed("OCR", "'180'"), "'180'");
    }

    #[test]
    fn a_model_that_plays_is_told_the_call_and_marked() {
        let (model, requests) = model("tiny", Some(" STOP \n"));
        let provider = simulated(model, &[definition("OCR")]);
        assert!(is_simulated(&provider.label), "{}", provider.label);
        assert!(!is_simulated(PERSON) && !is_person(&provider.label));
        assert!(is_person(PERSON) && is_person("person:ann") && !is_person("personal"));
        let toolbox = Toolbox {
            live: vec![provider],
            ..Toolbox::default()
        };
        let (answer, label) = toolbox.live_answer(0, &call("OCR"));
        assert_eq!(answer, Answer::Value(PythonValue::Str("STOP".to_owned())));
        assert_eq!(label.as_deref(), Some("simulated:tiny"));
        let requests = requests.lock().unwrap();
        let Some(Content::Text(prompt)) = &requests[0].messages[0].content else {
            panic!("{requests:?}");
        };
        for part in [
            "The call: OCR('a.png')",
            "Reads the words in a picture.",
            "- image (image)",
        ] {
            assert!(prompt.contains(part), "{prompt}");
        }
    }
}
