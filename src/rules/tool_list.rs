use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use regex::Regex;
use serde_json::Value;

use super::python_literal::python_literal;
use crate::domain::{ToolDefinition, ToolParameter, Trajectory};

/// The call that ends a run; always there, and not counted as a tool.
pub const FINAL_ANSWER: &str = "final_answer";

/// The most prompts whose tools are remembered.
const MAX_PROMPTS: usize = 4096;

/// The tools that trajectories declare, read once for each distinct system prompt.
#[derive(Debug, Default)]
pub struct ToolLists {
    known: Mutex<KnownPrompts>,
}

/// By the address of the shared prompt, which the entry keeps alive, so that no other can get that address.
type KnownPrompts = HashMap<usize, (Arc<str>, Arc<[ToolDefinition]>)>;

impl ToolLists {
    /// The tools of a trajectory: those of its record, else those that its system prompt lists; and `final_answer`.
    pub fn of(&self, trajectory: &Trajectory) -> Arc<[ToolDefinition]> {
        if !trajectory.tools.is_empty() {
            return with_final_answer(trajectory.tools.clone());
        }
        let Some(prompt) = &trajectory.system_prompt else {
            return with_final_answer(Vec::new());
        };
        let address = prompt.as_ptr().addr();
        if let Some((_, tools)) = self.lock().get(&address) {
            return Arc::clone(tools);
        }
        let tools = with_final_answer(tools_of_prompt(prompt));
        let mut known = self.lock();
        if known.len() < MAX_PROMPTS {
            known.insert(address, (Arc::clone(prompt), Arc::clone(&tools)));
        }
        tools
    }

    fn lock(&self) -> MutexGuard<'_, KnownPrompts> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn with_final_answer(mut tools: Vec<ToolDefinition>) -> Arc<[ToolDefinition]> {
    if tools.iter().all(|tool| tool.name != FINAL_ANSWER) {
        tools.push(ToolDefinition {
            name: FINAL_ANSWER.to_owned(),
            description: None,
            parameters: vec![ToolParameter {
                name: "answer".to_owned(),
                ..ToolParameter::default()
            }],
        });
    }
    Arc::from(tools)
}

/// Reads the list that prompts of Hugging Face code agents have (paper §1): for each tool
/// `- name: description`, then, indented, `Takes inputs: {…}` as a Python dictionary.
pub fn tools_of_prompt(prompt: &str) -> Vec<ToolDefinition> {
    let mut tools: Vec<ToolDefinition> = Vec::new();
    // The tool whose inputs are awaited; a list item of another kind is forgotten at the next one.
    let mut open: Option<(String, String)> = None;
    for line in prompt.lines() {
        if let Some((name, description)) = head(line) {
            open = Some((name.to_owned(), description.to_owned()));
        } else if let Some(inputs) = line.trim_start().strip_prefix("Takes inputs:") {
            let Some((name, description)) = open.take() else {
                continue;
            };
            if tools.iter().any(|tool| tool.name == name) {
                continue;
            }
            tools.push(ToolDefinition {
                name,
                description: Some(description).filter(|d| !d.is_empty()),
                parameters: parameters(inputs),
            });
        } else if let Some((_, description)) = &mut open {
            description.push('\n');
            description.push_str(line);
        }
    }
    tools
}

/// `- name: description`, where the name could be a Python function's.
fn head(line: &str) -> Option<(&str, &str)> {
    let (name, description) = line.strip_prefix("- ")?.split_once(':')?;
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    is_name.then(|| (name, description.trim()))
}

fn parameters(inputs: &str) -> Vec<ToolParameter> {
    // ` and returns an output of type: …` may follow.
    let dictionary = inputs
        .rfind('}')
        .and_then(|end| inputs.get(..=end))
        .unwrap_or(inputs);
    let Some(Value::Object(inputs)) = python_literal(dictionary.trim()) else {
        return Vec::new();
    };
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let parameter = |(name, value): (String, Value)| {
        let description = text(&value, "description");
        ToolParameter {
            name,
            kind: text(&value, "type"),
            optional: is_optional(&value, description.as_deref().unwrap_or_default()),
            description,
        }
    };
    inputs.into_iter().map(parameter).collect()
}

