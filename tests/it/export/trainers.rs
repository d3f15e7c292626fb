//! Rows for trainers: what they say is what the records say, and files have one form.

use std::convert::Infallible;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use retake::domain::review::ReviewState;
use retake::domain::{Action, Content, Record, Step, Verdict};
use retake::export::{
    ExportOptions, ExportSummary, Holds, Outgoing, Split, TARGETS, Target, Withheld, check, export,
    target_named, write_to,
};
use retake::ingest::format_named;
use retake::jobs::Progress;
use serde_json::{Value, json};

use super::records::{all_fixtures, fixture_records, outgoing, read, rows, value};
use crate::user::TemporaryFolder;

/// Targets for trainers.
fn trainers() -> impl Iterator<Item = &'static Target> {
    TARGETS.iter().filter(|target| target.columns.is_some())
}

/// Records for whose labels somebody decided.
fn accepted(records: &[Record]) -> impl Iterator<Item = Result<Outgoing, Infallible>> {
    outgoing(records).map(|record| {
        let mut record = record?;
        record.state = ReviewState::Accepted;
        Ok(record)
    })
}

/// Calls with their arguments, and what they led to.
type Essence = (Vec<(String, Value)>, Option<String>);

/// What a step does and leads to, as far as every chat format can say it.
fn essence(step: &Step, is_last: bool) -> Essence {
    let calls = step.tool_calls().iter();
    let calls = calls.map(|call| {
        let arguments = match &call.arguments {
            Value::Null => json!({}),
            Value::Object(_) => call.arguments.clone(),
            other => json!({"arguments": other}),
        };
        (call.name.clone(), arguments)
    });
    let observation = step.observation.as_ref().filter(|_| !is_last);
    (
        calls.collect(),
        observation.map(|observation| observation.text.clone()),
    )
}

fn essences(steps: &[Step]) -> Vec<Essence> {
    let last = steps.len().saturating_sub(1);
    steps
        .iter()
        .enumerate()
        .map(|(n, step)| essence(step, n == last))
        .collect()
}

/// Whether an item calls tools and runs no code: such items come back as they were.
fn calls_tools(steps: &[Step]) -> bool {
    let has =
        |wanted: fn(&Action) -> bool| steps.iter().filter_map(|s| s.action.as_ref()).any(wanted);
    has(|action| matches!(action, Action::ToolCalls(_)))
        && !has(|action| matches!(action, Action::Code(_)))
}

/// What our own reader makes of a row.
fn read_row(format: &str, row: &Value) -> Content {
    read(
        format_named(format).unwrap(),
        &row.to_string(),
        None,
        "rows.jsonl",
    )
    .unwrap()
}

#[test]
fn runs_of_tools_come_back_from_every_trainer_with_calls() {
    let mut compared = 0;
    for record in all_fixtures() {
        let Some(trajectory) = &record.content.trajectory else {
            continue;
        };
        if !calls_tools(&trajectory.steps) {
            continue;
        }
        for (target, format) in [
            ("llamafactory-sft", "llamafactory-sft"),
            ("trl-sft", "openai-messages"),
            ("ms-swift-sft", "openai-messages"),
            ("openai-messages", "openai-messages"),
        ] {
            let (rows, _) = rows(target, std::slice::from_ref(&record));
            let read = read_row(format, &rows[0]).trajectory.unwrap();
            let wanted = essences(&trajectory.steps);
            let mut seen = essences(&read.steps);
            // A picture that a tool made stands in a turn of its own, without words.
            for (_, text) in &mut seen {
                if let Some(text) = text {
                    *text = text.replace("<image>", "").trim_end().to_owned();
                }
            }
            let wanted: Vec<_> = wanted
                .into_iter()
                .map(|(calls, text)| (calls, text.map(|text| text.trim_end().to_owned())))
                .collect();
            assert_eq!(seen, wanted, "{target} {}", record.id);
            assert!(
                read.task.text.contains(trajectory.task.text.trim()),
                "{target} {}",
                record.id
            );
            compared += 1;
        }
    }
    assert!(compared >= 12, "{compared}");
}

