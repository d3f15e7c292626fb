use std::borrow::Cow;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::json_text::JsonText;
use crate::domain::PictureReference;

/// One turn of a dialog: `{from, value}` (ShareGPT) or `{role, content}`.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Turn<'a> {
    /// Who speaks, in the record's words.
    #[serde(borrow, alias = "from", default)]
    pub role: JsonText<'a>,
    /// What is said.
    #[serde(borrow, alias = "value", default)]
    pub content: TurnContent<'a>,
}

/// Who speaks in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The system prompt.
    System,
    /// The person or what executed the agent's code.
    User,
    /// The controller.
    Assistant,
}

impl Turn<'_> {
    /// Who speaks; `None` for a role that no known format has.
    pub fn speaker(&self) -> Option<Speaker> {
        match self.role.as_str()?.trim() {
            "system" => Some(Speaker::System),
            "user" | "human" | "tool-response" | "tool" | "observation" => Some(Speaker::User),
            "assistant" | "gpt" => Some(Speaker::Assistant),
            _ => None,
        }
    }
}

/// What is said in a turn: text, or a list of text and picture parts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TurnContent<'a> {
    /// The text; text parts are joined by line feeds.
    pub text: Cow<'a, str>,
    /// Pictures among the parts.
    pub pictures: Vec<PictureReference>,
}

impl<'a> TurnContent<'a> {
    fn of_text(text: impl Into<Cow<'a, str>>) -> Self {
        Self {
            text: text.into(),
            pictures: Vec::new(),
        }
    }

    fn of_parts(parts: &[Value]) -> Self {
        let mut texts = Vec::new();
        let mut pictures = Vec::new();
        for part in parts {
            match part_of(part) {
                Part::Text(text) => texts.push(text.to_owned()),
                Part::Picture(address) => pictures.push(PictureReference::from_text(address)),
                // Kept as it stands, so that a person sees it.
                Part::Other => texts.push(part.to_string()),
            }
        }
        Self {
            text: Cow::Owned(texts.join("\n")),
            pictures,
        }
    }
}

enum Part<'v> {
    Text(&'v str),
    Picture(&'v str),
    Other,
}

fn part_of(part: &Value) -> Part<'_> {
    if let Some(text) = part.as_str() {
        return Part::Text(text);
    }
    if let Some(text) = part.get("text").and_then(Value::as_str) {
        return Part::Text(text);
    }
    ["image_url", "image", "url", "path"]
        .iter()
        .find_map(|key| {
            let value = part.get(key)?;
            value.as_str().or_else(|| value.get("url")?.as_str())
        })
        .map_or(Part::Other, Part::Picture)
}

impl<'de: 'a, 'a> Deserialize<'de> for TurnContent<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = TurnContent<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text of a turn, or a list of its parts")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(TurnContent::of_text(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(TurnContent::of_text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(TurnContent::of_text(text))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(TurnContent::of_text(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(TurnContent::of_text(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(TurnContent::of_text(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(TurnContent::of_text(Value::from(value).to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(TurnContent::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
        let parts = Vec::<Value>::deserialize(SeqAccessDeserializer::new(access))?;
        Ok(TurnContent::of_parts(&parts))
    }

    /// A whole message in place of its text (`logs[0].task` of `transformers.agents`), or a single part.
    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
        let value = Value::deserialize(MapAccessDeserializer::new(access))?;
        Ok(match value.get("content").or_else(|| value.get("value")) {
            Some(Value::Array(parts)) => TurnContent::of_parts(parts),
            Some(Value::String(text)) => TurnContent::of_text(text.clone()),
            _ => TurnContent::of_parts(std::slice::from_ref(&value)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_parts_and_messages() {
        let read = |json: &str| -> (String, usize) {
            let turn: Turn<'_> = serde_json::from_str(json).unwrap();
            (turn.content.text.into_owned(), turn.content.pictures.len())
        };
        assert_eq!(read(r#"{"from":"user","value":"a"}"#), ("a".into(), 0));
        assert_eq!(
            read(r#"{"role":"user","content":null}"#),
            (String::new(), 0)
        );
        assert_eq!(read(r#"{"role":"user"}"#), (String::new(), 0));
        let parts = r#"{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u"}},{"x":1}]}"#;
        assert_eq!(read(parts), ("a\n{\"x\":1}".into(), 1));
        let message = r#"{"role":"user","content":{"role":"user","content":"Task: a"}}"#;
        assert_eq!(read(message), ("Task: a".into(), 0));
    }

    #[test]
    fn roles_of_all_dialects() {
        let speaker = |role: &str| {
            let json = format!("{{\"role\":{role}}}");
            serde_json::from_str::<Turn<'_>>(&json).unwrap().speaker()
        };
        assert_eq!(speaker("\"tool-response\""), Some(Speaker::User));
        assert_eq!(speaker("\"gpt\""), Some(Speaker::Assistant));
        assert_eq!(speaker("\"critic\""), None);
        assert_eq!(speaker("null"), None);
    }
}
