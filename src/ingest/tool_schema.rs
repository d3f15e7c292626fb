//! Tools as records declare them: OpenAI function objects with a JSON schema, or the lists of GTA and Agent-X.

use serde_json::Value;

use super::json_field::{elements, field, filled, items, unpacked};
use crate::domain::{ToolDefinition, ToolParameter};

/// Every tool of a `tools` field: a list, an object of tools by name, or either as JSON text.
pub(super) fn tools(value: &Value) -> Vec<ToolDefinition> {
    let Some(value) = unpacked(value) else {
        return Vec::new();
    };
    match value.as_ref() {
        Value::Array(list) => list
            .iter()
            .filter_map(|tool| definition(tool, None))
            .collect(),
        Value::Object(by_name) => by_name
            .iter()
            .filter_map(|(name, tool)| definition(tool, Some(name)))
            .collect(),
        _ => Vec::new(),
    }
}

/// One tool; `key` names it where it does not name itself.
fn definition(tool: &Value, key: Option<&str>) -> Option<ToolDefinition> {
    if let Value::String(text) = tool {
        // A bare name in a list; a description beside a name.
        return Some(match key {
            None => ToolDefinition {
                name: text.clone(),
                ..ToolDefinition::default()
            },
            Some(name) => ToolDefinition {
                name: name.to_owned(),
                description: Some(text.clone()),
                parameters: Vec::new(),
            },
        });
    }
    let tool = field(tool, "function").unwrap_or(tool);
    let schema = ["parameters", "input_schema", "inputSchema"]
        .iter()
        .find_map(|key| field(tool, key));
    let parameters = match (schema, field(tool, "inputs").and_then(elements)) {
        (Some(schema), _) => schema_parameters(schema),
        (None, Some(inputs)) => inputs.iter().filter_map(listed_parameter).collect(),
        (None, None) => Vec::new(),
    };
    Some(ToolDefinition {
        name: filled(tool, "name").or(key)?.to_owned(),
        description: filled(tool, "description").map(str::to_owned),
        parameters,
    })
}

/// A tool that is described by a JSON schema of its parameters.
pub fn described_tool(name: &str, description: &str, schema: &Value) -> ToolDefinition {
    ToolDefinition {
        name: name.to_owned(),
        description: Some(description.to_owned()).filter(|text| !text.is_empty()),
        parameters: schema_parameters(schema),
    }
}

/// The properties of a JSON schema. Tables give every schema the properties of all, `null` where they are not its own.
fn schema_parameters(schema: &Value) -> Vec<ToolParameter> {
    let required: std::collections::HashSet<&str> = items(schema, "required")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let properties = field(schema, "properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .filter(|(_, property)| !property.is_null())
        .map(|(name, property)| ToolParameter {
            name: name.clone(),
            kind: kind(property),
            optional: !required.contains(name.as_str()),
            description: filled(property, "description").map(str::to_owned),
        })
        .collect()
}

/// `{type, name, description, optional, …}`, as GTA lists inputs.
fn listed_parameter(input: &Value) -> Option<ToolParameter> {
    Some(ToolParameter {
        name: filled(input, "name")?.to_owned(),
        kind: kind(input),
        optional: field(input, "optional").and_then(Value::as_bool) == Some(true),
        description: filled(input, "description").map(str::to_owned),
    })
}

fn kind(of: &Value) -> Option<String> {
    match field(of, "type")? {
        Value::String(kind) => Some(kind.clone()),
        Value::Array(kinds) => {
            let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
            (!kinds.is_empty()).then(|| kinds.join("|"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn function_objects_and_their_json_text_read_alike() {
        let list = json!([{"type": "function", "function": {
            "name": "zoom", "description": "Enlarges a part",
            "parameters": {"type": "object", "required": ["box"], "properties": {
                "box": {"type": "string", "description": "x1,y1,x2,y2"},
                "factor": {"type": ["number", "null"]},
                "not_mine": null,
            }},
        }}]);
        let read = tools(&list);
        assert_eq!(read, tools(&json!(list.to_string())));
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].name, "zoom");
        let parameters: Vec<_> = read[0]
            .parameters
            .iter()
            .map(|p| (p.name.as_str(), p.kind.as_deref(), p.optional))
            .collect();
        assert_eq!(
            parameters,
            [
                ("box", Some("string"), false),
                ("factor", Some("number|null"), true)
            ]
        );
    }

    #[test]
    fn lists_of_inputs_names_and_objects_by_name() {
        let read = tools(&json!({
            "OCR": {"description": "Reads text", "inputs": [{"type": "image", "name": "image", "optional": false}]},
            "Sum": "Adds numbers",
        }));
        assert_eq!(read[0].parameters[0].name, "image");
        assert_eq!(read[1].description.as_deref(), Some("Adds numbers"));
        assert_eq!(tools(&json!(["OCR"]))[0].name, "OCR");
        assert!(tools(&json!("not json")).is_empty());
        assert!(tools(&json!([1, null, {"description": "nameless"}])).is_empty());
    }
}
