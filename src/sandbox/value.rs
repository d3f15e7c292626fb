use std::fmt::{self, Write as _};

use monty_types::MontyObject;
use num_bigint::BigInt;
use serde::{Deserialize, Serialize};

/// Values nested deeper than this cross the border as [`PythonValue::Other`]; JSON readers stop at 128 brackets.
const MAX_DEPTH: usize = 32;

/// A Python value outside of the interpreter: what tools get and give. Literals are kept apart as Python does (`180.0`
/// is not `180`, a tuple no list).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PythonValue {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// A larger integer, in decimal digits.
    BigInt(String),
    /// A float; JSON has no infinity, so it travels as Python writes it.
    #[serde(with = "float_text")]
    Float(f64),
    /// A text.
    Str(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<PythonValue>),
    /// A tuple.
    Tuple(Vec<PythonValue>),
    /// A dictionary in its order.
    Dict(Vec<(PythonValue, PythonValue)>),
    /// A set, in the interpreter's order.
    Set(Vec<PythonValue>),
    /// A frozen set.
    FrozenSet(Vec<PythonValue>),
    /// Anything else: it can be shown, not handed back.
    Other {
        /// The name of its type.
        kind: String,
        /// Its `repr`.
        text: String,
    },
}

impl PythonValue {
    /// What `repr()` gives.
    pub fn repr(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write_repr(&mut text);
        text
    }

    fn write_repr(&self, f: &mut String) -> fmt::Result {
        match self {
            Self::Tuple(items) => match items.as_slice() {
                [one] => {
                    f.push('(');
                    one.write_repr(f)?;
                    f.push_str(",)");
                    Ok(())
                }
                _ => write_items(f, "(", items, ")"),
            },
            Self::List(items) => write_items(f, "[", items, "]"),
            Self::Set(items) if items.is_empty() => f.write_str("set()"),
            Self::Set(items) => write_items(f, "{", items, "}"),
            Self::FrozenSet(items) if items.is_empty() => f.write_str("frozenset()"),
            Self::FrozenSet(items) => write_items(f, "frozenset({", items, "})"),
            Self::Dict(pairs) => {
                f.push('{');
                for (number, (key, value)) in pairs.iter().enumerate() {
                    f.push_str(if number == 0 { "" } else { ", " });
                    key.write_repr(f)?;
                    f.push_str(": ");
                    value.write_repr(f)?;
                }
                f.push('}');
                Ok(())
            }
            Self::BigInt(text) | Self::Other { text, .. } => f.write_str(text),
            // The interpreter's own forms of texts and numbers.
            leaf => f.write_str(&leaf.as_object().py_repr()),
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The name of its type.
    pub fn kind(&self) -> &str {
        match self {
            Self::None => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::BigInt(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) => "str",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Dict(_) => "dict",
            Self::Set(_) => "set",
            Self::FrozenSet(_) => "frozenset",
            Self::Other { kind, .. } => kind,
        }
    }

    /// A value of JSON as Python's `json.loads` reads it.
    pub fn from_json(value: &serde_json::Value) -> Self {
        use serde_json::Value;
        match value {
            Value::Null => Self::None,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(int), _) => Self::Int(int),
                (None, _) if number.is_u64() => Self::BigInt(number.to_string()),
                (None, Some(float)) => Self::Float(float),
                (None, None) => Self::BigInt(number.to_string()),
            },
            Value::String(text) => Self::Str(text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::from_json).collect()),
            Value::Object(fields) => {
                let pair =
                    |(key, value): (&String, _)| (Self::Str(key.clone()), Self::from_json(value));
                Self::Dict(fields.iter().map(pair).collect())
            }
        }
    }

    /// The value as JSON, as Python's `json.dumps` would write it; what JSON lacks becomes its `repr` as text.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        let list = |items: &[Self]| Value::Array(items.iter().map(Self::to_json).collect());
        match self {
            Self::None => Value::Null,
            Self::Bool(truth) => Value::from(*truth),
            Self::Int(int) => Value::from(*int),
            Self::Float(float) if float.is_finite() => Value::from(*float),
            Self::Str(text) => Value::from(text.as_str()),
            Self::List(items) | Self::Tuple(items) => list(items),
            Self::Dict(pairs) => {
                let key = |key: &Self| key.as_str().map_or_else(|| key.repr(), str::to_owned);
                let pairs = pairs.iter();
                Value::Object(pairs.map(|(k, v)| (key(k), v.to_json())).collect())
            }
            _ => Value::from(self.repr()),
        }
    }

    pub(super) fn from_object(object: &MontyObject) -> Self {
        Self::convert(object, 0)
    }

    fn convert(object: &MontyObject, depth: usize) -> Self {
        if depth >= MAX_DEPTH {
            return Self::other(object);
        }
        let list = |items: &[MontyObject]| {
            let items = items.iter();
            items.map(|item| Self::convert(item, depth + 1)).collect()
        };
        match object {
            MontyObject::None => Self::None,
            MontyObject::Bool(truth) => Self::Bool(*truth),
            MontyObject::Int(int) => Self::Int(*int),
            MontyObject::BigInt(int) => Self::BigInt(int.to_string()),
            MontyObject::Float(float) => Self::Float(*float),
            MontyObject::String(text) => Self::Str(text.clone()),
            MontyObject::Bytes(bytes) => Self::Bytes(bytes.clone()),
            MontyObject::List(items) => Self::List(list(items)),
            MontyObject::Tuple(items) => Self::Tuple(list(items)),
            MontyObject::Set(items) => Self::Set(list(items)),
            MontyObject::FrozenSet(items) => Self::FrozenSet(list(items)),
            MontyObject::Dict(pairs) => {
                let convert = |(key, value): &(MontyObject, MontyObject)| {
                    (
                        Self::convert(key, depth + 1),
                        Self::convert(value, depth + 1),
                    )
                };
                Self::Dict(pairs.iter().map(convert).collect())
            }
            _ => Self::other(object),
        }
    }

    fn other(object: &MontyObject) -> Self {
        Self::Other {
            kind: object.type_name().to_owned(),
            text: shown(object),
        }
    }

    /// The value for the interpreter; [`PythonValue::Other`] becomes the text that it shows.
    pub(super) fn as_object(&self) -> MontyObject {
        let list = |items: &[Self]| items.iter().map(Self::as_object).collect::<Vec<_>>();
        match self {
            Self::None => MontyObject::None,
            Self::Bool(truth) => MontyObject::Bool(*truth),
            Self::Int(int) => MontyObject::Int(*int),
            Self::BigInt(digits) => digits
                .parse::<BigInt>()
                .map_or(MontyObject::None, MontyObject::BigInt),
            Self::Float(float) => MontyObject::Float(*float),
            Self::Str(text) => MontyObject::String(text.clone()),
            Self::Bytes(bytes) => MontyObject::Bytes(bytes.clone()),
            Self::List(items) => MontyObject::List(list(items)),
            Self::Tuple(items) => MontyObject::Tuple(list(items)),
            Self::Set(items) => MontyObject::Set(list(items)),
            Self::FrozenSet(items) => MontyObject::FrozenSet(list(items)),
            Self::Dict(pairs) => {
                let pairs = pairs.iter();
                let pairs = pairs.map(|(key, value)| (key.as_object(), value.as_object()));
                MontyObject::dict(pairs.collect::<Vec<_>>())
            }
            Self::Other { text, .. } => MontyObject::String(text.clone()),
        }
    }
}

