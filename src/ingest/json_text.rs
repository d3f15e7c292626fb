use std::borrow::Cow;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A JSON value that should be text, read leniently: a number or truth value is taken as it is written, `null` is
/// absent, an array or object is its JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JsonText<'a>(pub Option<Cow<'a, str>>);

impl<'a> JsonText<'a> {
    /// The text, borrowed.
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The text, if it is there and not only white space.
    pub fn filled(&self) -> Option<&str> {
        self.as_str().filter(|text| !text.trim().is_empty())
    }

    /// The text as an owned string.
    pub fn into_string(self) -> Option<String> {
        self.0.map(Cow::into_owned)
    }

    /// The same from a tree.
    pub fn from_value(value: &'a Value) -> Self {
        Self(match value {
            Value::Null => None,
            Value::String(text) => Some(Cow::Borrowed(text)),
            other => Some(Cow::Owned(other.to_string())),
        })
    }

    fn owned(text: impl ToString) -> Self {
        Self(Some(Cow::Owned(text.to_string())))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for JsonText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = JsonText<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(JsonText(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(JsonText::owned(text))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(JsonText(Some(Cow::Owned(text))))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(JsonText::owned(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(JsonText::owned(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(JsonText::owned(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(JsonText::owned(Value::from(value)))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(JsonText(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(access)).map(JsonText::owned)
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(access)).map(JsonText::owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_json_value_has_a_text() {
        let text = |json: &str| {
            serde_json::from_str::<JsonText<'_>>(json)
                .unwrap()
                .into_string()
        };
        assert_eq!(text("\"a\\nb\"").as_deref(), Some("a\nb"));
        assert_eq!(text("7").as_deref(), Some("7"));
        assert_eq!(text("-7").as_deref(), Some("-7"));
        assert_eq!(text("2.5").as_deref(), Some("2.5"));
        assert_eq!(text("true").as_deref(), Some("true"));
        assert_eq!(text("null"), None);
        assert_eq!(text("[1, \"a\"]").as_deref(), Some("[1,\"a\"]"));
        assert_eq!(text("{\"a\": {}}").as_deref(), Some("{\"a\":{}}"));
    }

    #[test]
    fn text_without_escapes_is_borrowed() {
        let json = String::from("\"plain\"");
        let text: JsonText<'_> = serde_json::from_str(&json).unwrap();
        assert!(matches!(text.0, Some(Cow::Borrowed("plain"))));
    }
}
