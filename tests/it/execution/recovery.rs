//! Results are read back out of what steps printed. On recordings whose results are known, none that is read is wrong.

use std::collections::HashMap;

use proptest::prelude::*;
use retake::domain::Observation;
use retake::sandbox::{Answer, Call, Outcome, Pool, PythonValue, ToolHost};
use retake::tools::{Reading, RecordedResult, RecordedStep, recover};

use super::pool;

const TOOLS: [&str; 4] = [
    "visualizer",
    "ask_search_agent",
    "objectlocation",
    "own_tool",
];

/// Answers with results that the test knows, by name and first argument.
struct Truth<'a>(&'a HashMap<(String, String), PythonValue>);

impl ToolHost for Truth<'_> {
    fn tools(&self) -> Vec<String> {
        TOOLS
            .iter()
            .map(|name| (*name).to_owned())
            .chain(["final_answer".to_owned()])
            .collect()
    }

    fn call(&mut self, call: &Call) -> Answer {
        let first = call
            .arguments
            .first()
            .map_or_else(String::new, PythonValue::repr);
        match self.0.get(&(call.name.clone(), first)) {
            Some(value) => Answer::Value(value.clone()),
            None => Answer::Value(call.arguments.first().cloned().unwrap_or(PythonValue::None)),
        }
    }
}

/// Records a run of these steps with known results, and reads them back.
fn record_and_read(
    pool: &Pool,
    steps: &[&str],
    truth: &HashMap<(String, String), PythonValue>,
) -> Reading {
    let mut session = pool.session().unwrap();
    let mut observations = Vec::new();
    for code in steps {
        let run = session.run(code, &mut Truth(truth)).unwrap();
        observations.push(match run.outcome {
            Outcome::Completed(_) => Some(Observation {
                text: run.output.trim_end().to_owned(),
                ..Observation::default()
            }),
            // Nothing of a failed step is recorded but its error.
            other => Some(Observation {
                text: format!(
                    "Code execution failed due to the following error:\nEXECUTION FAILED:\n{other}"
                ),
                is_error: true,
                ..Observation::default()
            }),
        });
    }
    let recorded: Vec<RecordedStep<'_>> = steps
        .iter()
        .zip(&observations)
        .map(|(code, observation)| RecordedStep {
            code: Some(code),
            observation: observation.as_ref(),
        })
        .collect();
    let tools: Vec<String> = TOOLS.iter().map(|name| (*name).to_owned()).collect();
    recover(pool, &recorded, &tools, None).unwrap()
}

fn text(text: &str) -> PythonValue {
    PythonValue::Str(text.to_owned())
}

/// Every call's result: what was read, or nothing where it was given up.
fn results(reading: &Reading) -> Vec<Option<PythonValue>> {
    let calls = reading.recording.calls.iter();
    calls
        .map(|call| match &call.result {
            RecordedResult::Value(value) => Some(value.clone()),
            _ => None,
        })
        .collect()
}

fn known(entries: &[(&str, &str, PythonValue)]) -> HashMap<(String, String), PythonValue> {
    entries
        .iter()
        .map(|(tool, question, value)| (((*tool).to_owned(), text(question).repr()), value.clone()))
        .collect()
}

#[test]
fn results_are_read_out_of_prints() {
    let boxes = PythonValue::List(vec![PythonValue::List(vec![
        PythonValue::Float(180.0),
        PythonValue::Int(180),
    ])]);
    let truth = known(&[
        ("visualizer", "a", text("It's a cat.\nOr: a dog, 'maybe'.")),
        ("ask_search_agent", "b", text("180")),
        ("objectlocation", "c", boxes.clone()),
    ]);
    let reading = record_and_read(
        &pool(),
        &[
            "a = visualizer('a', 'x.jpg')\nb = ask_search_agent('b')\nprint('Seen:', a)\nprint('Found:', b)",
            "c = objectlocation('c', 'x.jpg')\nprint([a, b], {'boxes': c})",
            "for box in c:\n    print(box[0] + 1)",
        ],
        &truth,
    );
    let expected = [text("It's a cat.\nOr: a dog, 'maybe'."), text("180"), boxes];
    assert_eq!(results(&reading), expected.map(Some));
    assert_eq!(reading.independent, [false, false, false]);
}