#[test]
fn pairs_come_back_from_every_trainer() {
    let mut compared = 0;
    let records = all_fixtures();
    for record in records
        .iter()
        .filter(|record| !record.content.pairs.is_empty())
    {
        for (target, format) in [
            ("trl-preference", "trl-preference"),
            ("ms-swift", "ms-swift"),
        ] {
            let (rows, summary) = rows(target, std::slice::from_ref(record));
            assert_eq!(
                rows.len() + summary.failures.len(),
                record.content.pairs.len()
            );
            for (row, pair) in rows.iter().zip(&record.content.pairs) {
                // Then a side would begin with the controller's own words: a rule of the target says so.
                let steps = &pair.context.steps;
                if steps.iter().any(|step| step.observation.is_none()) {
                    continue;
                }
                let read = &read_row(format, row).pairs[0];
                let steps = pair.context.steps.len();
                assert_eq!(read.context.steps.len(), steps, "{target} {}", record.id);
                for (seen, wanted) in [
                    (&read.chosen, &pair.chosen),
                    (&read.rejected, &pair.rejected),
                ] {
                    let Some(Action::ToolCalls(calls)) = &wanted.action else {
                        // Text; a reply that was kept is there to the letter.
                        let text = match &seen.action {
                            Some(Action::Message(text)) => text.clone(),
                            other => panic!("{target} {}: {other:?}", record.id),
                        };
                        if let Some(reply) = &wanted.reply {
                            assert_eq!(text.trim(), reply.trim());
                            compared += 1;
                        }
                        continue;
                    };
                    let Some(Action::ToolCalls(seen)) = &seen.action else {
                        panic!("{target} {}: calls are gone", record.id);
                    };
                    assert_eq!(seen.len(), calls.len());
                    compared += 1;
                }
            }
        }
    }
    assert!(compared >= 20, "{compared}");
}

/// The rows of a file of JSON lines, or of a JSON array.
fn read_file(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    match text.starts_with('[') {
        true => value(&text).as_array().unwrap().clone(),
        false => text.lines().map(value).collect(),
    }
}

fn write(target: &Target, records: &[Record], to: &Path, split: Option<&Split>) -> ExportSummary {
    let target = target_named(target.name).unwrap();
    let progress = Progress::default();
    let options = ExportOptions {
        overwrite: true,
        allow: target.rules,
        split,
        ..ExportOptions::plain(&progress)
    };
    export(target, &mut accepted(records), to, options).unwrap()
}

/// The type of a JSON value, of lists and objects with those of what is in them.
fn shape(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "text".to_owned(),
        Value::Array(items) => match items.first() {
            Some(first) => format!("[{}]", shape(first)),
            None => "[]".to_owned(),
        },
        Value::Object(_) => "{}".to_owned(),
    }
}

/// Checks that all rows have the same keys, and that messages hold either texts or parts.
fn check_uniform(target: &str, rows: &[Value]) {
    let keys = |row: &Value| row.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut contents = std::collections::BTreeSet::new();
    for row in rows {
        if target != "openai-messages" {
            assert_eq!(keys(row), keys(&rows[0]), "{target}");
        }
        for (key, value) in row.as_object().unwrap() {
            if rows[0].get(key).is_none() {
                continue;
            }
            let kind = shape(value);
            let first = shape(&rows[0][key]);
            let is_list = |kind: &str| kind.starts_with('[');
            assert!(
                kind == first || (is_list(&kind) && is_list(&first)),
                "{target} {key}: {kind} {first}"
            );
            for message in value.as_array().into_iter().flatten() {
                if message.get("content").is_some() {
                    contents.insert(shape(&message["content"]));
                }
            }
        }
        // `datasets` takes rows with these columns for logs of agents.
        let names = keys(row);
        let has = |wanted: &[&str]| {
            wanted
                .iter()
                .all(|name| names.iter().any(|known| known == name))
        };
        for hijacked in [
            &["type", "message"][..],
            &["type", "payload"],
            &["id", "source", "model"],
        ] {
            assert!(!has(hijacked), "{target}: {names:?}");
        }
    }
    // OpenAI takes texts and parts side by side, and no empty list of tools.
    assert!(
        contents.len() <= 1 || target == "openai-messages",
        "{target}: {contents:?}"
    );
}

