//! The tools of the paper's toolkit (§1): names, parameters, and what they return.

use serde_json::{Value, json};

/// What a tool returns, as far as its printed form has to be read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returns {
    /// A text, whatever it looks like.
    Text,
    /// A list; or a text, where the tool has nothing to list.
    List,
}

/// A tool's name and form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// Its parameters in order: name, JSON type, whether it may be left out.
    pub parameters: &'static [(&'static str, &'static str, bool)],
    /// What it returns.
    pub returns: Returns,
}

/// The paper's toolkit, `final_answer` left out.
pub const TOOLKIT: &[Signature] = &[
    Signature {
        name: "visualizer",
        description: "Answers a question about a picture.",
        parameters: &[
            ("question", "string", false),
            ("image_path", "string", false),
        ],
        returns: Returns::Text,
    },
    Signature {
        name: "ask_search_agent",
        description: "Searches the Web for the answer to a question.",
        parameters: &[("query", "string", false)],
        returns: Returns::Text,
    },
    Signature {
        name: "inspect_file_as_text",
        description: "Gives a file's content as text.",
        parameters: &[("file_path", "string", false), ("question", "string", true)],
        returns: Returns::Text,
    },
    Signature {
        name: "objectlocation",
        description: "Finds objects in a picture; gives their boxes as [[x1, y1, x2, y2]].",
        parameters: &[("object", "string", false), ("image_path", "string", false)],
        returns: Returns::List,
    },
    Signature {
        name: "facedetection",
        description: "Finds faces in a picture; gives their boxes.",
        parameters: &[("image_path", "string", false)],
        returns: Returns::List,
    },
    Signature {
        name: "segmentation",
        description: "Segments a picture; gives the path of the masks.",
        parameters: &[("image_path", "string", false), ("prompt", "array", true)],
        returns: Returns::Text,
    },
    Signature {
        name: "image_generator",
        description: "Makes a picture of a description; gives its path.",
        parameters: &[("prompt", "string", false)],
        returns: Returns::Text,
    },
    Signature {
        name: "image_edit",
        description: "Changes a picture as told; gives the new picture's path.",
        parameters: &[("prompt", "string", false), ("image_path", "string", false)],
        returns: Returns::Text,
    },
];

impl Signature {
    /// The parameters as JSON schema.
    pub fn schema(&self) -> Value {
        schema(self.parameters)
    }
}

/// Parameters (name, JSON type, whether it may be left out) as JSON schema.
pub fn schema(parameters: &[(&str, &str, bool)]) -> Value {
    let properties: serde_json::Map<String, Value> = parameters
        .iter()
        .map(|(name, kind, _)| ((*name).to_owned(), json!({ "type": kind })))
        .collect();
    let required: Vec<&str> = parameters
        .iter()
        .filter(|(_, _, optional)| !optional)
        .map(|(name, ..)| *name)
        .collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// The signature of a tool of the toolkit.
pub fn signature(name: &str) -> Option<&'static Signature> {
    TOOLKIT.iter().find(|signature| signature.name == name)
}
