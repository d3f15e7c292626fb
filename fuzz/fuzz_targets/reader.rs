//! Every reader: the first byte picks the format, the rest is a record.

#![no_main]

use libfuzzer_sys::fuzz_target;
use retake::domain::Interner;
use retake::ingest::{FORMATS, RecordText, Sample, Top};
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let Some((&first, record)) = input.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(record) else {
        return;
    };
    let Some(format) = FORMATS.get(usize::from(first) % FORMATS.len().max(1)) else {
        return;
    };

    let interner = Interner::default();
    for key in [None, Some("0")] {
        let record = RecordText {
            text,
            key,
            path: "folder/records.json",
            interner: &interner,
        };
        // An error is an answer, too; a panic is not.
        let _ = (format.read)(&record);
    }

    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return;
    };
    let (top, keys, values): (_, Vec<String>, Vec<Value>) = match value {
        Value::Array(elements) => (Top::Array, Vec::new(), elements),
        Value::Object(members) => {
            let (keys, values) = members.into_iter().unzip();
            (Top::Object, keys, values)
        }
        other => (Top::Lines, Vec::new(), vec![other]),
    };
    for format in FORMATS {
        let sample = Sample {
            top,
            keys: &keys,
            values: &values,
            file_name: "records.json",
        };
        let _ = (format.detect)(&sample);
    }
});
