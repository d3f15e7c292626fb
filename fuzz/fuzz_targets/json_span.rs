//! The scan that finds records without parsing them, against a parser; the first byte picks the size of the chunks.

#![no_main]

use libfuzzer_sys::fuzz_target;
use retake::ingest::Layout;
use retake::ingest::container::{Found, JsonSpans, Location, ScanLimits};
use serde_json::value::RawValue;

fuzz_target!(|input: &[u8]| {
    let Some((&first, file)) = input.split_first() else {
        return;
    };
    let limits = ScanLimits {
        chunk_bytes: 1 + usize::from(first),
        ..ScanLimits::default()
    };
    for layout in [Layout::Members, Layout::Whole] {
        JsonSpans::new(file, layout, &limits).for_each(drop);
    }

    let mut records = Vec::new();
    let mut problems = 0;
    for found in JsonSpans::new(file, Layout::Elements, &limits) {
        let Found::Record(record) = found else {
            problems += 1;
            continue;
        };
        let Location::Span { offset, length } = record.location else {
            panic!("a row in a JSON file");
        };
        let (start, length) = (offset as usize, length as usize);
        assert_eq!(
            file.get(start..start + length),
            Some(record.bytes.as_slice())
        );
        records.push(record.bytes);
    }
    // What a parser takes as an array is found whole.
    if let Ok(elements) = serde_json::from_slice::<Vec<&RawValue>>(file) {
        assert_eq!(problems, 0);
        let elements = elements.iter().map(|element| element.get().as_bytes());
        assert!(records.iter().map(Vec::as_slice).eq(elements));
    }
});
