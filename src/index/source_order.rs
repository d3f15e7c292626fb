//! The order in which sources hold their records, where rows don't tell it.

use std::collections::HashMap;
use std::sync::Arc;

use tantivy::collector::sort_key::NaturalComparator;
use tantivy::collector::{SegmentSortKeyComputer, SortKeyComputer};
use tantivy::columnar::Column;
use tantivy::{DocId, Score, SegmentReader};

use super::document::RecordKey;

/// For each source whose rows are out of order, by its ordinal: the place of each row. Documents can be sorted by it.
#[derive(Debug, Clone, Default)]
pub struct SourceOrder(Arc<HashMap<u32, Vec<u32>>>);

impl SourceOrder {
    /// The order that these places give; sources that are not named are in the order of their rows.
    pub fn new(places: HashMap<u32, Vec<u32>>) -> Self {
        Self(Arc::new(places))
    }

    fn place(&self, record: u64) -> u64 {
        if self.0.is_empty() {
            return record;
        }
        let key = RecordKey::from_number(record);
        let places = self.0.get(&key.source);
        match places.and_then(|places| places.get(key.row as usize)) {
            Some(place) => RecordKey { row: *place, ..key }.to_number(),
            None => record,
        }
    }
}

impl SortKeyComputer for SourceOrder {
    type SortKey = Option<u64>;
    type Child = SegmentSourceOrder;
    type Comparator = NaturalComparator;

    fn segment_sort_key_computer(
        &self,
        segment: &SegmentReader,
    ) -> tantivy::Result<SegmentSourceOrder> {
        Ok(SegmentSourceOrder {
            records: segment.fast_fields().u64("record")?,
            order: self.clone(),
        })
    }
}

/// The order inside one segment.
pub struct SegmentSourceOrder {
    records: Column<u64>,
    order: SourceOrder,
}

impl SegmentSortKeyComputer for SegmentSourceOrder {
    type SortKey = Option<u64>;
    type SegmentSortKey = Option<u64>;
    type SegmentComparator = NaturalComparator;

    fn segment_sort_key(&mut self, doc: DocId, _: Score) -> Option<u64> {
        Some(self.order.place(self.records.first(doc)?))
    }

    fn convert_segment_sort_key(&self, key: Option<u64>) -> Option<u64> {
        key
    }
}
