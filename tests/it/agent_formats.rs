//! The formats of code agents: own fixtures read as expected, real records read without loss, damaged ones without panic.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use retake::domain::{Action, Attachment, Content, Interner, Trajectory};
use retake::ingest::{FORMATS, Format, Layout, RecordText, Sample, Top};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Format, fixture, what its records are read as, and the path under which they stand in their source.
const FIXTURES: [(&str, &str, &str, &str); 7] = [
    ("m-trace", "input.json", "expected.json", "train.json"),
    ("minicpm", "input.json", "expected.json", "cpm.json"),
    (
        "raw-run",
        "input.json",
        "expected.json",
        "gaia_traj_0_9.json",
    ),
    (
        "pref-x-beam",
        "input.json",
        "expected.json",
        "173_abcdefgh/beam_search_data.json",
    ),
    ("pref-x", "input.json", "expected.json", "dpo.json"),
    (
        "evaluation-run",
        "input.json",
        "expected.json",
        ".cache/gta/small-model/17/agent_memory.json",
    ),
    (
        "evaluation-run",
        "logs.json",
        "logs_expected.json",
        "qa_cache/validation/api/small-model/0a1b2c3d-0000-4000-8000-00000000000f/agent_memory.json",
    ),
];

fn fixture(format: &str, file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(format)
        .join(file)
}