#[test]
fn files_have_one_form_whatever_is_in_them() {
    let folder = TemporaryFolder::new("export-uniform");
    let records = all_fixtures();
    for target in trainers() {
        let to = folder.0.join(format!("{}.out", target.name));
        let summary = write(target, &records, &to, None);
        let rows = read_file(&to);
        assert_eq!(rows.len() as u64, summary.written);
        assert!(
            rows.len() > 1 || target.name == "trl-prm",
            "{}",
            target.name
        );
        if target.name != "pref-x" {
            check_uniform(target.name, &rows);
        }
        // What goes to a stream is the same.
        let mut out = Vec::new();
        let progress = Progress::default();
        let options = ExportOptions {
            allow: target.rules,
            ..ExportOptions::plain(&progress)
        };
        write_to(target, &mut accepted(&records), &mut out, options).unwrap();
        assert_eq!(out, fs::read(&to).unwrap(), "{}", target.name);
    }
}

#[test]
fn files_without_pictures_or_tools_have_no_such_columns() {
    let folder = TemporaryFolder::new("export-optional");
    let is_plain = |record: &Record| {
        let trajectory = record.content.trajectory.as_ref();
        trajectory.is_some_and(|t| !t.has_pictures() && t.tools.is_empty())
    };
    let all = all_fixtures();
    let plain: Vec<Record> = all
        .iter()
        .filter(|record| is_plain(record))
        .cloned()
        .collect();
    let to = folder.0.join("rows.jsonl");
    write(target_named("trl-sft").unwrap(), &plain, &to, None);
    for row in read_file(&to) {
        assert_eq!(
            row.as_object().unwrap().keys().collect::<Vec<_>>(),
            ["messages"]
        );
        assert!(row["messages"][0]["content"].is_string());
    }
    // Splits are files of one data set: all have the columns of all.
    let split = Split::parse("a=0.5,b=0.5", 3).unwrap();
    let to = folder.0.join("splits");
    write(target_named("trl-sft").unwrap(), &all, &to, Some(&split));
    for name in ["a.jsonl", "b.jsonl"] {
        let rows = read_file(&to.join(name));
        assert!(!rows.is_empty());
        assert!(rows.iter().all(|row| row["images"].is_array()), "{name}");
    }
}

fn counted(target: &str, records: Vec<Outgoing>, include: &[Withheld]) -> ExportSummary {
    let progress = Progress::default();
    let target = target_named(target).unwrap();
    let options = ExportOptions {
        include,
        allow: target.rules,
        ..ExportOptions::plain(&progress)
    };
    let mut records = records.into_iter().map(Ok::<_, Infallible>);
    check(target, &mut records, options).unwrap()
}

#[test]
fn rejected_runs_are_left_out_but_where_their_label_says_so() {
    let rejected = || -> Vec<Outgoing> {
        let records = fixture_records("m-trace").into_iter().map(Outgoing::from);
        records
            .map(|mut record| {
                record.state = ReviewState::Rejected;
                record
            })
            .collect()
    };
    for target in TARGETS.iter().filter(|target| target.holds != Holds::Pairs) {
        let summary = counted(target.name, rejected(), &[]);
        let takes = ["kto", "llamafactory-kto", "trl-prm"].contains(&target.name);
        assert_eq!(target.takes_rejected, takes);
        assert_eq!(
            summary.left_out.len(),
            if takes { 0 } else { 3 },
            "{}",
            target.name
        );
    }
    let steps: usize = fixture_records("m-trace")
        .iter()
        .map(|record| record.content.trajectory.as_ref().unwrap().steps.len())
        .sum();
    assert_eq!(counted("kto", rejected(), &[]).written, steps as u64);
    // Disputed ones have no label, and a pair that people rejected is no pair.
    let mut disputed = rejected();
    for record in &mut disputed {
        record.state = ReviewState::Disputed;
    }
    assert_eq!(counted("kto", disputed.clone(), &[]).left_out.len(), 3);
    let summary = counted("kto", disputed, &[Withheld::Disputed]);
    assert_eq!((summary.written, summary.others), (0, 3));
    let mut pairs: Vec<Outgoing> = fixture_records("pref-x")
        .into_iter()
        .map(Outgoing::from)
        .collect();
    pairs[0].pairs[0].state = ReviewState::Rejected;
    assert_eq!(counted("kto", pairs, &[]).left_out.len(), 1);
}