#[test]
fn a_result_that_shows_only_later_or_in_pieces_of_text_is_read() {
    let truth = known(&[
        ("visualizer", "a", text("red")),
        ("visualizer", "b", text("it's \"blue\"")),
    ]);
    let reading = record_and_read(
        &pool(),
        &[
            "seen = []\nfor q in ['a', 'b']:\n    seen.append(visualizer(q))",
            "print('independent')",
            "print([f'{i}: {s}!' for i, s in enumerate(seen)])",
        ],
        &truth,
    );
    assert_eq!(
        results(&reading),
        [Some(text("red")), Some(text("it's \"blue\""))]
    );
    assert_eq!(reading.independent, [false, true, false]);
}

#[test]
fn what_cannot_be_told_is_given_up() {
    let long = "x".repeat(300);
    let truth = known(&[
        ("visualizer", "a", text("  spaces around  ")),
        ("visualizer", "b", text(&long)),
        ("own_tool", "c", PythonValue::Int(42)),
        ("own_tool", "d", text("42")),
    ]);
    let pool = pool();
    for code in [
        // Stripped, cut, counted, changed, joined to another, or of two possible types.
        "print(visualizer('a').strip())",
        "print(visualizer('b')[:100])",
        "print(len(visualizer('b')))",
        "print(visualizer('a').upper())",
        "print(visualizer('a') + visualizer('b'))",
        "print(visualizer('a').split()[0])",
        "print(own_tool('c'))",
        "print(own_tool('d'))",
        "visualizer('a')",
    ] {
        let reading = record_and_read(&pool, &[code], &truth);
        assert!(
            results(&reading).iter().all(Option::is_none),
            "{code}: {reading:?}"
        );
        let lost = |result: &RecordedResult| matches!(result, RecordedResult::Lost(why) if !why.is_empty());
        assert!(
            reading
                .recording
                .calls
                .iter()
                .all(|call| lost(&call.result)),
            "{code}"
        );
    }
    // A type that `repr` shows is known.
    let reading = record_and_read(&pool, &["print([own_tool('c'), own_tool('d')])"], &truth);
    assert_eq!(
        results(&reading),
        [Some(PythonValue::Int(42)), Some(text("42"))]
    );
}

#[test]
fn the_first_call_of_a_failed_step_gets_the_error() {
    let failed = Observation {
        text: "Code execution failed due to the following error:\nError code: 429\nNow let's retry: take care".to_owned(),
        is_error: true,
        ..Observation::default()
    };
    let own = Observation {
        text: "Code execution failed due to the following error:\ndivision by zero\nNow let's retry: x".to_owned(),
        is_error: true,
        ..Observation::default()
    };
    let steps = [
        RecordedStep {
            code: Some("visualizer('a')\nvisualizer('b')"),
            observation: Some(&failed),
        },
        RecordedStep {
            code: Some("x = visualizer('c')\n1 / 0"),
            observation: Some(&own),
        },
    ];
    let tools = ["visualizer".to_owned()];
    let reading = recover(&pool(), &steps, &tools, None).unwrap();
    let found: Vec<_> = reading
        .recording
        .calls
        .iter()
        .map(|c| (c.step, &c.result))
        .collect();
    assert_eq!(found.len(), 2);
    assert_eq!(
        found[0],
        (0, &RecordedResult::Error("Error code: 429".to_owned()))
    );
    // The code fails so by itself: the tool is not to blame.
    assert!(
        matches!(found[1], (1, RecordedResult::Lost(_))),
        "{found:?}"
    );
}

#[test]
fn code_that_does_not_end_ends_the_reading() {
    let observation = Observation {
        text: "a".to_owned(),
        ..Observation::default()
    };
    let steps = [RecordedStep {
        code: Some("x = visualizer('a')\nprint(x)\nwhile True: pass"),
        observation: Some(&observation),
    }];
    let reading = recover(&pool(), &steps, &["visualizer".to_owned()], None).unwrap();
    assert_eq!(reading.recording.calls.len(), 1);
}