/// Marked as such (`nullable`, `optional`, a `default`), or, as older prompts do, only in words.
fn is_optional(parameter: &Value, description: &str) -> bool {
    static WORDS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)\boptional\b|\bset (?:it|this) (?:as|to) None\b|\bdefaults?(?: value)?(?: is| to|:)|\bdo not pass this parameter\b").ok()
    });
    let marked = |key| parameter.get(key).and_then(Value::as_bool) == Some(true);
    marked("nullable")
        || marked("optional")
        || parameter.get("default").is_some()
        || WORDS
            .as_ref()
            .is_some_and(|words| words.is_match(description))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMPT: &str = "You are an agent.\n- not_a_tool: a rule\n\nYou have these tools:\n\n\
        - looker: Looks at a picture.\n  Second line.\n    Takes inputs: {'question': {'type': 'text', 'description': \"What's asked\"}, 'image_path': {'description': 'the path', 'type': 'text'}} and returns an output of type: text\n\n\
        - reader: Reads.\n    Takes inputs: {'file': {'type': 'text', 'description': 'f'}, 'question': {'type': 'text', 'description': '[Optional]: a question'}, 'depth': {'type': 'integer', 'description': 'd', 'nullable': True}}\n\n\
        - broken: B.\n    Takes inputs: {'x': \n\n\
        - looker: Again.\n    Takes inputs: {}\n";

    #[test]
    fn the_list_of_a_prompt_is_read_with_its_parameters() {
        let tools = tools_of_prompt(PROMPT);
        let names: Vec<&str> = tools.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(names, ["looker", "reader", "broken"]);
        assert_eq!(
            tools[0].description.as_deref(),
            Some("Looks at a picture.\n  Second line.")
        );
        let parameters: Vec<(&str, Option<&str>, bool)> = tools[..2]
            .iter()
            .flat_map(|t| &t.parameters)
            .map(|p| (p.name.as_str(), p.kind.as_deref(), p.optional))
            .collect();
        assert_eq!(
            parameters,
            [
                ("question", Some("text"), false),
                ("image_path", Some("text"), false),
                ("file", Some("text"), false),
                ("question", Some("text"), true),
                ("depth", Some("integer"), true),
            ]
        );
        assert!(tools[2].parameters.is_empty());
    }

    #[test]
    fn a_shared_prompt_is_read_once_and_final_answer_is_always_there() {
        let lists = ToolLists::default();
        let prompt: Arc<str> = Arc::from(PROMPT);
        let trajectory = Trajectory {
            system_prompt: Some(prompt),
            ..Trajectory::default()
        };
        let first = lists.of(&trajectory);
        assert!(Arc::ptr_eq(&first, &lists.of(&trajectory.clone())));
        assert_eq!(first.last().map(|t| t.name.as_str()), Some(FINAL_ANSWER));
        assert_eq!(lists.of(&Trajectory::default()).len(), 1);
        let declared = ToolDefinition {
            name: "OCR".to_owned(),
            ..ToolDefinition::default()
        };
        let trajectory = Trajectory {
            tools: vec![declared],
            ..trajectory
        };
        let names: Vec<String> = lists
            .of(&trajectory)
            .iter()
            .map(|t| t.name.clone())
            .collect();
        assert_eq!(names, ["OCR", FINAL_ANSWER]);
    }

    proptest::proptest! {
        #[test]
        fn any_prompt_is_survived(lines in proptest::collection::vec("(- a: |    Takes inputs: )?[{}':a\\[\\] é]*", 0..8)) {
            tools_of_prompt(&lines.join("\n"));
        }
    }
}
