//! Documents by what people put their records into. It is no part of the index: a queue of thousands would have to write
//! thousands of records anew.

use std::collections::{HashMap, HashSet};

use tantivy::columnar::StrColumn;
use tantivy::query::Query;
use tantivy::{DocId, SegmentReader};

use super::document::RecordKey;
use super::regex_scan::DocumentSetQuery;
use super::store::{IndexError, IndexStoreReader};

/// Records, each with what of it is meant: itself (`None`), and pairs inside it.
pub type Members = HashMap<RecordKey, HashSet<Option<String>>>;

/// Keyword fields that are told by records and not by documents.
pub const MEMBERSHIP_FIELDS: [&str; 2] = ["queue", "assigned"];

/// The state that records have, too, that are out of a queue because they changed.
pub const SOURCE_CHANGED: &str = "source-changed";

/// The documents of members.
pub(super) fn member_query(
    reader: &IndexStoreReader,
    members: &Members,
) -> Result<Box<dyn Query>, IndexError> {
    let mut by_segment = Vec::new();
    for segment in reader.searcher.segment_readers() {
        let docs = documents(segment, members).map_err(|error| reader.error(error))?;
        by_segment.push((segment.segment_id(), docs));
    }
    Ok(Box::new(DocumentSetQuery(by_segment)))
}

fn documents(segment: &SegmentReader, members: &Members) -> tantivy::Result<Vec<DocId>> {
    let mut found = Vec::new();
    if members.is_empty() {
        return Ok(found);
    }
    let records = segment.fast_fields().u64("record")?;
    let parts = segment.fast_fields().str("part")?;
    for doc in 0..segment.max_doc() {
        let key = records.first(doc).map(RecordKey::from_number);
        let meant = key.and_then(|key| members.get(&key));
        if meant.is_some_and(|meant| meant.contains(&part_of(parts.as_ref(), doc))) {
            found.push(doc);
        }
    }
    Ok(found)
}

fn part_of(parts: Option<&StrColumn>, doc: DocId) -> Option<String> {
    let parts = parts?;
    let mut text = String::new();
    let part = parts.term_ords(doc).next()?;
    matches!(parts.ord_to_str(part, &mut text), Ok(true)).then_some(text)
}