fn write_items(f: &mut String, open: &str, items: &[PythonValue], close: &str) -> fmt::Result {
    f.push_str(open);
    for (number, item) in items.iter().enumerate() {
        f.push_str(if number == 0 { "" } else { ", " });
        item.write_repr(f)?;
    }
    f.push_str(close);
    Ok(())
}

/// What `str()` gives, and `print` shows.
impl fmt::Display for PythonValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Str(text) | Self::Other { text, .. } => f.write_str(text),
            _ => f.write_str(&self.repr()),
        }
    }
}

/// How the interpreter shows an object that is no literal.
pub(super) fn shown(object: &MontyObject) -> String {
    match object {
        MontyObject::Repr(text) => text.clone(),
        _ => object.py_repr(),
    }
}

mod float_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(float: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        // Rust writes the shortest text that reads back as the same bits.
        serializer.serialize_str(&format!("{float:?}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|_| D::Error::custom(format!("{text:?} is no float")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_show_as_python_shows_them() {
        let value = PythonValue::Dict(vec![
            (
                PythonValue::Str("it's".to_owned()),
                PythonValue::Float(180.0),
            ),
            (
                PythonValue::Int(1),
                PythonValue::Tuple(vec![PythonValue::Bool(true)]),
            ),
        ]);
        assert_eq!(value.repr(), "{\"it's\": 180.0, 1: (True,)}");
        assert_eq!(PythonValue::Str("it's".to_owned()).to_string(), "it's");
        assert_eq!(PythonValue::Float(1e16).repr(), "1e+16");
        assert_eq!(PythonValue::Float(0.1 + 0.2).repr(), "0.30000000000000004");
    }

    #[test]
    fn floats_survive_json_bit_by_bit() {
        for float in [0.1, -0.0, 1e308, 5e-324, f64::INFINITY, f64::NEG_INFINITY] {
            let text = serde_json::to_string(&PythonValue::Float(float)).unwrap();
            let PythonValue::Float(back) = serde_json::from_str(&text).unwrap() else {
                panic!("{text}");
            };
            assert_eq!(back.to_bits(), float.to_bits(), "{text}");
        }
    }

    #[test]
    fn what_nests_too_deep_becomes_text() {
        let mut object = MontyObject::Int(1);
        for _ in 0..100 {
            object = MontyObject::List(vec![object]);
        }
        let text = serde_json::to_string(&PythonValue::from_object(&object)).unwrap();
        serde_json::from_str::<PythonValue>(&text).expect("JSON that can be read back");
        assert!(text.contains("other"), "{text}");
    }
}
