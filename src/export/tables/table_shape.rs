//! The columns of records whose fields are known only from the records: what each field holds, over all rows.
//!
//! A field that holds different kinds of values becomes a column of text: strings as they are, everything else as JSON.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Number, Value};

use crate::export::json_text::RawObject;

/// Objects with more keys than this are maps, not structures.
const MAX_FIELDS: usize = 1000;

/// What a field holds, as far as rows have shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::export) enum Shape {
    /// Nothing but nulls so far.
    #[default]
    Unknown,
    Bool,
    Number(NumberShape),
    Text,
    List(Box<Shape>),
    Object(Members),
    /// Several kinds, written as text.
    Mixed,
}

/// Which numbers were seen.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::export) struct NumberShape {
    negative: bool,
    /// Above the greatest `i64`.
    huge: bool,
    /// A whole number that `f64` may not hold.
    long: bool,
    float: bool,
}

/// The members of an object, in the order in which they were first seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::export) struct Members {
    fields: Vec<(String, Shape)>,
    places: HashMap<String, usize>,
}

impl Shape {
    /// Takes one more value into account.
    pub fn add(&mut self, value: &Value) {
        match (&mut *self, value) {
            (_, Value::Null) | (Self::Mixed, _) => {}
            (Self::Unknown, _) => {
                *self = match value {
                    Value::Bool(_) => Self::Bool,
                    Value::Number(_) => Self::Number(NumberShape::default()),
                    Value::String(_) => Self::Text,
                    Value::Array(_) => Self::List(Box::default()),
                    _ => Self::Object(Members::default()),
                };
                self.add(value);
            }
            (Self::Bool, Value::Bool(_)) | (Self::Text, Value::String(_)) => {}
            (Self::Number(seen), Value::Number(number)) => seen.add(number),
            (Self::List(element), Value::Array(items)) => {
                items.iter().for_each(|item| element.add(item));
            }
            (Self::Object(members), Value::Object(object)) => {
                if !members.add(object) {
                    *self = Self::Mixed;
                }
            }
            _ => *self = Self::Mixed,
        }
    }

    /// The names of the fields that are written as text because they hold several kinds, as `a.b`.
    pub fn mixed_fields(&self, name: &str, found: &mut Vec<String>) {
        match self {
            _ if self.is_text_of_json() => found.push(name.to_owned()),
            Self::List(element) => element.mixed_fields(name, found),
            Self::Object(members) => {
                for (key, shape) in &members.fields {
                    let path = if name.is_empty() {
                        key.clone()
                    } else {
                        format!("{name}.{key}")
                    };
                    shape.mixed_fields(&path, found);
                }
            }
            _ => {}
        }
    }

    /// The columns of rows of this shape.
    pub fn schema(&self) -> Schema {
        match self {
            Self::Object(members) => Schema::new(members.arrow_fields()),
            _ => Schema::empty(),
        }
    }

    /// A value's text as its column holds it. Texts are never parsed to numbers here: a column gets every digit.
    pub fn fit(&self, value: &RawValue) -> Result<Box<RawValue>, serde_json::Error> {
        let text = value.get();
        if text == "null" {
            return Ok(value.to_owned());
        }
        match self {
            _ if self.is_text_of_json() && !text.starts_with('"') => to_raw_value(text),
            Self::List(element) if element.holds_mixed() => {
                let items: Vec<&RawValue> = serde_json::from_str(text)?;
                let items = items.into_iter().map(|item| element.fit(item));
                to_raw_value(&items.collect::<Result<Vec<_>, _>>()?)
            }
            Self::Object(members) if self.holds_mixed() => {
                let mut object = RawObject::parse(text)?;
                for (key, value) in object.members_mut() {
                    let place = members.places.get(key).copied();
                    let shape = place.and_then(|place| members.fields.get(place));
                    if let Some((_, shape)) = shape {
                        *value = shape.fit(value)?;
                    }
                }
                to_raw_value(&object)
            }
            _ => Ok(value.to_owned()),
        }
    }

    /// Whether any field in it is written as text because it holds several kinds.
    pub fn holds_mixed(&self) -> bool {
        match self {
            _ if self.is_text_of_json() => true,
            Self::List(element) => element.holds_mixed(),
            Self::Object(members) => members.fields.iter().any(|(_, shape)| shape.holds_mixed()),
            _ => false,
        }
    }

    /// A column of structures without a member can't be written, so `{}` is text, too.
    fn is_text_of_json(&self) -> bool {
        match self {
            Self::Mixed => true,
            Self::Number(seen) => seen.data_type().is_none(),
            Self::Object(members) => members.fields.is_empty(),
            _ => false,
        }
    }

