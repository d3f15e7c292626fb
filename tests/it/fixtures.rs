//! Every format has a fixture folder `tests/fixtures/<name>/`: `input.json` or `input.jsonl`, and `expected.json`, the list
//! of what is read from its records. With RETAKE_UPDATE_FIXTURES set, `expected.json` is written instead of compared.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use retake::domain::{Content, Interner};
use retake::ingest::{FORMATS, Format, Layout, RecordText, Sample, Top, format_named};
use serde_json::{Value, json};

/// One file's records, as a format takes them.
struct Records {
    format: &'static Format,
    records: Vec<(Option<String>, Value)>,
}

fn folder(format: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(format)
}

/// The first format that takes a file of these values, and its layout.
fn detect(top: Top, keys: &[String], values: &[Value]) -> Option<(&'static Format, Layout)> {
    let sample = Sample {
        top,
        keys,
        values,
        file_name: "input",
    };
    FORMATS
        .iter()
        .find_map(|format| Some((format, (format.detect)(&sample)?)))
}

fn records_of(values: Vec<Value>, is_lines: bool) -> Option<Records> {
    let whole = match values.as_slice() {
        [Value::Array(list)] => return list_records(Top::Array, list.clone()),
        [Value::Object(object)] => object.clone(),
        _ => return list_records(Top::Lines, values),
    };
    let (keys, members): (Vec<String>, Vec<Value>) = whole.clone().into_iter().unzip();
    let Some((format, layout)) = detect(Top::Object, &keys, &members) else {
        return is_lines.then(|| list_records(Top::Lines, values)).flatten();
    };
    let records = match layout {
        Layout::Whole => vec![(None, Value::Object(whole))],
        Layout::Members => keys.into_iter().map(Some).zip(members).collect(),
        Layout::Elements => panic!("{}: an object has no elements", format.name),
    };
    Some(Records { format, records })
}

fn list_records(top: Top, values: Vec<Value>) -> Option<Records> {
    let (format, layout) = detect(top, &[], &values)?;
    let records = match layout {
        Layout::Elements => values.into_iter().map(|value| (None, value)).collect(),
        Layout::Whole => vec![(None, Value::Array(values))],
        Layout::Members => panic!("{}: a list has no members", format.name),
    };
    Some(Records { format, records })
}

fn input(format: &str) -> Records {
    let folder = folder(format);
    let lines = folder.join("input.jsonl");
    let (values, is_lines) = if lines.exists() {
        let text = std::fs::read_to_string(&lines).expect("input.jsonl");
        let parse = |line| serde_json::from_str(line).expect("a line of JSON");
        (text.lines().map(parse).collect(), true)
    } else {
        let text = std::fs::read_to_string(folder.join("input.json"))
            .unwrap_or_else(|error| panic!("{format} has no fixture: {error}"));
        (vec![serde_json::from_str(&text).expect("JSON")], false)
    };
    records_of(values, is_lines).unwrap_or_else(|| panic!("{format}: no format takes the fixture"))
}

fn read(format: &Format, key: Option<&str>, record: &Value) -> Result<Content, String> {
    let record = RecordText {
        text: &record.to_string(),
        key,
        path: "input",
        interner: &Interner::default(),
    };
    (format.read)(&record).map_err(|error| error.to_string())
}

fn shown(content: Result<Content, String>) -> Value {
    match content {
        Ok(content) => json!({
            "natural_id": content.natural_id,
            "trajectory": content.trajectory,
            "pairs": content.pairs,
            "problems": content.problems,
        }),
        Err(error) => json!({ "error": error }),
    }
}

#[test]
fn every_format_reads_its_fixture_as_expected() {
    for format in FORMATS {
        let input = input(format.name);
        assert_eq!(
            input.format.name, format.name,
            "the fixture is taken for another format"
        );
        let read: Vec<Value> = input
            .records
            .iter()
            .map(|(key, record)| shown(read(format, key.as_deref(), record)))
            .collect();
        let expected = folder(format.name).join("expected.json");
        if std::env::var_os("RETAKE_UPDATE_FIXTURES").is_some() {
            let text = serde_json::to_string_pretty(&read).expect("JSON") + "\n";
            std::fs::write(&expected, text).expect("write");
            continue;
        }
        let text = std::fs::read_to_string(&expected)
            .unwrap_or_else(|error| panic!("{}: {error}", expected.display()));
        let expected: Vec<Value> = serde_json::from_str(&text).expect("a list of records");
        assert_eq!(read.len(), expected.len(), "{}", format.name);
        for (n, (read, expected)) in read.iter().zip(&expected).enumerate() {
            assert_eq!(
                read,
                expected,
                "{} record {n}, read:\n{}",
                format.name,
                serde_json::to_string_pretty(read).expect("JSON")
            );
        }
    }
}

#[test]
fn names_are_unique_and_found() {
    for format in FORMATS {
        let named = format_named(format.name).expect("named");
        assert!(
            std::ptr::eq(named, format),
            "{} is there twice",
            format.name
        );
    }
}

