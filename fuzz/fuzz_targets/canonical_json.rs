//! Content hashes: whatever a parser takes has one, and white space around a record does not change them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use retake::domain::{CanonicalError, content_hash};
use serde_json::value::RawValue;

fuzz_target!(|text: &str| {
    match content_hash(text) {
        Ok(hash) => assert_eq!(content_hash(&format!("\n\t {text} \r\n")), Ok(hash)),
        Err(CanonicalError::TooDeep(_)) => {}
        Err(CanonicalError::Syntax(_)) => {
            assert!(
                serde_json::from_str::<&RawValue>(text).is_err(),
                "JSON without a hash"
            );
        }
    }
});