#[test]
fn verdicts_of_the_data_are_labels_where_nobody_decided() {
    let records: Vec<Outgoing> = fixture_records("m-trace")
        .into_iter()
        .map(Outgoing::from)
        .collect();
    let labelled = records.iter().filter(|record| {
        let verification = &record
            .record
            .content
            .trajectory
            .as_ref()
            .unwrap()
            .verification;
        verification
            .as_ref()
            .is_some_and(|v| v.verdict != Verdict::Unknown)
    });
    let labelled = labelled.count() as u64;
    let summary = counted("llamafactory-kto", records, &[]);
    assert!(labelled > 0 && labelled < 3);
    assert_eq!(summary.others, 3 - labelled);
}

#[test]
fn files_of_llamafactory_are_entries_with_their_columns() {
    let folder = TemporaryFolder::new("export-dataset-info");
    let mut records = fixture_records("m-trace");
    records.extend(fixture_records("pref-x"));
    for name in ["llamafactory-sft", "llamafactory-kto", "pref-x"] {
        let to = folder.0.join(format!("{name}.json"));
        write(target_named(name).unwrap(), &records, &to, None);
    }
    let info = value(&fs::read_to_string(folder.0.join("dataset_info.json")).unwrap());
    for (name, ranking, tag) in [
        ("llamafactory-sft", Value::Null, Value::Null),
        ("llamafactory-kto", Value::Null, json!("kto_tag")),
        ("pref-x", json!(true), Value::Null),
    ] {
        let entry = &info[name];
        assert_eq!(entry["file_name"], format!("{name}.json"));
        assert_eq!(entry["formatting"], "sharegpt");
        assert_eq!(entry["ranking"], ranking);
        assert_eq!(entry["columns"]["kto_tag"], tag);
        let rows = read_file(&folder.0.join(format!("{name}.json")));
        for column in entry["columns"].as_object().unwrap().values() {
            let column = column.as_str().unwrap();
            assert!(
                rows.iter().all(|row| row.get(column).is_some()),
                "{name} {column}"
            );
        }
    }
}

/// What tables and JSON have in common: no nulls, pictures as their bytes or else their paths, JSON in text as what it says,
/// a text for a content as its one part.
fn plain(value: &Value, name: &str) -> Value {
    match value {
        Value::Object(members) if members.contains_key("bytes") => match &members["bytes"] {
            Value::Null => members["path"].clone(),
            hexadecimal => hexadecimal.clone(),
        },
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                kept.map(|(key, value)| (key.clone(), plain(value, key)))
                    .collect(),
            )
        }
        Value::Array(items) => items.iter().map(|item| plain(item, name)).collect(),
        Value::String(text) if name == "content" => json!([{"type": "text", "text": text}]),
        Value::String(text) if text.starts_with("data:") => {
            let (_, base64) = text.split_once(',').unwrap();
            let bytes = STANDARD.decode(base64).unwrap();
            bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
                .into()
        }
        Value::String(text) if ["arguments", "tools"].contains(&name) && !text.is_empty() => {
            value_of(text)
        }
        other => other.clone(),
    }
}

fn value_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

#[test]
fn tables_hold_the_same_rows() {
    let folder = TemporaryFolder::new("export-trainer-tables");
    let records: Vec<Record> = all_fixtures();
    for target in trainers() {
        let lines = folder.0.join("rows.json");
        let summary = write(target, &records, &lines, None);
        let wanted = read_file(&lines);
        for ending in ["parquet", "arrow"] {
            let to = folder.0.join(format!("rows.{ending}"));
            let of_table = write(target, &records, &to, None);
            assert_eq!(of_table.notes, [""; 0], "{}", target.name);
            // Rows of the target's own format can hold more than the columns do.
            let is_kept = target.name == "pref-x";
            assert!(
                is_kept || of_table.written == summary.written,
                "{}",
                target.name
            );
            if ending == "arrow" || is_kept {
                continue;
            }
            let seen = super::tables::rows_of_parquet(&to);
            assert_eq!(seen.len(), wanted.len());
            for (seen, wanted) in seen.iter().zip(&wanted) {
                assert_eq!(plain(seen, ""), plain(wanted, ""), "{}", target.name);
            }
        }
    }
}
