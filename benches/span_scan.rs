//! How fast records are found in raw JSON, beside a parser that throws its values away.
//!
//!     cargo bench --profile release --bench span_scan
//!
//! The text is in memory: an array of 64 MiB of records with the shape of agent trajectories (long texts with escapes,
//! code, few keys), and the same records as lines.

use divan::counter::BytesCount;
use retake::ingest::Layout;
use retake::ingest::container::{Found, JsonLines, JsonSpans, ScanLimits, ScanStart};
use serde::de::IgnoredAny;
use std::sync::LazyLock;

const SIZE: usize = 64 << 20;

fn main() {
    divan::main();
}

/// Records of about 19 KB, a good half of it the system prompt.
fn record(number: usize) -> String {
    let rule = "You write code in a \"Code:\" block that calls the tools you are given.\n";
    let code = format!(
        "Thought: I look at picture {number}.\nCode:\n```py\nanswer = visualizer(question=\"What is \
         written on the sign?\", image_path=\"data/pictures/{number}.jpg\")\nprint(answer)\n```"
    );
    let seen =
        "Observation:\nThe sign says \u{201c}Café – open until 22:00\u{201d}, in white on blue.\n";
    let turn = |from: &str, value: String| serde_json::json!({ "from": from, "value": value });
    let value = serde_json::json!({
        "id": format!("record-{number}"),
        "image": { "<image_00>": format!("data/pictures/{number}.jpg") },
        "correct": "yes",
        "answer": number.to_string(),
        "conversations": [
            turn("system", rule.repeat(160)),
            turn("user", format!("Picture 1: <img>data/pictures/{number}.jpg</img>\nTask: read it.")),
            turn("assistant", code.clone()),
            turn("user", seen.repeat(30)),
            turn("assistant", code),
            turn("user", seen.repeat(20)),
        ],
        "steps": [1, 2, 3],
    });
    match number % 2 {
        0 => serde_json::to_string(&value).unwrap_or_default(),
        _ => serde_json::to_string_pretty(&value).unwrap_or_default(),
    }
}

static ARRAY: LazyLock<String> = LazyLock::new(|| {
    let mut text = "[".to_owned();
    let mut number = 0;
    while text.len() < SIZE {
        if number > 0 {
            text.push_str(",\n");
        }
        text.push_str(&record(number));
        number += 1;
    }
    text + "]"
});

static LINES: LazyLock<String> = LazyLock::new(|| {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < SIZE {
        text.push_str(&record(2 * number));
        text.push('\n');
        number += 1;
    }
    text
});

/// The worst case: hardly any text, nearly every byte is structure.
static DENSE: LazyLock<String> = LazyLock::new(|| {
    let record = r#"{"a":[[1,2],[3,4]],"b":{"c":"d","e":[]},"f":[{"g":"h"},{"i":0}]}"#;
    format!(
        "[{}{record}]",
        format!("{record},").repeat(SIZE / (record.len() + 1))
    )
});

fn bytes_of_records(found: impl Iterator<Item = Found>) -> usize {
    found
        .map(|found| match found {
            Found::Record(record) => record.bytes.len(),
            Found::Problem(_) => 0,
        })
        .sum()
}

#[divan::bench(sample_count = 10)]
fn array_spans(bencher: divan::Bencher<'_, '_>) {
    let text = ARRAY.as_bytes();
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        bytes_of_records(JsonSpans::new(
            text,
            Layout::Elements,
            &ScanLimits::default(),
        ))
    });
}

#[divan::bench(sample_count = 10)]
fn dense_array_spans(bencher: divan::Bencher<'_, '_>) {
    let text = DENSE.as_bytes();
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        bytes_of_records(JsonSpans::new(
            text,
            Layout::Elements,
            &ScanLimits::default(),
        ))
    });
}

#[divan::bench(sample_count = 10)]
fn dense_serde_json_ignored(bencher: divan::Bencher<'_, '_>) {
    let text = DENSE.as_bytes();
    bencher
        .counter(BytesCount::new(text.len()))
        .bench(|| serde_json::from_slice::<IgnoredAny>(text).is_ok());
}

#[divan::bench(sample_count = 10)]
fn lines(bencher: divan::Bencher<'_, '_>) {
    let text = LINES.as_bytes();
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        bytes_of_records(JsonLines::new(
            text,
            ScanStart::default(),
            &ScanLimits::default(),
        ))
    });
}

#[divan::bench(sample_count = 10)]
fn serde_json_ignored(bencher: divan::Bencher<'_, '_>) {
    let text = ARRAY.as_bytes();
    bencher
        .counter(BytesCount::new(text.len()))
        .bench(|| serde_json::from_slice::<IgnoredAny>(text).is_ok());
}
