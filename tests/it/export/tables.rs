//! Tables, read with the libraries that everybody reads them with.

use std::convert::Infallible;
use std::fs::File;
use std::path::Path;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::DataType;
use arrow::ipc::reader::FileReader;
use arrow::json::{LineDelimitedWriter, WriterBuilder, writer::LineDelimited};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;
use retake::domain::{PictureReference, Record};
use retake::export::{ExportOptions, ExportSummary, Outgoing, export, target_named};
use retake::ingest::format_named;
use retake::jobs::Progress;
use serde_json::{Value, json};

use super::records::{
    all_fixtures, fixture_records, read, records_in, shared, shared_beams, value,
};
use crate::user::TemporaryFolder;

/// The table that a target makes of records.
fn table(
    target: &str,
    records: impl Iterator<Item = Record>,
    folder: &Path,
) -> (Vec<RecordBatch>, ExportSummary) {
    let to = folder.join(target);
    let progress = Progress::default();
    let options = ExportOptions {
        overwrite: true,
        ..ExportOptions::plain(&progress)
    };
    let target = target_named(target).unwrap();
    let mut records = records.map(|record| Ok::<_, Infallible>(Outgoing::from(record)));
    let summary = export(target, &mut records, &to, options).unwrap();
    let file = File::open(to).unwrap();
    let batches: Vec<RecordBatch> = if target.extension == "parquet" {
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .unwrap()
            .build()
            .unwrap();
        reader.map(Result::unwrap).collect()
    } else {
        FileReader::try_new(file, None)
            .unwrap()
            .map(Result::unwrap)
            .collect()
    };
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(rows as u64, summary.written);
    (batches, summary)
}

/// The rows of a Parquet file.
pub fn rows_of_parquet(file: &Path) -> Vec<Value> {
    let file = File::open(file).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let batches = reader.build().unwrap().map(Result::unwrap);
    json_rows(&batches.collect::<Vec<_>>())
}

/// The rows as JSON, every null written, as our reader of tables does.
fn json_rows(batches: &[RecordBatch]) -> Vec<Value> {
    let mut out = Vec::new();
    let builder = WriterBuilder::new().with_explicit_nulls(true);
    let mut writer: LineDelimitedWriter<_> = builder.build::<_, LineDelimited>(&mut out);
    writer
        .write_batches(&batches.iter().collect::<Vec<_>>())
        .unwrap();
    writer.finish().unwrap();
    let text = String::from_utf8(out).unwrap();
    text.lines().map(value).collect()
}

/// Tables give every row the fields of all rows; what a row lacks is null.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                kept.map(|(key, value)| (key, without_nulls(value)))
                    .collect(),
            )
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// Whether values are equal, numbers by value: a column of `1` and `2.5` holds `1.0`.
fn is_equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        // `serde_json` itself reads some digits one bit off.
        (Value::Number(left), Value::Number(right)) => {
            left == right
                || left
                    .as_f64()
                    .zip(right.as_f64())
                    .is_some_and(|(l, r)| l == r || l.to_bits().abs_diff(r.to_bits()) <= 2)
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| is_equal(l, r))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, l)| right.get(key).is_some_and(|r| is_equal(l, r)))
        }
        _ => left == right,
    }
}

#[test]
fn own_fields_come_back_from_tables() {
    let folder = TemporaryFolder::new("export-raw-tables");
    let mut compared = 0;
    let real = shared("pref-x/pref-x-llamafactory.json");
    let real = real
        .map(|file| records_in(&file, "pref-x.json"))
        .unwrap_or_default();
    for records in [
        fixture_records("gaia"),
        fixture_records("trl-preference"),
        real,
    ] {
        for target in ["raw-parquet", "raw-arrow"] {
            let (batches, summary) = table(target, records.iter().cloned(), &folder.0);
            assert_eq!(summary.failures, []);
            let rows = json_rows(&batches);
            assert_eq!(rows.len(), records.len());
            for (row, record) in rows.into_iter().zip(&records) {
                let wanted = without_nulls(value(&record.raw));
                let is_same = is_equal(&without_nulls(row), &wanted);
                assert!(
                    is_same || !summary.notes.is_empty(),
                    "{target}: {}",
                    record.raw
                );
                compared += usize::from(is_same);
            }
        }
    }
    assert!(compared >= 2);
}