/// Python that prints a result in one of many ways; `{}` is a call.
const WAYS: [&str; 14] = [
    "print({})",
    "print('Result:', {})",
    "print(f'<{{}}>')",
    "r = {}\nprint(r)\nprint(r)",
    "r = {}\nprint([r])",
    "r = {}\nprint({'k': r, 'n': 1})",
    "r = {}\nprint(f'a {r} b')\nprint(len(r))",
    "r = {}\nprint(str(r)[:20])",
    "print(str({}).strip())",
    "print('x' if 'a' in str({}) else 'y')",
    "r = {}\nprint((r, 'a', r))",
    "print({}, {})",
    "kept.append({})\nprint(len(kept))",
    "print(kept, {})",
];

fn any_text() -> impl Strategy<Value = PythonValue> {
    prop_oneof![
        "[a-c ',:\\[\\]\n\"]{0,12}",
        "[0-9]{1,3}(\\.[0-9])?",
        "\\[[0-9](, [0-9]){0,2}\\]",
        "\\PC{0,8}",
    ]
    .prop_map(PythonValue::Str)
}

fn any_boxes() -> impl Strategy<Value = PythonValue> {
    let number = prop_oneof![
        any::<i8>().prop_map(|n| PythonValue::Int(n.into())),
        (-1000..1000_i32).prop_map(|n| PythonValue::Float(f64::from(n) / 4.0)),
    ];
    prop::collection::vec(
        prop::collection::vec(number, 0..3).prop_map(PythonValue::List),
        0..3,
    )
    .prop_map(PythonValue::List)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Recordings of made-up runs: whatever is read is what the tool returned; white space at the end of an observation
    /// aside, which recordings drop.
    #[test]
    fn no_result_that_is_read_is_wrong(
        steps in prop::collection::vec((0..WAYS.len(), 0..3_usize), 1..4),
        texts in prop::collection::vec(any_text(), 8),
        boxes in prop::collection::vec(any_boxes(), 8),
    ) {
        let mut truth = HashMap::new();
        let mut codes = vec!["kept = []".to_owned()];
        let mut number = 0;
        for (way, tool) in steps {
            let mut code = String::new();
            let mut parts = WAYS[way].replace("{{}}", "{#}").split("{}").map(str::to_owned).collect::<Vec<_>>();
            let last = parts.pop().unwrap();
            for part in parts {
                let (name, value) = match tool {
                    0 => ("visualizer", texts[number % 8].clone()),
                    1 => ("objectlocation", boxes[number % 8].clone()),
                    _ => ("own_tool", if number % 2 == 0 { texts[number % 8].clone() } else { boxes[number % 8].clone() }),
                };
                let question = format!("q{number}");
                truth.insert((name.to_owned(), text(&question).repr()), value);
                code.push_str(&format!("{part}{name}('{question}')"));
                number += 1;
            }
            code.push_str(&last);
            codes.push(code.replace("{#}", "{visualizer('inner')}"));
        }
        let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
        let reading = record_and_read(&shared(), &codes, &truth);
        for call in &reading.recording.calls {
            let RecordedResult::Value(read) = &call.result else { continue };
            let first = call.arguments.first().unwrap().repr();
            let real = truth.get(&(call.name.clone(), first)).cloned().unwrap_or_else(|| text("inner"));
            let ends = |value: &PythonValue| match value {
                PythonValue::Str(text) => PythonValue::Str(text.trim_end().to_owned()),
                other => other.clone(),
            };
            prop_assert_eq!(ends(read), ends(&real), "{:?} in {:?}", call, codes);
        }
    }
}

/// One pool for all cases.
fn shared() -> Pool {
    static POOL: std::sync::OnceLock<Pool> = std::sync::OnceLock::new();
    POOL.get_or_init(pool).clone()
}
