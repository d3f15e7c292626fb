use serde::{Deserialize, Serialize};

/// A tool that a controller may call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolDefinition {
    /// The name by which it is called.
    pub name: String,
    /// What it does, in the data's words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub description: Option<String>,
    /// Its parameters in order; empty where the data declares none.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub parameters: Vec<ToolParameter>,
}

/// One parameter of a tool.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolParameter {
    /// Its name.
    pub name: String,
    /// Its type as the data names it (`text`, `image`, `str`, `int`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kind: Option<String>,
    /// Whether a call may leave it out.
    #[serde(default)]
    pub optional: bool,
    /// What it means.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub description: Option<String>,
}