#[test]
fn a_table_that_was_read_is_written_with_equal_values() {
    let folder = TemporaryFolder::new("export-again");
    let records = fixture_records("gaia");
    let format = format_named("gaia").unwrap();
    for target in ["raw-parquet", "raw-arrow"] {
        let (batches, _) = table(target, records.iter().cloned(), &folder.0);
        let first = json_rows(&batches);
        let again = first.iter().zip(&records).map(|(row, record)| Record {
            raw: row.to_string().into(),
            content: read(format, &row.to_string(), None, "").unwrap(),
            ..record.clone()
        });
        let (batches, summary) = table(target, again, &folder.0);
        assert_eq!(json_rows(&batches), first);
        assert_eq!(summary.notes, [""; 0]);
    }
}

#[test]
fn records_of_mixed_fields_are_text_that_reads_alike() {
    let folder = TemporaryFolder::new("export-mixed");
    let records = fixture_records("m-trace");
    let format = format_named("m-trace").unwrap();
    let (batches, summary) = table("raw-parquet", records.iter().cloned(), &folder.0);
    let notes = summary.notes.join("\n");
    assert!(
        notes.contains("`image`") && notes.contains("`answer`"),
        "{notes}"
    );
    for (row, record) in json_rows(&batches).iter().zip(&records) {
        let content = read(format, &row.to_string(), None, "").unwrap();
        assert_eq!(content, record.content);
    }
    // A list is no row.
    let (_, summary) = table(
        "raw-arrow",
        fixture_records("pref-x-beam").into_iter(),
        &folder.0,
    );
    assert!(summary.written == 0 && summary.failures[0].message.contains("no object"));
}

#[test]
fn trajectories_have_typed_columns() {
    let folder = TemporaryFolder::new("export-typed");
    let trajectories: Vec<Record> = all_fixtures()
        .into_iter()
        .filter(|r| r.content.trajectory.is_some())
        .collect();
    for target in ["parquet", "arrow"] {
        let (batches, summary) = table(target, trajectories.iter().cloned(), &folder.0);
        assert_eq!(summary.failures, []);
        let DataType::List(element) = batches[0]
            .schema()
            .field_with_name("steps")
            .unwrap()
            .data_type()
            .clone()
        else {
            panic!("steps are a list");
        };
        let DataType::Struct(fields) = element.data_type() else {
            panic!("of structures");
        };
        let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
        let expected = [
            "thought",
            "code",
            "tool_calls",
            "message",
            "observation",
            "is_error",
            "images",
        ];
        assert_eq!(names, expected);
        for (row, record) in json_rows(&batches).iter().zip(&trajectories) {
            let trajectory = record.content.trajectory.as_ref().unwrap();
            assert_eq!(row["id"], record.id.as_str());
            assert_eq!(row["task"], trajectory.task.text);
            assert_eq!(row["answer"], json!(trajectory.answer));
            assert_eq!(row["system_prompt"], json!(trajectory.system_prompt));
            assert_eq!(
                row["verdict"],
                json!(trajectory.verification.as_ref().map(|v| v.verdict))
            );
            let attachments = row["attachments"].as_array().unwrap().len();
            assert_eq!(attachments, trajectory.task.attachments.len());
            let shown = &trajectory.task.attachments;
            let shown: Vec<_> = shown.iter().map(|a| &a.reference).collect();
            assert_eq!(row["images"], json!(pictures(&shown)));
            let steps = row["steps"].as_array().unwrap();
            assert_eq!(steps.len(), trajectory.steps.len());
            for (row, step) in steps.iter().zip(&trajectory.steps) {
                assert_eq!(row["thought"], json!(step.thought));
                assert_eq!(row["code"], json!(step.code()));
                assert_eq!(
                    row["observation"],
                    json!(step.observation.as_ref().map(|o| &o.text))
                );
                assert_eq!(row["tool_calls"].is_string(), !step.tool_calls().is_empty());
                let observed = step.observation.iter().flat_map(|o| &o.pictures);
                let seen: Vec<_> = step.pictures.iter().chain(observed).collect();
                assert_eq!(row["images"], json!(pictures(&seen)));
            }
        }
    }
}

