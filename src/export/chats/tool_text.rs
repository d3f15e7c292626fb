//! Tools as trainers take them: JSON schemas, or words in a system prompt.

use serde_json::{Map, Value, json};

use super::python_call::python_name;
use crate::domain::{ToolDefinition, ToolParameter};

/// Types of JSON schemas.
const JSON_TYPES: [&str; 7] = [
    "string", "integer", "number", "boolean", "array", "object", "null",
];

/// What data sets call JSON's types.
const TYPE_NAMES: [(&str, &str); 9] = [
    ("text", "string"),
    ("str", "string"),
    ("int", "integer"),
    ("float", "number"),
    ("bool", "boolean"),
    ("list", "array"),
    ("tuple", "array"),
    ("dict", "object"),
    ("any", "string"),
];

/// Tools as OpenAI functions, whose `parameters` are JSON schemas of an object.
pub fn tool_schemas(tools: &[ToolDefinition]) -> Vec<Value> {
    tools.iter().map(schema).collect()
}

/// The same as the text of a JSON array, which is what fits a column whose rows have different tools.
pub(in crate::export) fn tools_json(tools: &[ToolDefinition]) -> String {
    Value::from(tool_schemas(tools)).to_string()
}

fn schema(tool: &ToolDefinition) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for parameter in &tool.parameters {
        properties.insert(parameter.name.clone(), property(parameter));
        if !parameter.optional {
            required.push(parameter.name.as_str());
        }
    }
    json!({"type": "function", "function": {
        "name": tool.name,
        "description": tool.description.as_deref().unwrap_or_default(),
        "parameters": {"type": "object", "properties": properties, "required": required},
    }})
}

/// A type that JSON schemas do not have (`image`) is a string, and its name goes to the description.
fn property(parameter: &ToolParameter) -> Value {
    let mut described: Vec<&str> = parameter.description.as_deref().into_iter().collect();
    let kind = parameter.kind.as_deref().unwrap_or("string");
    let types: Option<Vec<&str>> = kind.split('|').map(|name| json_type(name.trim())).collect();
    let kind = match types.as_deref() {
        Some([one]) => json!(one),
        Some(several) => json!(several),
        None => {
            described.insert(0, kind);
            json!("string")
        }
    };
    let mut property = json!({"type": kind});
    if !described.is_empty() {
        property["description"] = described.join(": ").into();
    }
    property
}

fn json_type(name: &str) -> Option<&'static str> {
    let named = TYPE_NAMES.iter().find(|(known, _)| *known == name);
    let own = JSON_TYPES.iter().copied().find(|known| *known == name);
    own.or_else(|| named.map(|(_, kind)| *kind))
}

/// Tools in the words of a code agent's system prompt.
pub(in crate::export) fn described_tools(tools: &[ToolDefinition]) -> String {
    let mut text = "You can call these tools as Python functions:".to_owned();
    for tool in tools {
        let inputs = tool.parameters.iter().map(|parameter| {
            let kind = parameter.kind.as_deref().unwrap_or("any");
            let optional = if parameter.optional { ", optional" } else { "" };
            let described = parameter.description.as_deref();
            let described = described.map_or(String::new(), |words| format!(" ({words})"));
            format!("'{}': {kind}{optional}{described}", parameter.name)
        });
        let inputs: Vec<String> = inputs.collect();
        let description = tool.description.as_deref().unwrap_or_default();
        let line = format!("\n- {}: {description}", python_name(&tool.name));
        text.push_str(line.trim_end_matches([' ', ':']));
        text.push_str(&format!("\n    Takes inputs: {{{}}}", inputs.join(", ")));
    }
    text
}

/// Tools in a system prompt, for trainers that do not hand them to the chat template.
pub(in crate::export) fn declared_tools(schemas: &[Value]) -> String {
    let lines: Vec<String> = schemas.iter().map(Value::to_string).collect();
    format!("You can call these tools:\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools() -> Vec<ToolDefinition> {
        let parameter =
            |name: &str, kind: Option<&str>, optional, description: Option<&str>| ToolParameter {
                name: name.to_owned(),
                kind: kind.map(str::to_owned),
                optional,
                description: description.map(str::to_owned),
            };
        vec![
            ToolDefinition {
                name: "zoom".to_owned(),
                description: Some("Enlarges a part.".to_owned()),
                parameters: vec![
                    parameter("picture", Some("image"), false, Some("its path")),
                    parameter("factor", Some("float"), true, None),
                    parameter("box", Some("array|null"), true, None),
                    parameter("why", None, true, None),
                ],
            },
            ToolDefinition {
                name: "now".to_owned(),
                ..ToolDefinition::default()
            },
        ]
    }

    #[test]
    fn tools_are_json_schemas() {
        let parameters = json!({
            "type": "object",
            "properties": {
                "picture": {"type": "string", "description": "image: its path"},
                "factor": {"type": "number"},
                "box": {"type": ["array", "null"]},
                "why": {"type": "string"},
            },
            "required": ["picture"],
        });
        let schemas = tool_schemas(&tools());
        assert_eq!(schemas[0]["function"]["parameters"], parameters);
        assert_eq!(schemas[0]["function"]["description"], "Enlarges a part.");
        // LLaMA-Factory reads `parameters.properties` of every tool.
        assert_eq!(
            schemas[1]["function"]["parameters"]["properties"],
            json!({})
        );
        let text = tools_json(&tools());
        assert_eq!(serde_json::from_str::<Vec<Value>>(&text).unwrap(), schemas);
    }

    #[test]
    fn tools_are_words() {
        assert_eq!(
            described_tools(&tools()),
            "You can call these tools as Python functions:\n- zoom: Enlarges a part.\n    Takes inputs: {'picture': image (its path), 'factor': float, optional, 'box': array|null, optional, 'why': any, optional}\n- now\n    Takes inputs: {}"
        );
    }
}
