//! Records for tests, from the fixtures of every format and from the shared data.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use retake::domain::{Content, Interner, Record, RecordId, content_hash, percent_encode};
use retake::export::{ExportOptions, ExportSummary, Outgoing, target_named, write_to};
use retake::ingest::{FORMATS, Format, Layout, RecordText, Sample, Top};
use retake::jobs::Progress;
use serde_json::Value;
use serde_json::value::RawValue;

/// The records of a file, as a workspace would have them. `path` is the file's path inside its source.
pub fn records_in(file: &Path, path: &str) -> Vec<Record> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let stem = file.file_stem().unwrap().to_str().unwrap();
    let (format, texts) = split(&text);
    let mut records = Vec::new();
    for (number, (key, raw)) in texts.into_iter().enumerate() {
        let Ok(content) = read(format, &raw, key.as_deref(), path) else {
            continue;
        };
        let own = content.natural_id.clone();
        let id = own.map_or(number.to_string(), |id| percent_encode(&id));
        records.push(Record {
            id: RecordId::new(stem, &id),
            hash: content_hash(&raw).unwrap(),
            raw: raw.into(),
            key,
            content,
        });
    }
    records
}

/// The records of every format's fixture.
pub fn all_fixtures() -> Vec<Record> {
    let folders = FORMATS.iter().flat_map(|format| {
        ["input.json", "input.jsonl", "logs.json"].map(|file| fixture(format.name).join(file))
    });
    let files: Vec<PathBuf> = folders.filter(|file| file.exists()).collect();
    assert!(files.len() > FORMATS.len());
    files
        .iter()
        .flat_map(|file| records_in(file, "173_abcdefgh/input.json"))
        .collect()
}

/// The records of one format's fixture.
pub fn fixture_records(format: &str) -> Vec<Record> {
    let folder = fixture(format);
    let file = ["input.json", "input.jsonl"].map(|name| folder.join(name));
    let file = file.iter().find(|file| file.exists()).unwrap();
    records_in(file, "173_abcdefgh/beam_search_data.json")
}

fn fixture(format: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(format)
}

/// A file or folder of the shared data, where that is there.
#[allow(clippy::print_stderr)]
pub fn shared(path: &str) -> Option<PathBuf> {
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

/// The explorations of the shared data.
pub fn shared_beams() -> Vec<Record> {
    let Some(folder) = shared("pref-x/beam") else {
        return Vec::new();
    };
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .flat_map(|entry| {
            let folder = entry.unwrap().path();
            let name = folder.file_name().unwrap().to_str().unwrap();
            let path = format!("{name}/beam_search_data.json");
            records_in(&folder.join("beam_search_data.json"), &path)
        })
        .collect()
}

/// The first format that takes the text, and its records with their keys.
fn split(text: &str) -> (&'static Format, Vec<(Option<String>, String)>) {
    let mut values: Vec<Box<RawValue>> = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Box<RawValue>>() {
        values.push(value.unwrap());
    }
    let mut tries = Vec::new();
    if let [only] = values.as_slice() {
        if let Ok(list) = serde_json::from_str::<Vec<Box<RawValue>>>(only.get()) {
            tries.push((Top::Array, Vec::new(), list));
        } else {
            let object: serde_json::Map<String, Value> = serde_json::from_str(only.get()).unwrap();
            let members = object
                .values()
                .map(|v| RawValue::from_string(v.to_string()).unwrap());
            tries.push((
                Top::Object,
                object.keys().cloned().collect(),
                members.collect(),
            ));
        }
    }
    tries.push((Top::Lines, Vec::new(), values));
    for (top, keys, records) in tries {
        let sampled: Vec<Value> = records
            .iter()
            .map(|raw| serde_json::from_str(raw.get()).unwrap())
            .collect();
        let sample = Sample {
            top,
            keys: &keys,
            values: &sampled,
            file_name: "input",
        };
        let found = FORMATS.iter().find_map(|f| Some((f, (f.detect)(&sample)?)));
        let Some((format, layout)) = found else {
            continue;
        };
        let texts = records.into_iter().map(|raw| raw.get().to_owned());
        return match layout {
            Layout::Whole => (format, vec![(None, text.to_owned())]),
            Layout::Members => (format, keys.into_iter().map(Some).zip(texts).collect()),
            Layout::Elements => (format, texts.map(|text| (None, text)).collect()),
        };
    }
    panic!("no format takes the text")
}

/// What a format makes of a text.
pub fn read(format: &Format, text: &str, key: Option<&str>, path: &str) -> Result<Content, String> {
    let record = RecordText {
        text,
        key,
        path,
        interner: &Interner::default(),
    };
    (format.read)(&record).map_err(|error| error.to_string())
}

/// The rows that a JSON target makes of records, and what it did.
pub fn rows(target: &str, records: &[Record]) -> (Vec<Value>, ExportSummary) {
    let target = target_named(target).unwrap();
    let mut out = Vec::new();
    let progress = Progress::default();
    // What a writer makes, whatever trainers say of it.
    let options = ExportOptions {
        allow: target.rules,
        ..ExportOptions::plain(&progress)
    };
    let mut records = outgoing(records);
    let summary = write_to(target, &mut records, &mut out, options).unwrap();
    let text = String::from_utf8(out).unwrap();
    let rows: Vec<Value> = match serde_json::from_str(&text) {
        Ok(Value::Array(rows)) if text.starts_with('[') && target.extension == "json" => rows,
        _ => text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    };
    assert_eq!(rows.len() as u64, summary.written);
    (rows, summary)
}

/// Records that nobody has looked at.
pub fn outgoing(records: &[Record]) -> impl Iterator<Item = Result<Outgoing, Infallible>> + '_ {
    let records = records.iter().cloned();
    records.map(|record| Ok(Outgoing::from(record)))
}

/// The one row that a writer makes of a record, whatever its container.
pub fn row(target: &str, record: &Record) -> Result<String, String> {
    let rendered = target_named(target)
        .unwrap()
        .rows_of(&record.clone().into());
    match (rendered.rows.as_slice(), rendered.refusals.first()) {
        ([row], None) => Ok(row.json.clone()),
        (_, Some(refused)) => Err(refused.refusal.to_string()),
        _ => panic!("{} rows", rendered.rows.len()),
    }
}

pub fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}
