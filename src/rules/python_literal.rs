use ruff_python_ast::{self as ast, Expr, Mod, Number, UnaryOp};
use ruff_python_parser::{Mode, ParseOptions, Parsed, parse_unchecked};
use serde_json::Value;

use super::nesting::is_shallow;

/// Blocks and brackets nested deeper than this are a syntax error; half of what Python itself allows.
const MAX_RECURSION: u16 = 100;

/// Parses code that is known to be shallow, as far as it can be parsed.
pub(super) fn parse(code: &str, mode: Mode) -> Parsed<Mod> {
    parse_unchecked(
        code,
        ParseOptions::from(mode).with_max_recursion_depth(MAX_RECURSION),
    )
}

/// Reads a lone Python literal, as prompts write dictionaries; `None` if it is anything else.
pub(super) fn python_literal(text: &str) -> Option<Value> {
    if !is_shallow(text) {
        return None;
    }
    let parsed = parse(text, Mode::Expression);
    match parsed.syntax() {
        Mod::Expression(expression) if parsed.errors().is_empty() => literal(&expression.body),
        _ => None,
    }
}

/// The value of a literal; the recursion is as deep as the brackets are, which the parser limits.
pub(super) fn literal(expression: &Expr) -> Option<Value> {
    let list = |items: &[Expr]| items.iter().map(literal).collect::<Option<Vec<_>>>();
    Some(match expression {
        Expr::StringLiteral(text) => Value::from(text.value.to_str()),
        Expr::FString(text) => {
            let mut joined = String::new();
            for part in &text.value {
                match part {
                    ast::FStringPart::Literal(part) => joined.push_str(&part.value),
                    ast::FStringPart::FString(part) => {
                        for element in &part.elements {
                            joined.push_str(&element.as_literal()?.value);
                        }
                    }
                }
            }
            Value::from(joined)
        }
        Expr::NumberLiteral(number) => number_value(&number.value, false)?,
        Expr::UnaryOp(operation) => match (&operation.op, &*operation.operand) {
            (UnaryOp::USub, Expr::NumberLiteral(number)) => number_value(&number.value, true)?,
            (UnaryOp::UAdd, Expr::NumberLiteral(number)) => number_value(&number.value, false)?,
            _ => return None,
        },
        Expr::BooleanLiteral(truth) => Value::from(truth.value),
        Expr::NoneLiteral(_) => Value::Null,
        Expr::List(items) => Value::from(list(&items.elts)?),
        Expr::Tuple(items) => Value::from(list(&items.elts)?),
        Expr::Dict(dictionary) => {
            let mut object = serde_json::Map::new();
            for item in &dictionary.items {
                let Some(Expr::StringLiteral(key)) = &item.key else {
                    return None;
                };
                object.insert(key.value.to_str().to_owned(), literal(&item.value)?);
            }
            Value::from(object)
        }
        _ => return None,
    })
}

fn number_value(number: &Number, negative: bool) -> Option<Value> {
    match number {
        Number::Int(integer) if negative => {
            Some(Value::from(0_i64.checked_sub(integer.as_i64()?)?))
        }
        Number::Int(integer) => integer.as_u64().map(Value::from),
        Number::Float(float) => {
            serde_json::Number::from_f64(if negative { -float } else { *float }).map(Value::Number)
        }
        Number::Complex { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literals_that_json_cannot_hold_are_none() {
        for text in [
            "1j",
            "10**2",
            "b'x'",
            "99999999999999999999",
            "{1: 2}",
            "f'{x}'",
            "1e999",
        ] {
            assert_eq!(python_literal(text), None, "{text}");
        }
        assert_eq!(python_literal("f'plain'"), Some(json!("plain")));
        assert_eq!(python_literal("-7"), Some(json!(-7)));
        assert_eq!(
            python_literal("18446744073709551615"),
            Some(json!(u64::MAX))
        );
    }

    #[test]
    fn lone_literals_are_read_as_values() {
        assert_eq!(
            python_literal("{'q': {'type': 'text', 'nullable': True}}"),
            Some(json!({"q": {"type": "text", "nullable": true}}))
        );
        assert_eq!(python_literal("{'q': f(1)}"), None);
        assert_eq!(python_literal("{'q': 1"), None);
    }
}
