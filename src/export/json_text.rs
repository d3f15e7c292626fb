//! JSON that keeps its text: objects whose members stay as they were written, and the few edits that writers make.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::Refusal;
use crate::ingest::JsonText;

/// An object whose members keep their order and their text.
#[derive(Debug, Clone, Default)]
pub(super) struct RawObject(Vec<(String, Box<RawValue>)>);

impl RawObject {
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The last member of this name, which is the one that readers see.
    pub fn get(&self, key: &str) -> Option<&RawValue> {
        let member = self.0.iter().rev().find(|(name, _)| name == key);
        member.map(|(_, value)| &**value)
    }

    /// The first of these names that is there.
    pub fn first_key<'k>(&self, keys: &[&'k str]) -> Option<&'k str> {
        keys.iter().copied().find(|key| self.get(key).is_some())
    }

    /// The text of a member, as readers take it.
    pub fn text(&self, key: &str) -> Option<String> {
        let text: JsonText<'_> = serde_json::from_str(self.get(key)?.get()).ok()?;
        text.into_string()
    }

    /// Replaces a member in its place, or appends it.
    pub fn set(&mut self, key: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Refusal> {
        let value = to_raw_value(value)?;
        match self.0.iter_mut().rev().find(|(name, _)| name == key) {
            Some((_, known)) => *known = value,
            None => self.0.push((key.to_owned(), value)),
        }
        Ok(())
    }

    pub fn remove(&mut self, key: &str) {
        self.0.retain(|(name, _)| name != key);
    }

    pub fn members_mut(&mut self) -> impl Iterator<Item = (&String, &mut Box<RawValue>)> {
        self.0.iter_mut().map(|(name, value)| (&*name, value))
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    pub fn to_json(&self) -> Result<String, Refusal> {
        Ok(serde_json::to_string(self)?)
    }
}

impl Serialize for RawObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for RawObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = RawObject;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<RawObject, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(RawObject(members))
    }
}

/// The content of a chat message with its text replaced: a string, a list of parts (pictures stay), or a message inside.
pub(super) fn with_text(content: Option<&RawValue>, text: &str) -> Value {
    match content.and_then(|raw| serde_json::from_str(raw.get()).ok()) {
        Some(Value::Array(parts)) => parts_with_text(parts, text),
        Some(Value::Object(mut message)) => {
            let key = ["content", "value", "text"]
                .into_iter()
                .find(|key| message.contains_key(*key));
            match key {
                Some(key) => {
                    let inner = match message.get(key) {
                        Some(Value::Array(parts)) => parts_with_text(parts.clone(), text),
                        _ => Value::from(text),
                    };
                    message.insert(key.to_owned(), inner);
                    Value::Object(message)
                }
                None => Value::from(text),
            }
        }
        _ => Value::from(text),
    }
}

/// The first text part gets the text, other text parts go.
fn parts_with_text(parts: Vec<Value>, text: &str) -> Value {
    let mut placed = false;
    let mut kept = Vec::with_capacity(parts.len() + 1);
    for mut part in parts {
        let is_text = part.is_string() || part.get("text").is_some_and(Value::is_string);
        if !is_text {
            kept.push(part);
        } else if !std::mem::replace(&mut placed, true) {
            match part.get_mut("text") {
                Some(old) => *old = Value::from(text),
                None => part = Value::from(text),
            }
            kept.push(part);
        }
    }
    if !placed {
        kept.insert(0, serde_json::json!({"type": "text", "text": text}));
    }
    Value::Array(kept)
}

/// The same JSON on one line: white space between values goes, strings stay.
pub(super) fn one_line(json: &str) -> Cow<'_, str> {
    if !json.contains(['\n', '\r']) {
        return Cow::Borrowed(json);
    }
    let mut line = String::with_capacity(json.len());
    let (mut inside, mut escaped) = (false, false);
    for character in json.chars() {
        if inside || !matches!(character, ' ' | '\t' | '\n' | '\r') {
            line.push(character);
        }
        match character {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            _ => {}
        }
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_keep_order_and_number_text() {
        let mut object = RawObject::parse(r#"{"z": 1.50, "a": {"b":1e2}, "m": "x"}"#).unwrap();
        object.set("a", "new").unwrap();
        object.set("n", &7).unwrap();
        assert_eq!(
            object.to_json().unwrap(),
            r#"{"z":1.50,"a":"new","m":"x","n":7}"#
        );
        object.remove("z");
        assert_eq!(object.keys().collect::<Vec<_>>(), ["a", "m", "n"]);
        assert!(RawObject::parse("[1]").is_err());
    }

    #[test]
    fn the_text_of_every_kind_of_content_is_replaced() {
        let raw = |value: Value| to_raw_value(&value).unwrap();
        let picture = json!({"type": "image", "image": "a.png"});
        let cases = [
            (json!("old"), json!("new")),
            (json!(null), json!("new")),
            (
                json!([{"type": "text", "text": "old"}, picture, {"type": "text", "text": "more"}]),
                json!([{"type": "text", "text": "new"}, picture]),
            ),
            (
                json!([picture]),
                json!([{"type": "text", "text": "new"}, picture]),
            ),
            (json!(["old", "more"]), json!(["new"])),
            (
                json!({"role": "user", "content": "old"}),
                json!({"role": "user", "content": "new"}),
            ),
        ];
        for (content, expected) in cases {
            assert_eq!(with_text(Some(&raw(content)), "new"), expected);
        }
        assert_eq!(with_text(None, "new"), json!("new"));
    }

    proptest::proptest! {
        #[test]
        fn one_line_has_the_same_value(text in ".*", number in proptest::num::i64::ANY) {
            let value = json!({"te\"xt\\": [text, {"n": number}, []], "b\n": null});
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            let line = one_line(&pretty);
            proptest::prop_assert!(!line.contains('\n'));
            proptest::prop_assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
        }
    }
}
