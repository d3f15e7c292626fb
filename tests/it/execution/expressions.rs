//! What expressions print, beside what CPython prints: `tests/reference/make_python_expressions.py` made the reference.

use retake::sandbox::Outcome;

use super::{Echo, pool};

/// What the interpreter is known to lack: a part of an expression, and what a replay calls `unsupported` there. Nothing is printed
/// otherwise than CPython prints it.
const LACKING: [(&str, &str); 5] = [
    ("True + True", "bool + bool"),
    ("key=str.lower", "str.lower"),
    ("{'a': 1} | {'b': 2}", "dict | dict"),
    ("math.hypot", "math.hypot"),
    ("combinations(", "itertools.combinations"),
];

#[test]
fn expressions_print_what_cpython_prints() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/reference/python_expressions.json"
    );
    let rows: Vec<(String, String, String)> =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(rows.len() > 650, "{}", rows.len());
    let mut session = pool().session().unwrap();
    let mut others = Vec::new();
    for (setup, expression, expected) in &rows {
        let run = session
            .run(&format!("{setup}\nprint({expression})"), &mut Echo)
            .unwrap();
        let printed = match &run.outcome {
            Outcome::Completed(_) => run
                .output
                .strip_suffix('\n')
                .unwrap_or(&run.output)
                .to_owned(),
            ended => ended.to_string(),
        };
        let lacking = LACKING.iter().find(|(part, _)| expression.contains(part));
        let is_right = match (lacking, &run.outcome) {
            (None, _) => printed == *expected,
            (Some((_, what)), Outcome::Unsupported(found)) => found == what,
            (Some(_), _) => false,
        };
        if !is_right {
            others.push(format!(
                "{expression}\n   CPython: {expected}\n   here:    {printed}"
            ));
        }
    }
    assert!(
        others.is_empty(),
        "{} of {}:\n{}",
        others.len(),
        rows.len(),
        others.join("\n")
    );
}
