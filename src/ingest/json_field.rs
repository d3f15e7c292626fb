//! Lenient looks into parsed JSON: a missing field, an explicit `null` (tables write one for every absent field) and a
//! field of the wrong type are all "not there".

use serde_json::Value;

use super::{Layout, Sample, Top};

/// The field, unless it is missing or `null`.
pub(super) fn field<'a>(object: &'a Value, key: &str) -> Option<&'a Value> {
    object.get(key).filter(|value| !value.is_null())
}

/// The field's text, if it is a string.
pub(super) fn text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str()
}

/// As [`text`], without empty and blank strings.
pub(super) fn filled<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    text(object, key).filter(|text| !text.trim().is_empty())
}

/// The field's elements; none if it is not an array.
pub(super) fn items<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object.get(key).and_then(elements).unwrap_or(&[])
}

/// An array's elements.
pub(super) fn elements(value: &Value) -> Option<&[Value]> {
    value.as_array().map(Vec::as_slice)
}

/// Any value as a person would write it: strings without quotes, the rest as JSON; `null` is nothing.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// As [`plain`], for a field.
pub(super) fn plain_field(object: &Value, key: &str) -> Option<String> {
    object.get(key).and_then(plain)
}

/// The first of these fields that holds an id: a filled string or a number.
pub(super) fn identifier(object: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| match object.get(key)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// A list or object that a column holds either as itself or as JSON text.
pub(super) fn unpacked(value: &Value) -> Option<std::borrow::Cow<'_, Value>> {
    match value {
        Value::Array(_) | Value::Object(_) => Some(std::borrow::Cow::Borrowed(value)),
        Value::String(text) => serde_json::from_str::<Value>(text)
            .ok()
            .filter(|v| v.is_array() || v.is_object())
            .map(std::borrow::Cow::Owned),
        _ => None,
    }
}

/// A sample seen as rows with fields: the elements of a list or table, or one object that is the whole file.
pub(super) struct Rows<'a>(pub &'a Sample<'a>);

impl<'a> Rows<'a> {
    /// The first value that any sampled row has under this key, `null` aside.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        match self.0.top {
            Top::Object => self.0.member(key).filter(|value| !value.is_null()),
            Top::Array | Top::Lines | Top::Rows => {
                self.0.values.iter().find_map(|row| field(row, key))
            }
        }
    }

    /// Whether any sampled row names the field, be it `null`.
    pub fn names(&self, key: &str) -> bool {
        match self.0.top {
            Top::Object => self.0.member(key).is_some(),
            Top::Array | Top::Lines | Top::Rows => {
                self.0.values.iter().any(|row| row.get(key).is_some())
            }
        }
    }

    /// How such records lie in the file.
    pub fn layout(&self) -> Layout {
        match self.0.top {
            Top::Object => Layout::Whole,
            Top::Array | Top::Lines | Top::Rows => Layout::Elements,
        }
    }
}