/// Records of code agents have fields in common with chat rows and benchmarks; those readers must leave them alone.
#[test]
fn chat_and_benchmark_formats_leave_code_agents_alone() {
    let turns = json!([{"from": "system", "value": "S"}, {"from": "user", "value": "Task: t"}, {"from": "assistant", "value": "Thought: x"}]);
    let roles = json!([{"role": "user", "content": "Task: t"}, {"role": "assistant", "content": "Thought: x"}]);
    let human = json!([{"from": "human", "value": "Task: t"}]);
    let records = [
        json!({"id": "a", "image": {}, "correct": "yes", "answer": "3", "conversations": turns, "traj_verification": "x"}),
        json!({"id": "b", "image": {}, "system-prompt": "S", "answer": "3", "conversations": roles, "correct": "yes"}),
        json!({"query": "t", "tools": ["visualizer"], "files": [], "traj": roles, "answer": "3"}),
        json!({"conversations": roles, "final_answer": "3", "ground_truth": "3"}),
        json!({"images": [], "conversations": human, "chosen": {"from": "gpt", "value": "x"}, "rejected": {"from": "gpt", "value": "y"}, "system": "S"}),
        json!([{"step number": 0, "task": "t", "image_paths": []}, {"step number": 1, "beam_size": 1, "llm_output_0": "x"}]),
        json!({"tool_name": "code interpreter", "tool_arguments": "x"}),
        json!({"0": {"Score": "1", "Justification": "x"}}),
    ];
    let names = [
        "gta",
        "gta-predictions",
        "gaia",
        "gaia-predictions",
        "agent-x",
        "agent-x-predictions",
        "atif",
        "ms-swift",
        "trl-preference",
        "llamafactory-preference",
        "llamafactory-sft",
        "openai-messages",
    ];
    for record in records {
        let (keys, members): (Vec<String>, Vec<Value>) = record
            .as_object()
            .cloned()
            .unwrap_or_default()
            .into_iter()
            .unzip();
        for name in names {
            let detect = format_named(name).expect("format").detect;
            let sample = |top, keys, values| Sample {
                top,
                keys,
                values,
                file_name: "input",
            };
            let list = record
                .as_array()
                .map_or(std::slice::from_ref(&record), Vec::as_slice);
            for top in [Top::Array, Top::Lines, Top::Rows] {
                assert_eq!(detect(&sample(top, &[], list)), None, "{name}: {record}");
            }
            assert_eq!(
                detect(&sample(Top::Object, &keys, &members)),
                None,
                "{name}: {record}"
            );
        }
    }
}

/// Any JSON value; keys are those that readers look for, so that they get past their first look.
fn any_json() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "messages",
        "role",
        "content",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "type",
        "text",
        "conversations",
        "from",
        "value",
        "prompt",
        "chosen",
        "rejected",
        "steps",
        "source",
        "observation",
        "results",
        "dialogs",
        "prediction",
        "reasoning_steps",
        "final_answer",
        "images",
        "tools",
        "id",
        "Question",
        "task_id",
        "Level",
        "instruction",
        "history",
        "rejected_response",
        "files",
        "gt_answer",
    ]);
    let word = prop::sample::select(vec![
        "user",
        "assistant",
        "tool",
        "system",
        "tool_call",
        "<image>",
        "<think>a</think>ü",
        "{\"name\":1}",
        "[[",
        "image",
        "",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        let members = prop::collection::vec((key.clone(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Value::from),
            members.prop_map(|m| m.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

/// Every place in a value.
fn places(value: &Value, at: String, all: &mut Vec<String>) {
    match value {
        Value::Array(list) => {
            for (n, element) in list.iter().enumerate() {
                places(element, format!("{at}/{n}"), all);
            }
        }
        Value::Object(object) => {
            for (key, member) in object {
                let key = key.replace('~', "~0").replace('/', "~1");
                places(member, format!("{at}/{key}"), all);
            }
        }
        _ => {}
    }
    all.push(at);
}

/// Offers a value to every format, in every way in which a file could.
fn offer(value: &Value) {
    for format in FORMATS {
        for key in [None, Some("0")] {
            let _ = read(format, key, value);
        }
    }
    for top in [Top::Array, Top::Lines, Top::Rows] {
        detect(top, &[], value.as_array().map_or(&[], Vec::as_slice));
        detect(top, &[], std::slice::from_ref(value));
    }
    if let Some(object) = value.as_object() {
        let (keys, values): (Vec<String>, Vec<Value>) = object.clone().into_iter().unzip();
        detect(Top::Object, &keys, &values);
    }
}

proptest! {
    #[test]
    fn no_json_makes_a_reader_panic(value in any_json()) {
        offer(&value);
    }

    #[test]
    fn no_damaged_record_makes_a_reader_panic(
        format in 0..FORMATS.len(),
        record in any::<prop::sample::Index>(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any_json()), 1..4),
    ) {
        let records = input(FORMATS[format].name).records;
        let mut value = records[record.index(records.len())].1.clone();
        for (place, replacement) in damages {
            let mut all = Vec::new();
            places(&value, String::new(), &mut all);
            if let Some(target) = value.pointer_mut(&all[place.index(all.len())]) {
                *target = replacement;
            }
        }
        offer(&value);
    }
}
