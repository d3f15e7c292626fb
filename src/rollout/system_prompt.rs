use serde_json::{Map, Value, json};

use super::error::RolloutError;
use crate::domain::{ToolDefinition, ToolParameter};
use crate::prompts::{Prompts, Rendered, Template};
use crate::sandbox::PythonValue;

/// What a code agent is told in a new run.
const CODE_AGENT: Template = Template {
    name: "code-agent",
    text: include_str!("../../assets/prompts/code-agent.txt"),
};

/// Modules that the sandbox's own interpreter has.
pub const IMPORTS: &[&str] = &[
    "base64",
    "collections",
    "dataclasses",
    "datetime",
    "functools",
    "itertools",
    "json",
    "math",
    "re",
    "sys",
    "typing",
    "unicodedata",
];

/// The system prompt of a new run of a code agent: its tools, in the list that readers of prompts know, and modules.
pub fn new_system_prompt(
    prompts: &Prompts,
    tools: &[ToolDefinition],
    imports: &[&str],
) -> Result<Rendered, RolloutError> {
    let tools: Vec<Value> = tools
        .iter()
        .map(|tool| {
            json!({
                "name": tool.name,
                "description": tool.description.as_deref().unwrap_or("(not described)"),
                "inputs": inputs(&tool.parameters),
            })
        })
        .collect();
    let imports: Vec<String> = imports.iter().map(|name| format!("'{name}'")).collect();
    let imports = format!("[{}]", imports.join(", "));
    Ok(prompts.render(&CODE_AGENT, json!({"tools": tools, "imports": imports}))?)
}

/// Parameters as a Python dictionary: `{'query': {'type': 'text', 'description': '…'}}`.
fn inputs(parameters: &[ToolParameter]) -> String {
    let mut inputs = Map::new();
    for parameter in parameters {
        let mut described = Map::new();
        let kind = parameter.kind.as_deref().unwrap_or("any");
        described.insert("type".to_owned(), kind.into());
        let words = parameter.description.as_deref().unwrap_or(&parameter.name);
        described.insert("description".to_owned(), words.into());
        if parameter.optional {
            described.insert("optional".to_owned(), true.into());
        }
        inputs.insert(parameter.name.clone(), described.into());
    }
    PythonValue::from_json(&Value::Object(inputs)).repr()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tools_of_prompt;

    #[test]
    fn the_list_of_tools_is_read_back() {
        let parameter = |name: &str, optional| ToolParameter {
            name: name.to_owned(),
            kind: Some("text".to_owned()),
            optional,
            description: Some(format!("what's {name}")),
        };
        let tools = [
            ToolDefinition {
                name: "looker".to_owned(),
                description: Some("Looks.".to_owned()),
                parameters: vec![parameter("question", false), parameter("image_path", true)],
            },
            ToolDefinition {
                name: "final_answer".to_owned(),
                description: Some("Ends the work.".to_owned()),
                parameters: Vec::new(),
            },
        ];
        let prompt = new_system_prompt(&Prompts::default(), &tools, IMPORTS).unwrap();
        assert_eq!(tools_of_prompt(&prompt.text), tools);
        assert!(prompt.text.contains("'json', 'math'"));
    }
}
