//! What expressions print, beside what CPython prints: `tests/reference/make_python_expressions.py` made the reference.

use retake::sandbox::Outcome;

use super::{Echo, pool};

/// Where the interpreter is known to print something else, or does not have it; a replay says `differs` or `unsupported` there.
const KNOWN: &[&str] = &[];

#[test]
#[ignore = "what is known to differ is not listed yet"]
fn expressions_print_what_cpython_prints() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/reference/python_expressions.json"
    );
    let rows: Vec<(String, String, String)> =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(rows.len() > 450, "{}", rows.len());
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
        let is_known = KNOWN.iter().any(|known| expression.contains(known));
        if (printed != *expected) != is_known {
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