fn read_file(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Detects a JSON file's format as the workspace does, and splits it into records.
fn detect_and_split(json: &str, file_name: &str) -> (&'static Format, Vec<String>) {
    let value: Value = serde_json::from_str(json).unwrap();
    let (top, keys, values) = match &value {
        Value::Array(list) => (Top::Array, Vec::new(), list.clone()),
        Value::Object(map) => (
            Top::Object,
            map.keys().cloned().collect(),
            map.values().cloned().collect(),
        ),
        _ => panic!("neither array nor object"),
    };
    let sample = Sample {
        top,
        keys: &keys,
        values: &values,
        file_name,
    };
    let (format, layout) = FORMATS
        .iter()
        .find_map(|format| Some((format, (format.detect)(&sample)?)))
        .unwrap();
    let records = match layout {
        Layout::Whole => vec![json.to_owned()],
        _ => serde_json::from_str::<Vec<Box<RawValue>>>(json)
            .unwrap()
            .into_iter()
            .map(|raw| raw.get().to_owned())
            .collect(),
    };
    (format, records)
}

fn read(format: &Format, text: &str, path: &str) -> Content {
    let record = RecordText {
        text,
        key: None,
        path,
        interner: &Interner::default(),
    };
    (format.read)(&record).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn content_json(content: &Content) -> Value {
    json!({
        "natural_id": content.natural_id,
        "trajectory": content.trajectory,
        "pairs": content.pairs,
        "problems": content.problems,
    })
}

/// `RETAKE_BLESS=1` writes what is read; look at the difference before you commit it.
#[test]
fn fixtures_are_read_as_expected() {
    for (name, input, expected, path) in FIXTURES {
        let json = read_file(&fixture(name, input));
        let file_name = path.rsplit('/').next().unwrap();
        let (format, records) = detect_and_split(&json, file_name);
        assert_eq!(format.name, name);
        let contents: Vec<Value> = records
            .iter()
            .map(|text| content_json(&read(format, text, path)))
            .collect();
        let expected = fixture(name, expected);
        if std::env::var_os("RETAKE_BLESS").is_some() {
            let text = serde_json::to_string_pretty(&contents).unwrap() + "\n";
            std::fs::write(&expected, text).unwrap();
        }
        let expected: Vec<Value> = serde_json::from_str(&read_file(&expected)).unwrap();
        for (number, (seen, wanted)) in contents.iter().zip(&expected).enumerate() {
            assert_eq!(seen, wanted, "{name}/{input}, record {number}");
        }
        assert_eq!(contents.len(), expected.len(), "{name}/{input}");
    }
}

/// The shared data, where it is there.
#[allow(clippy::print_stderr)]
fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("RETAKE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let path = root.join("data").join(path);
    if !path.exists() {
        eprintln!("skipped: ../shared not there");
        return None;
    }
    Some(path)
}

fn trajectories(contents: &[Content]) -> impl Iterator<Item = &Trajectory> {
    contents
        .iter()
        .filter_map(|content| content.trajectory.as_ref())
}

#[test]
fn real_m_trace_records_are_read_whole() {
    let Some(path) = shared("m-trace/m-trace.json") else {
        return;
    };
    let json = read_file(&path);
    let (format, records) = detect_and_split(&json, "m-trace.json");
    assert_eq!(format.name, "m-trace");
    let contents: Vec<Content> = records
        .iter()
        .map(|text| read(format, text, "m-trace.json"))
        .collect();
    let mut aliases = 0;
    let mut errors = 0;
    for (content, text) in contents.iter().zip(&records) {
        let record: Value = serde_json::from_str(text).unwrap();
        let trajectory = content.trajectory.as_ref().unwrap();
        let turns = |from: &str| -> Vec<&str> {
            let turns = record["conversations"].as_array().unwrap().iter();
            turns
                .filter(|turn| turn["from"] == from)
                .map(|turn| turn["value"].as_str().unwrap())
                .collect()
        };
        assert_eq!(content.problems, Vec::<String>::new(), "{}", record["id"]);
        assert_eq!(content.natural_id.as_deref(), record["id"].as_str());
        assert_eq!(trajectory.answer.as_deref(), record["answer"].as_str());
        assert_eq!(
            trajectory.system_prompt.as_deref(),
            turns("system").first().copied()
        );
        assert_eq!(
            trajectory.task.prompt.as_deref(),
            turns("user").first().copied()
        );
        let replies: Vec<&str> = trajectory
            .steps
            .iter()
            .filter_map(|step| step.reply.as_deref())
            .collect();
        assert_eq!(replies, turns("assistant"));
        let last = trajectory.steps.last().unwrap();
        assert!(
            last.code()
                .is_some_and(|code| code.contains("final_answer("))
        );
        assert_eq!(last.observation, None);
        for (step, turn) in trajectory.steps.iter().zip(turns("user").iter().skip(1)) {
            let observation = step.observation.as_ref().unwrap();
            assert!(turn.contains(&observation.text) && !observation.text.starts_with("[OUTPUT"));
            assert_eq!(observation.is_error, turn.contains("] Error:"), "{turn}");
            errors += usize::from(observation.is_error);
            // What the reference could not parse is what has no code here.
            let unparsed = turn.contains("Error in code parsing");
            assert_eq!(step.action.is_none(), unparsed, "{:?}", step.reply);
        }
        for step in &trajectory.steps {
            let marks = ["Thought:", "**Thought", "Task:", "<end_action>"];
            let thought = step.thought.as_deref().unwrap_or_default();
            assert!(
                !marks.iter().any(|mark| thought.starts_with(mark)),
                "{thought}"
            );
            assert!(!step.code().unwrap_or_default().contains("```"));
        }
        let text = &trajectory.task.text;
        assert!(
            !text.is_empty()
                && !["Task:", "<img>", "Attachment:", "<image"]
                    .iter()
                    .any(|mark| text.contains(mark)),
            "{text}"
        );
        let pictures = match &record["image"] {
            Value::String(_) => 1,
            Value::Object(pictures) => pictures.len(),
            _ => 0,
        };
        let shown: Vec<&Attachment> = trajectory
            .task
            .attachments
            .iter()
            .filter(|a| a.shown)
            .collect();
        assert_eq!(shown.len(), pictures);
        // Each picture is also named under the tools' root, and that is no second attachment.
        assert!(shown.iter().all(|a| a.alias.is_some()));
        aliases += shown.len();
        let verification = trajectory.verification.as_ref().unwrap();
        assert_eq!(verification.verdict.name(), "correct");
        assert!(
            verification
                .reason
                .as_ref()
                .is_some_and(|reason| !reason.contains("```") && !reason.contains("\"correct\""))
        );
    }
    let steps: usize = trajectories(&contents).map(|t| t.steps.len()).sum();
    assert_eq!(
        (
            contents.len(),
            json.matches("\"from\": \"assistant\"").count()
        ),
        (63, steps)
    );
    assert_eq!(json.matches("] Error: ").count(), errors);
    assert!(errors > 0 && aliases > 0);
}

#[test]
fn json_lines_hold_the_same_records() {
    let (Some(array), Some(lines)) = (
        shared("m-trace/m-trace.json"),
        shared("m-trace/m-trace.jsonl"),
    ) else {
        return;
    };
    let (format, records) = detect_and_split(&read_file(&array), "m-trace.json");
    let lines = read_file(&lines);
    assert_eq!(lines.lines().count(), records.len());
    for (line, text) in lines.lines().zip(&records) {
        assert_eq!(read(format, line, ""), read(format, text, ""));
    }
}

#[test]
fn real_pref_x_pairs_are_read_whole() {
    let Some(path) = shared("pref-x/pref-x-llamafactory.json") else {
        return;
    };
    let json = read_file(&path);
    let (format, records) = detect_and_split(&json, "pref-x-llamafactory.json");
    assert_eq!((format.name, records.len()), ("pref-x", 432));
    for text in &records {
        let record: Value = serde_json::from_str(text).unwrap();
        let content = read(format, text, "pref-x-llamafactory.json");
        assert_eq!(content.problems, Vec::<String>::new());
        let [pair] = &content.pairs[..] else {
            panic!("{} pairs", content.pairs.len());
        };
        assert_eq!(
            pair.chosen.reply.as_deref(),
            record["chosen"]["value"].as_str()
        );
        assert_eq!(
            pair.rejected.reply.as_deref(),
            record["rejected"]["value"].as_str()
        );
        assert_eq!(
            record["conversations"].as_array().unwrap().len(),
            2 * pair.context.steps.len() + 1
        );
        assert!(
            pair.context
                .steps
                .iter()
                .all(|step| step.observation.is_some())
        );
        let shown = pair
            .context
            .task
            .attachments
            .iter()
            .filter(|a| a.shown)
            .count();
        assert_eq!(shown, record["images"].as_array().unwrap().len());
        assert!(
            !pair.context.task.text.contains("Task:") && !pair.context.task.text.contains("<im")
        );
    }
}

#[test]
fn real_pref_x_explorations_are_read_whole() {
    let Some(folder) = shared("pref-x/beam") else {
        return;
    };
    let mut pairs = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap();
        let json = read_file(&folder.join("beam_search_data.json"));
        let (format, records) = detect_and_split(&json, "beam_search_data.json");
        assert_eq!(format.name, "pref-x-beam");
        let content = read(
            format,
            &records[0],
            &format!("{name}/beam_search_data.json"),
        );
        assert_eq!(content.natural_id.as_deref(), Some(name));
        assert_eq!(content.problems, Vec::<String>::new());
        let elements: Vec<Value> = serde_json::from_str(&json).unwrap();
        let trajectory = content.trajectory.unwrap();
        assert_eq!(trajectory.steps.len(), elements.len() - 1);
        for (step, element) in trajectory.steps.iter().zip(&elements[1..]) {
            assert_eq!(
                step.candidates.len() as u64,
                element["beam_size"].as_u64().unwrap()
            );
            assert_eq!(
                step.chosen.map(|index| index.to_string()).as_deref(),
                element["best_step_idx"].as_str()
            );
            let best = &step.candidates[step.chosen.unwrap()];
            assert_eq!((&best.thought, &best.action), (&step.thought, &step.action));
        }
        for pair in &content.pairs {
            assert!(
                pair.chosen.thought != pair.rejected.thought
                    || pair.chosen.action != pair.rejected.action
            );
            let step = &trajectory.steps[pair.step_number() - 1];
            assert_eq!(pair.chosen.action, step.action);
            assert!(
                pair.context
                    .steps
                    .iter()
                    .all(|step| step.candidates.is_empty())
            );
        }
        pairs += content.pairs.len();
    }
    // Four wrong candidates for each of 108 steps were built in; not all of them differ from the chosen one.
    assert!((300..=432).contains(&pairs), "{pairs}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// Values of any kind anywhere, keys gone, text cut: an error at worst.
    #[test]
    fn damaged_records_are_read_or_refused(
        fixture_number in 0..FIXTURES.len(), record_number: prop::sample::Index, place: prop::sample::Index,
        damage in 0..8usize, cut: prop::sample::Index,
    ) {
        let (name, input, _, path) = FIXTURES[fixture_number];
        let (format, records) = detect_and_split(&read_file(&fixture(name, input)), "agent_memory.json");
        let text = record_number.get(&records);
        let mut value: Value = serde_json::from_str(text).unwrap();
        let places = count(&value);
        replace(&mut value, &mut place.index(places), damage);
        let interner = Interner::default();
        let mut at = cut.index(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        for text in [value.to_string().as_str(), &text[..at]] {
            let record = RecordText { text, key: None, path, interner: &interner };
            for format in FORMATS {
                let _ = (format.read)(&record);
            }
            if let Ok(content) = (format.read)(&record) {
                let steps = content.trajectory.iter().flat_map(|t| &t.steps);
                for step in steps {
                    prop_assert!(!matches!(&step.action, Some(Action::Code(code)) if code.is_empty()));
                }
            }
        }
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(count).sum::<usize>(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// Damages the value at a place in the order of [`count`].
fn replace(value: &mut Value, place: &mut usize, damage: usize) {
    if *place == 0 {
        *value = match damage {
            0 => Value::Null,
            1 => json!({}),
            2 => json!([]),
            3 => json!(-1.5e300),
            4 => json!("漢\u{0}```py\n<img>"),
            5 => json!([[{"role": null}]]),
            6 => json!({"<image_99999999999999999999>": {"bytes": 1, "path": []}}),
            _ => json!(true),
        };
        *place = usize::MAX;
        return;
    }
    *place -= 1;
    match value {
        Value::Array(list) => list.iter_mut().for_each(|v| visit(v, place, damage)),
        Value::Object(map) => map.values_mut().for_each(|v| visit(v, place, damage)),
        _ => {}
    }
}

fn visit(value: &mut Value, place: &mut usize, damage: usize) {
    if *place != usize::MAX {
        replace(value, place, damage);
    }
}
