//! What the interpreter lacks, and says as if the code were wrong: `module 'math' has no attribute 'hypot'`.
//!
//! A step that fails so is unsupported, not wrong. What CPython has is told by a table that
//! `tests/reference/make_python_names.py` makes; a name that CPython does not have either is the code's own mistake.

use std::sync::LazyLock;

use regex::Regex;

/// Lines `group: names`; a line that begins with a space goes on with the names.
const NAMES: &str = include_str!("../../assets/sandbox/python_names.txt");

/// Forms of messages, the group of names that they are about, and what is missing. `$1` and so on are parts of the message.
const FORMS: [(&str, &str, &str, &str); 5] = [
    (
        r"^module '([\w.]+)' has no attribute '(\w+)'",
        "module $1",
        "$2",
        "$1.$2",
    ),
    (
        r"^cannot import name '(\w+)' from '([\w.]+)'",
        "module $2",
        "$1",
        "$2.$1",
    ),
    (
        r"^type object '([\w.]+)' has no attribute '(\w+)'",
        "type $1",
        "$2",
        "$1.$2",
    ),
    (
        r"^'([\w.]+)' object has no attribute '(\w+)'",
        "type $1",
        "$2",
        "$1.$2",
    ),
    (r"^name '(\w+)' is not defined", "builtins", "$1", "$1"),
];

/// Operations that CPython has, whatever the values: operators, and the types of both sides (`*` is any).
const OPERATIONS: [(&[&str], &[&str], &[&str]); 4] = [
    (
        &["+", "-", "*", "/", "//", "%", "**", "** or pow()"],
        &["bool", "int", "float"],
        &["bool", "int", "float"],
    ),
    (
        &["&", "|", "^", "<<", ">>"],
        &["bool", "int"],
        &["bool", "int"],
    ),
    (&["%"], &["str", "bytes"], &["*"]),
    (&["|"], &["dict"], &["dict"]),
];

/// What of Python the interpreter lacks, if that is what an exception says that code ended with.
pub(super) fn missing(message: &str) -> Option<String> {
    missing_name(message).or_else(|| missing_operation(message))
}

fn missing_name(message: &str) -> Option<String> {
    PATTERNS.iter().find_map(|(pattern, group, name, missing)| {
        let found = pattern.captures(message)?;
        let part = |template: &str| {
            let mut text = String::new();
            found.expand(template, &mut text);
            text
        };
        has(&part(group), &part(name)).then(|| part(missing))
    })
}

fn missing_operation(message: &str) -> Option<String> {
    let found = OPERATION.as_ref()?.captures(message)?;
    let part = |number: usize| found.get(number).map_or("", |part| part.as_str());
    let (operator, left, right) = (part(1).trim_end_matches('='), part(2), part(3));
    let is = |known: &[&str], name: &str| known.contains(&name) || *known == ["*"];
    let known = OPERATIONS.iter().any(|(operators, lefts, rights)| {
        operators.contains(&operator) && is(lefts, left) && is(rights, right)
    });
    known.then(|| format!("{left} {operator} {right}"))
}

/// Whether a name is one of CPython's own functions, types and constants.
pub fn is_builtin(name: &str) -> bool {
    has("builtins", name)
}

/// Whether CPython has a name.
fn has(group: &str, name: &str) -> bool {
    let mut here = false;
    for line in NAMES.lines() {
        let names = match line.strip_prefix(' ') {
            Some(more) => more,
            None => {
                let (of, names) = line.split_once(": ").unwrap_or((line, ""));
                here = of == group;
                names
            }
        };
        if here && names.split(' ').any(|known| known == name) {
            return true;
        }
    }
    false
}

type Form = (Regex, &'static str, &'static str, &'static str);

static PATTERNS: LazyLock<Vec<Form>> = LazyLock::new(|| {
    let compiled = FORMS.iter().map(|(pattern, group, name, missing)| {
        Some((Regex::new(pattern).ok()?, *group, *name, *missing))
    });
    compiled.flatten().collect()
});

static OPERATION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^unsupported operand type\(s\) for (.+): '([\w.]+)' and '([\w.]+)'").ok()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_has_is_missing_and_the_rest_is_the_codes_mistake() {
        for (message, expected) in [
            ("module 'math' has no attribute 'hypot'", Some("math.hypot")),
            ("module 'math' has no attribute 'hypo'", None),
            ("module 'nothing' has no attribute 'hypot'", None),
            (
                "cannot import name 'combinations' from 'itertools' (unknown location)",
                Some("itertools.combinations"),
            ),
            (
                "cannot import name 'combine' from 'itertools' (unknown location)",
                None,
            ),
            (
                "type object 'str' has no attribute 'lower'",
                Some("str.lower"),
            ),
            (
                "'str' object has no attribute 'format_map'",
                Some("str.format_map"),
            ),
            ("'str' object has no attribute 'append'", None),
            (
                "'datetime.date' object has no attribute 'ctime'",
                Some("datetime.date.ctime"),
            ),
            ("'Thing' object has no attribute 'lower'", None),
            ("name 'callable' is not defined", Some("callable")),
            ("name 'dog' is not defined", None),
            (
                "unsupported operand type(s) for %: 'str' and 'tuple'",
                Some("str % tuple"),
            ),
            (
                "unsupported operand type(s) for +=: 'bool' and 'int'",
                Some("bool + int"),
            ),
            (
                "unsupported operand type(s) for |: 'dict' and 'dict'",
                Some("dict | dict"),
            ),
            ("unsupported operand type(s) for +: 'int' and 'str'", None),
            ("unsupported operand type(s) for &: 'int' and 'float'", None),
            ("division by zero", None),
        ] {
            assert_eq!(missing(message).as_deref(), expected, "{message}");
        }
        assert_eq!(PATTERNS.len(), FORMS.len());
    }
}
