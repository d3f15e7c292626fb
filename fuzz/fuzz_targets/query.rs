//! The query parser, strict and lenient, and completion at every place.

#![no_main]

use libfuzzer_sys::fuzz_target;
use retake::index::query::{complete, parse, parse_lenient};

fuzz_target!(|query: &str| {
    if let Err(error) = parse(query) {
        assert!(
            query.get(error.span.clone()).is_some(),
            "an error beside the characters"
        );
        let _ = error.render(query);
    }
    for note in parse_lenient(query).notes {
        assert!(
            query.get(note.span).is_some(),
            "a note beside the characters"
        );
    }
    for cursor in 0..=query.len().min(64) {
        let completion = complete(query, cursor, &|_| vec!["a value".to_owned()]);
        assert!(
            query.get(completion.replace).is_some(),
            "a completion beside the characters"
        );
    }
});