    fn data_type(&self) -> DataType {
        match self {
            _ if self.is_text_of_json() => DataType::Utf8,
            Self::Bool => DataType::Boolean,
            Self::Number(seen) => seen.data_type().unwrap_or(DataType::Utf8),
            Self::List(element) => list(element.data_type()),
            Self::Object(members) => DataType::Struct(members.arrow_fields()),
            Self::Unknown | Self::Text | Self::Mixed => DataType::Utf8,
        }
    }
}

impl NumberShape {
    fn add(&mut self, number: &Number) {
        const EXACT: u64 = 1 << f64::MANTISSA_DIGITS;
        if let Some(whole) = number.as_i64() {
            self.negative |= whole < 0;
            self.long |= whole.unsigned_abs() > EXACT;
        } else if number.is_u64() {
            self.huge = true;
            self.long = true;
        } else {
            self.float = true;
        }
    }

    /// `None` where no column type holds all of them.
    fn data_type(self) -> Option<DataType> {
        match self {
            Self {
                float: true, long, ..
            } => (!long).then_some(DataType::Float64),
            Self {
                huge: true,
                negative,
                ..
            } => (!negative).then_some(DataType::UInt64),
            _ => Some(DataType::Int64),
        }
    }
}

impl Members {
    /// Whether they are still few enough for a structure.
    fn add(&mut self, object: &Map<String, Value>) -> bool {
        for (key, value) in object {
            let place = match self.places.get(key) {
                Some(place) => *place,
                None => {
                    self.places.insert(key.clone(), self.fields.len());
                    self.fields.push((key.clone(), Shape::Unknown));
                    self.fields.len() - 1
                }
            };
            if let Some((_, shape)) = self.fields.get_mut(place) {
                shape.add(value);
            }
        }
        self.fields.len() <= MAX_FIELDS
    }

    fn arrow_fields(&self) -> Fields {
        let fields = self.fields.iter();
        fields
            .map(|(key, shape)| Field::new(key, shape.data_type(), true))
            .collect()
    }
}

/// A list whose elements are called `item`, as Arrow's own tools call them.
fn list(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(element, true)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shape(values: &[Value]) -> Shape {
        let mut shape = Shape::default();
        values.iter().for_each(|value| shape.add(value));
        shape
    }

    #[test]
    fn every_kind_has_its_column() {
        let cases = [
            (vec![json!(null)], DataType::Utf8),
            (vec![json!(true), json!(null)], DataType::Boolean),
            (vec![json!(1), json!(-2)], DataType::Int64),
            (vec![json!(1), json!(u64::MAX)], DataType::UInt64),
            (vec![json!(-1), json!(u64::MAX)], DataType::Utf8),
            (vec![json!(1), json!(2.5)], DataType::Float64),
            (vec![json!(1i64 << 60), json!(2.5)], DataType::Utf8),
            (vec![json!("a"), json!(1)], DataType::Utf8),
            (vec![json!([]), json!([1])], list(DataType::Int64)),
            (vec![json!([]), json!("a")], DataType::Utf8),
            (vec![json!({})], DataType::Utf8),
        ];
        for (values, expected) in cases {
            assert_eq!(shape(&values).data_type(), expected, "{values:?}");
        }
    }

    #[test]
    fn mixed_fields_are_text_and_named() {
        let rows = [
            json!({"image": {}, "n": 1, "turns": [{"content": "a"}]}),
            json!({"image": "a.jpg", "n": 2, "turns": [{"content": [1]}, null]}),
        ];
        let shape = shape(&rows);
        let mut mixed = Vec::new();
        shape.mixed_fields("", &mut mixed);
        assert_eq!(mixed, ["image", "turns.content"]);
        let fitted = rows.map(|row| {
            let fitted = shape.fit(&to_raw_value(&row).unwrap()).unwrap();
            serde_json::from_str::<Value>(fitted.get()).unwrap()
        });
        assert_eq!(
            fitted,
            [
                json!({"image": "{}", "n": 1, "turns": [{"content": "a"}]}),
                json!({"image": "a.jpg", "n": 2, "turns": [{"content": "[1]"}, null]}),
            ]
        );
    }

    #[test]
    fn digits_survive() {
        let row = r#"{"mixed":[1.50,{"a":123456789012345678901234567890}],"plain":1.0289862839619354e-286}"#;
        let mut shape = shape(&[serde_json::from_str(row).unwrap()]);
        shape.add(&json!({"mixed": "x"}));
        let raw = RawValue::from_string(row.to_owned()).unwrap();
        let fitted = shape.fit(&raw).unwrap();
        let expected = r#"{"mixed":"[1.50,{\"a\":123456789012345678901234567890}]","plain":1.0289862839619354e-286}"#;
        assert_eq!(fitted.get(), expected);
    }

    #[test]
    fn an_object_of_countless_keys_is_text() {
        let object: Map<String, Value> = (0..5000).map(|n| (n.to_string(), json!(n))).collect();
        assert_eq!(shape(&[Value::Object(object)]), Shape::Mixed);
    }
}
