use std::collections::HashMap;

use uuid::Uuid;

use super::ReviewRecord;

/// Where in a list of records the one with an id is.
///
/// Ids are made in ascending order, and a journal holds them in that order: where each new one is the highest, no table
/// of them is needed, which would be larger than any cache.
#[derive(Debug, Default)]
pub(super) struct RecordPlaces {
    /// Places of records, each of which had the highest id when it came.
    ascending: Vec<u32>,
    highest: Option<Uuid>,
    /// All others: of journals that are read after later ones.
    others: HashMap<Uuid, u32>,
}

impl RecordPlaces {
    /// Makes room for so many more that come in order.
    pub(super) fn reserve(&mut self, records: usize) {
        self.ascending.reserve(records);
    }

    /// The highest id.
    pub(super) fn highest(&self) -> Option<Uuid> {
        self.highest
    }

    /// The place of a record; `records` are those whose places were added.
    pub(super) fn find(&self, id: Uuid, records: &[ReviewRecord]) -> Option<u32> {
        if self.highest < Some(id) {
            return None;
        }
        let id_at = |place: &u32| records.get(*place as usize).map(|record| record.id);
        match self.ascending.binary_search_by_key(&Some(id), id_at) {
            Ok(at) => self.ascending.get(at).copied(),
            Err(_) => self.others.get(&id).copied(),
        }
    }

    /// Adds an id that is not there.
    pub(super) fn add(&mut self, id: Uuid, place: u32) {
        if self.highest < Some(id) {
            self.highest = Some(id);
            self.ascending.push(place);
        } else {
            self.others.insert(id, place);
        }
    }
}
