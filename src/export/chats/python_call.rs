//! Structured tool calls as the Python that a code agent would write for them.

use serde_json::Value;

use crate::domain::ToolCall;

/// The answer of a run, in the words of a code agent.
pub(in crate::export) const FINAL_ANSWER: &str = "final_answer";

/// One line for each call: `name(key="text", n=3)`, printed if its result was seen (code agents see only what they print).
pub(in crate::export) fn python_calls(calls: &[ToolCall], observed: bool) -> String {
    let lines: Vec<String> = calls
        .iter()
        .map(|call| {
            let written = python_call(call);
            if observed && call.name != FINAL_ANSWER {
                format!("print({written})")
            } else {
                written
            }
        })
        .collect();
    lines.join("\n")
}

fn python_call(call: &ToolCall) -> String {
    let arguments = match &call.arguments {
        Value::Null => String::new(),
        Value::Object(by_name) => {
            let (named, odd): (Vec<_>, Vec<_>) =
                by_name.iter().partition(|(name, _)| is_identifier(name));
            let mut written: Vec<String> = named
                .into_iter()
                .map(|(name, value)| format!("{name}={}", literal(value)))
                .collect();
            if !odd.is_empty() {
                let odd: Vec<String> = odd
                    .into_iter()
                    .map(|(name, value)| format!("{}: {}", string(name), literal(value)))
                    .collect();
                written.push(format!("**{{{}}}", odd.join(", ")));
            }
            written.join(", ")
        }
        other => literal(other),
    };
    let name = python_name(&call.name);
    format!("{name}({arguments})")
}

/// The name of the function that a tool is to a code agent: one called `web-search` would be a subtraction.
pub(in crate::export) fn python_name(name: &str) -> String {
    let part = |c| match is_name_part(c) || c == '.' {
        true => c,
        false => '_',
    };
    name.chars().map(part).collect()
}

/// A JSON value as a Python literal. JSON's escapes are also Python's.
pub(in crate::export) fn literal(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => string(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(literal).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(key, value)| format!("{}: {}", string(key), literal(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

fn string(text: &str) -> String {
    Value::from(text).to_string()
}

/// Python takes letters of every script, and no digits like `²`.
fn is_name_part(character: char) -> bool {
    unicode_ident::is_xid_continue(character)
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && name.starts_with(|c| c == '_' || unicode_ident::is_xid_start(c))
        && name.chars().all(is_name_part)
        && !KEYWORDS.contains(&name)
}

const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(name: &str, arguments: Value) -> ToolCall {
        ToolCall {
            id: None,
            name: name.to_owned(),
            arguments,
            result: None,
        }
    }

    #[test]
    fn calls_are_python() {
        let cases = [
            (
                call("ocr", json!({"image": "a \"b\".png", "n": 2})),
                r#"ocr(image="a \"b\".png", n=2)"#,
            ),
            (
                call(
                    "web-search",
                    json!({"query": "x", "from": null, "top-k": [1.5, true]}),
                ),
                r#"web_search(query="x", **{"from": None, "top-k": [1.5, True]})"#,
            ),
            (call("now", Value::Null), "now()"),
            (call("f", json!({})), "f()"),
            (call("f", json!("{\"x\": ")), r#"f("{\"x\": ")"#),
            (
                call("f", json!({"m": {"k": false}})),
                r#"f(m={"k": False})"#,
            ),
        ];
        for (call, expected) in cases {
            assert_eq!(python_calls(&[call], false), expected);
        }
        let calls = [
            call("ocr", json!({"image": "a"})),
            call("final_answer", json!({"answer": 3})),
        ];
        assert_eq!(
            python_calls(&calls, true),
            "print(ocr(image=\"a\"))\nfinal_answer(answer=3)"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_call_parses_as_python(name in "[a-z-]{1,8}", key in ".{0,6}", text in ".*") {
            let code = python_calls(&[call(&name, json!({key: text}))], true);
            let parsed = ruff_python_parser::parse_module(&code);
            // A name that is a keyword cannot be called; nothing else may fail.
            proptest::prop_assert!(parsed.is_ok() || KEYWORDS.contains(&name.as_str()) || name.starts_with('-'), "{}", code);
        }
    }
}