/// The structures of pictures that a table has for these files.
fn pictures(references: &[&PictureReference]) -> Vec<Value> {
    let pictures = references.iter().filter(|reference| reference.is_picture());
    pictures
        .map(|reference| match reference {
            PictureReference::Path(path) | PictureReference::Url(path) => {
                json!({"bytes": null, "path": path})
            }
            PictureReference::Inline(inline) => {
                let bytes = STANDARD.decode(&*inline.base64).unwrap();
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                json!({"bytes": hex, "path": inline.path})
            }
        })
        .collect()
}

#[test]
fn pairs_have_their_own_table() {
    let folder = TemporaryFolder::new("export-pairs");
    let pairs = fixture_records("pref-x");
    let mixed = pairs.iter().cloned().chain(fixture_records("m-trace"));
    let (batches, summary) = table("parquet", mixed, &folder.0);
    assert_eq!(summary.failed, 3);
    assert!(
        summary.failures[0].message.contains("in:trajectory"),
        "{:?}",
        summary.failures
    );
    for (row, record) in json_rows(&batches).iter().zip(&pairs) {
        let pair = &record.content.pairs[0];
        assert_eq!(row["chosen"]["reply"], json!(pair.chosen.reply));
        assert_eq!(row["rejected"]["thought"], json!(pair.rejected.thought));
        assert_eq!(
            row["steps"].as_array().unwrap().len(),
            pair.context.steps.len()
        );
    }
    // Pairs out of explorations, when those are asked for alone.
    let beams = shared_beams().into_iter().map(|mut record| {
        record.content.trajectory = None;
        record
    });
    let beams: Vec<Record> = beams.collect();
    let count: usize = beams.iter().map(|record| record.content.pairs.len()).sum();
    let (_, summary) = table("arrow", beams.into_iter(), &folder.0);
    assert_eq!(summary.written, count as u64);
}

#[test]
fn many_rows_are_several_batches_and_groups() {
    let folder = TemporaryFolder::new("export-many");
    let record = fixture_records("m-trace").remove(0);
    let many = || (0..5000).map(|_| record.clone());
    let (batches, _) = table("arrow", many(), &folder.0);
    assert!(batches.len() >= 5, "{}", batches.len());
    table("raw-parquet", many(), &folder.0);
    let file = File::open(folder.0.join("raw-parquet")).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    assert_eq!(reader.metadata().num_row_groups(), 2);
    let batches = reader.build().unwrap().map(Result::unwrap);
    let ids = batches.map(|b| b.column(0).as_string::<i32>().iter().flatten().count());
    assert_eq!(ids.sum::<usize>(), 5000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever fields records have, their table is written, and reads back but for nulls and mixed fields.
    #[test]
    fn any_fields_make_a_table(extras in prop::collection::vec(any_field(), 1..4)) {
        let folder = TemporaryFolder::new("export-any");
        let format = format_named("m-trace").unwrap();
        let records: Vec<Record> = extras.iter().map(|extra| {
            let mut record = fixture_records("m-trace").remove(0);
            let mut row = value(&record.raw);
            row["extra"] = extra.clone();
            record.raw = row.to_string().into();
            record.content = read(format, &record.raw, None, "").unwrap();
            record
        }).collect();
        for target in ["raw-parquet", "raw-arrow"] {
            let (batches, summary) = table(target, records.iter().cloned(), &folder.0);
            prop_assert_eq!(summary.written as usize, records.len());
            for (row, record) in json_rows(&batches).into_iter().zip(&records) {
                let wanted = without_nulls(value(&record.raw));
                if summary.notes.is_empty() {
                    prop_assert!(is_equal(&without_nulls(row), &wanted) || has_empty_struct(&wanted), "{}", record.raw);
                }
            }
        }
    }
}

/// `{}` among objects with members, and an object of nulls, become equal.
fn has_empty_struct(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.is_empty() || members.values().any(has_empty_struct),
        Value::Array(items) => items.iter().any(has_empty_struct),
        _ => false,
    }
}

fn any_field() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[abc]?", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}
