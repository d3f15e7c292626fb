//! Every format has a fixture folder `tests/fixtures/<name>/`: `input.json` or `input.jsonl` and `expected.json`, the list of
//! what is read from its records; a further input `logs.json` has `logs_expected.json`. Inputs go the way of real files:
//! opened, detected by content among all formats, scanned. With RETAKE_UPDATE_FIXTURES set, what is expected is written
//! instead of compared: look at the difference before you commit it.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use retake::domain::{Action, Content};
use retake::ingest::{FORMATS, Format, Sample, Top, format_named};
use serde_json::{Value, json};

use crate::reading::{ReadFile, read, text};

/// Inputs whose path inside their source is read, too: it names the run.
const PATHS: &[(&str, &str)] = &[
    (
        "evaluation-run/input.json",
        ".cache/gta/small-model/17/agent_memory.json",
    ),
    (
        "evaluation-run/logs.json",
        "qa_cache/validation/api/small-model/0a1b2c3d-0000-4000-8000-00000000000f/agent_memory.json",
    ),
    ("raw-run/input.json", "gaia_traj_0_9.json"),
    (
        "pref-x-beam/input.json",
        "173_abcdefgh/beam_search_data.json",
    ),
];

/// One input of a format.
struct Fixture {
    format: &'static Format,
    path: PathBuf,
    /// Its path inside its source.
    relative: String,
}

impl Fixture {
    fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let mut all = Vec::new();
        for format in FORMATS {
            let entries = fs::read_dir(folder.join(format.name));
            let entries = entries.unwrap_or_else(|e| panic!("{} has no fixture: {e}", format.name));
            for entry in entries {
                let name = entry.unwrap().file_name().into_string().unwrap();
                if name.ends_with("expected.json") {
                    continue;
                }
                let place = format!("{}/{name}", format.name);
                let known = PATHS.iter().find(|(fixture, _)| *fixture == place);
                all.push(Self {
                    format,
                    path: folder.join(place),
                    relative: known.map_or(name, |(_, path)| (*path).to_owned()),
                });
            }
        }
        assert!(all.len() >= FORMATS.len());
        all
    }

    fn expected(&self) -> PathBuf {
        let stem = self.path.file_stem().unwrap().to_str().unwrap();
        self.path.with_file_name(match stem {
            "input" => "expected.json".to_owned(),
            other => format!("{other}_expected.json"),
        })
    }

    /// The file, read by the format that its content has.
    fn read(&self) -> ReadFile {
        let file = ReadFile::new(&self.path, &self.relative);
        assert_eq!(file.format.name, self.format.name, "{:?}", self.path);
        file
    }
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
fn every_fixture_is_read_as_expected() {
    for fixture in Fixture::all() {
        let read: Vec<Value> = fixture.read().contents().map(shown).collect();
        let path = fixture.expected();
        if std::env::var_os("RETAKE_UPDATE_FIXTURES").is_some() {
            let text = serde_json::to_string_pretty(&read).unwrap() + "\n";
            fs::write(&path, text).unwrap();
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let expected: Vec<Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(read.len(), expected.len(), "{:?}", fixture.path);
        for (number, (read, expected)) in read.iter().zip(&expected).enumerate() {
            let pretty = serde_json::to_string_pretty(read).unwrap();
            let path = &fixture.path;
            assert_eq!(read, expected, "{path:?} record {number}, read:\n{pretty}");
        }
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
        for name in names {
            let format = format_named(name).unwrap();
            every_sample(&record, |sample| {
                assert_eq!((format.detect)(sample), None, "{name}: {record}");
            });
        }
    }
}

/// A value as every kind of file could offer it.
fn every_sample(value: &Value, mut look: impl FnMut(&Sample<'_>)) {
    let mut offer = |top, keys: &[String], values: &[Value]| {
        look(&Sample {
            top,
            keys,
            values,
            file_name: "input",
        });
    };
    for top in [Top::Array, Top::Lines, Top::Rows] {
        offer(top, &[], std::slice::from_ref(value));
        if let Some(list) = value.as_array() {
            offer(top, &[], list);
        }
    }
    if let Some(object) = value.as_object() {
        let (keys, values): (Vec<String>, Vec<Value>) = object.clone().into_iter().unzip();
        offer(Top::Object, &keys, &values);
    }
}

/// Any JSON value; keys and words are those that readers look for, so that they get past their first look.
fn any_json() -> impl Strategy<Value = Value> {
    const KEYS: &str = "messages role content tool_calls function name arguments type text conversations from value prompt \
        chosen rejected steps source observation results dialogs prediction reasoning_steps final_answer images image tools \
        id Question task_id Level instruction history rejected_response files gt_answer traj correct answer bytes path";
    let words = [
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
        "漢\u{0}```py\n<img>",
        "[OUTPUT OF STEP 99999999999999999999] Error:",
    ];
    let key = prop_oneof![
        9 => prop::sample::select(KEYS.split_whitespace().collect::<Vec<_>>()),
        1 => Just("<image_99999999999999999999>"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!(-1.5e300)),
        prop::sample::select(words.to_vec()).prop_map(Value::from),
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

/// Offers a text to every reader: an error at worst, and no step whose code is nothing.
fn offer(text: &str, path: &str) {
    for format in FORMATS {
        for key in [None, Some("0")] {
            let Ok(content) = read(format, text, key, path) else {
                continue;
            };
            for step in content.trajectory.iter().flat_map(|t| &t.steps) {
                assert!(!matches!(&step.action, Some(Action::Code(code)) if code.is_empty()));
            }
        }
    }
}

fn offer_everywhere(value: &Value, path: &str) {
    offer(&value.to_string(), path);
    every_sample(value, |sample| {
        for format in FORMATS {
            (format.detect)(sample);
        }
    });
}

proptest! {
    #[test]
    fn no_json_makes_a_reader_panic(value in any_json()) {
        offer_everywhere(&value, "input");
    }

    /// Values of any kind anywhere, text cut.
    #[test]
    fn no_damaged_record_makes_a_reader_panic(
        fixture in any::<prop::sample::Index>(),
        record in any::<prop::sample::Index>(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any_json()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let all = Fixture::all();
        let fixture = fixture.get(&all);
        let file = fixture.read();
        let text = text(record.get(&file.records));
        let characters: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        offer(&text[..*cut.get(&characters)], &fixture.relative);
        let mut value: Value = serde_json::from_str(text).unwrap();
        for (place, replacement) in damages {
            let mut all = Vec::new();
            places(&value, String::new(), &mut all);
            if let Some(target) = value.pointer_mut(&all[place.index(all.len())]) {
                *target = replacement;
            }
        }
        offer_everywhere(&value, &fixture.relative);
    }
}
