use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use uuid::Uuid;

use super::record_places::RecordPlaces;
use super::undo::Reversals;
use super::{Assignment, BlindVote, Reference, Review, ReviewRecord, Verb, fold};
use crate::domain::{ContentHash, TargetId};

/// The end of a chain.
const NONE: u32 = u32::MAX;

/// All records that are known, as a set: neither their order nor repetitions make a difference.
///
/// What they add up to for one target is folded when it is asked for, so a new record costs the same however many there
/// are. At most 2³² − 1 records; more are not taken.
#[derive(Debug, Default)]
pub struct Reviews {
    /// In the order in which they became known.
    records: Vec<ReviewRecord>,
    /// For each record the one before it with the same reference.
    previous: Vec<u32>,
    places: RecordPlaces,
    references: Vec<KnownReference>,
    hasher: RandomState,
    /// From the hash of a target's id to the last reference with it.
    by_target: HashMap<u64, u32>,
    /// From the first bytes of a content hash to the last reference with it.
    by_content: HashMap<u64, u32>,
    /// The records of each annotator, in order.
    timelines: HashMap<Arc<str>, Vec<u32>>,
    /// The records of each batch of more than one.
    batches: HashMap<Uuid, Vec<u32>>,
    reversals: Reversals,
}

#[derive(Debug)]
struct KnownReference {
    reference: Arc<Reference>,
    /// The last record with it.
    last: u32,
    /// The reference before it whose target has the same hash.
    previous_target: u32,
    /// The reference before it whose content hash starts alike.
    previous_content: u32,
}

/// What became known with new records.
#[derive(Debug, Default)]
pub struct Added {
    /// How many were new.
    pub records: usize,
    /// What they are about, those included whose records an undo or redo switched; each once.
    pub references: Vec<Arc<Reference>>,
    /// Ids under which two different lines are known; the line with the lower checksum counts.
    pub conflicts: Vec<Uuid>,
}

impl Reviews {
    /// Makes room for so many more records.
    pub fn reserve(&mut self, records: usize) {
        self.records.reserve(records);
        self.previous.reserve(records);
        self.places.reserve(records);
    }

    /// Adds records; those that are known already change nothing.
    pub fn extend(&mut self, records: impl IntoIterator<Item = ReviewRecord>) -> Added {
        let records = records.into_iter();
        let (expected, _) = records.size_hint();
        self.reserve(expected);
        let mut added = Added::default();
        let mut touched = Touched::default();
        // References are shared between records: most are known by their address.
        let mut addresses: HashMap<*const Reference, u32> = HashMap::new();
        for record in records {
            let place = u32::try_from(self.records.len()).unwrap_or(NONE);
            if place == NONE {
                break;
            }
            if let Some(known) = self.places.find(record.id, &self.records) {
                let checksum = self.records[known as usize].checksum;
                if checksum != record.checksum {
                    added.conflicts.push(record.id);
                    if record.checksum < checksum {
                        self.replace(known, record);
                        // Numbers may have changed: whatever is known counts as touched.
                        addresses.clear();
                        touched.everything = true;
                    }
                }
                continue;
            }
            added.records += 1;
            self.add(place, record, &mut addresses, &mut touched);
        }
        self.put_in_order();
        added.references = touched.references(self);
        added
    }

    fn add(
        &mut self,
        place: u32,
        mut record: ReviewRecord,
        addresses: &mut HashMap<*const Reference, u32>,
        touched: &mut Touched,
    ) {
        self.places.add(record.id, place);
        let mut previous = NONE;
        if let Some(target) = &mut record.target {
            let address = Arc::as_ptr(&target.reference);
            let number = match addresses.get(&address) {
                Some(number) => *number,
                None => {
                    let number = self.number_of(&target.reference);
                    addresses.insert(address, number);
                    number
                }
            };
            let known = &mut self.references[number as usize];
            previous = std::mem::replace(&mut known.last, place);
            if !Arc::ptr_eq(&target.reference, &known.reference) {
                // What `addresses` knows must live as long as the map.
                touched.kept.push(std::mem::replace(
                    &mut target.reference,
                    Arc::clone(&known.reference),
                ));
            }
            touched.numbers.push(number);
        }
        if record.verb.is_reversal() {
            self.reversals.add(&record);
            touched.reversals.push(place);
        }
        if let Some(batch) = record.batch {
            self.batches.entry(batch).or_default().push(place);
        }
        match self.timelines.get_mut(&record.annotator) {
            Some(timeline) => timeline.push(place),
            None => {
                let annotator = Arc::clone(&record.annotator);
                self.timelines.insert(annotator, vec![place]);
            }
        }
        self.previous.push(previous);
        self.records.push(record);
    }

    /// Another line has the same id and comes first: everything that was derived is derived again.
    fn replace(&mut self, place: u32, record: ReviewRecord) {
        let mut records = std::mem::take(&mut self.records);
        records[place as usize] = record;
        *self = Self::default();
        self.extend(records);
    }

    fn number_of(&mut self, reference: &Arc<Reference>) -> u32 {
        let target = self.hasher.hash_one(&reference.id);
        let first = self.by_target.get(&target).copied().unwrap_or(NONE);
        let mut at = first;
        while let Some(known) = self.references.get(at as usize) {
            if *known.reference == **reference {
                return at;
            }
            at = known.previous_target;
        }
        let number = u32::try_from(self.references.len()).unwrap_or(NONE);
        self.by_target.insert(target, number);
        let same_content = self.by_content.insert(reference.hash.prefix(), number);
        self.references.push(KnownReference {
            reference: Arc::clone(reference),
            last: NONE,
            previous_target: first,
            previous_content: same_content.unwrap_or(NONE),
        });
        number
    }

    /// Timelines are kept in the order of ids; new records mostly come last.
    fn put_in_order(&mut self) {
        let records = &self.records;
        let id = |place: &u32| records[*place as usize].id;
        for timeline in self.timelines.values_mut() {
            if !timeline.is_sorted_by_key(id) {
                timeline.sort_by_key(id);
            }
        }
    }

    /// What these records are about, with what the undos and redos among them switched; each once. Assignments say nothing
    /// of what they are about, and do not count.
    pub fn touched_by(&self, ids: &[Uuid]) -> Vec<Arc<Reference>> {
        self.touched(ids.iter().filter_map(|id| self.record(*id)))
    }

    /// What any record but an assignment is about; each once.
    pub fn all_touched(&self) -> Vec<Arc<Reference>> {
        self.touched(self.records.iter())
    }

    fn touched<'a>(
        &'a self,
        records: impl Iterator<Item = &'a ReviewRecord>,
    ) -> Vec<Arc<Reference>> {
        let mut found = Vec::new();
        let mut addresses: HashSet<*const Reference> = HashSet::new();
        let mut add = |record: &ReviewRecord| {
            if let Some(target) = &record.target
                && !matches!(record.verb, Verb::Assign(_))
                && addresses.insert(Arc::as_ptr(&target.reference))
            {
                found.push(Arc::clone(&target.reference));
            }
        };
        for record in records {
            add(record);
            self.switched(record).into_iter().for_each(&mut add);
        }
        found
    }

    /// How many records are known.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The highest id.
    pub fn last_id(&self) -> Option<Uuid> {
        self.places.highest()
    }

    /// The record with this id.
    pub fn record(&self, id: Uuid) -> Option<&ReviewRecord> {
        let place = self.places.find(id, &self.records)?;
        self.records.get(place as usize)
    }

    /// Every record, in order.
    pub fn records(&self) -> Vec<&ReviewRecord> {
        let mut records: Vec<&ReviewRecord> = self.records.iter().collect();
        records.sort_by_key(|record| record.id);
        records
    }

    /// Whether a record counts: no undo that holds reverses its batch.
    pub fn is_active(&self, record: &ReviewRecord) -> bool {
        !self.reversals.is_off(record)
    }

    /// Everything that records are about, each once.
    pub fn references(&self) -> impl ExactSizeIterator<Item = &Arc<Reference>> {
        self.references.iter().map(|known| &known.reference)
    }

    /// Everybody who wrote a record, by name.
    pub fn annotators(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.timelines.keys().map(AsRef::as_ref).collect();
        names.sort_unstable();
        names
    }

    /// The records of verbs that this version does not know or can't read, in order.
    pub fn unknown(&self) -> Vec<&ReviewRecord> {
        let is_unknown = |record: &&ReviewRecord| matches!(record.verb, Verb::Unknown(_));
        let mut found: Vec<&ReviewRecord> = self.records.iter().filter(is_unknown).collect();
        found.sort_by_key(|record| record.id);
        found
    }

    /// What was put into queues by records that count: for each reference and queue the last of them.
    pub fn assignments(&self) -> Vec<(&Arc<Reference>, &Assignment)> {
        let mut last: BTreeMap<(*const Reference, &str), (&ReviewRecord, &Assignment)> =
            BTreeMap::new();
        for record in &self.records {
            if let (Verb::Assign(assignment), Some(target)) = (&record.verb, &record.target)
                && self.is_active(record)
            {
                let key = (Arc::as_ptr(&target.reference), assignment.queue.as_str());
                let known = last.entry(key).or_insert((record, assignment));
                if known.0.id < record.id {
                    *known = (record, assignment);
                }
            }
        }
        let mut found: Vec<_> = last.into_values().collect();
        found.sort_by_key(|(record, _)| record.id);
        found
            .into_iter()
            .filter_map(|(record, assignment)| {
                let target = record.target.as_ref()?;
                Some((&target.reference, assignment))
            })
            .collect()
    }

    /// What an annotator voted on in blind mode, once for each vote that counts, oldest first.
    pub fn blind_votes(&self, annotator: &str) -> Vec<&Arc<Reference>> {
        let timeline = self.timelines.get(annotator).into_iter().flatten();
        let records = timeline.map(|at| &self.records[*at as usize]);
        records
            .filter(|record| BlindVote::of(record).is_some() && self.is_active(record))
            .filter_map(|record| record.target.as_ref().map(|target| &target.reference))
            .collect()
    }

    /// Every record about a target, undone ones included, in order; `elsewhere` as in [`Self::review`].
    pub fn records_of(
        &self,
        id: &TargetId,
        hash: &ContentHash,
        elsewhere: impl Fn(&TargetId) -> bool,
    ) -> Vec<&ReviewRecord> {
        let mut records = Vec::new();
        for number in self.numbers_for(id, hash, elsewhere) {
            let mut at = self.references[number as usize].last;
            while let Some(record) = self.records.get(at as usize) {
                records.push(record);
                at = self.previous[at as usize];
            }
        }
        records.sort_by_key(|record| record.id);
        records
    }

    /// What people decided about a target whose source record now has this hash.
    ///
    /// Records refer to it by hash, or by id where the hash has changed: names of sources differ between machines.
    /// `elsewhere` says whether another record of this workspace has this id; reviews under it are then not taken,
    /// although the content is the same.
    pub fn review(
        &self,
        id: &TargetId,
        hash: &ContentHash,
        elsewhere: impl Fn(&TargetId) -> bool,
    ) -> Review {
        let records = self.records_of(id, hash, elsewhere);
        let active = records.into_iter().filter(|record| self.is_active(record));
        fold::fold(active, hash)
    }

    fn numbers_for(
        &self,
        id: &TargetId,
        hash: &ContentHash,
        elsewhere: impl Fn(&TargetId) -> bool,
    ) -> Vec<u32> {
        let mut numbers = Vec::new();
        let target = self.hasher.hash_one(id);
        let mut at = self.by_target.get(&target).copied().unwrap_or(NONE);
        while let Some(known) = self.references.get(at as usize) {
            if known.reference.id == *id {
                numbers.push(at);
            }
            at = known.previous_target;
        }
        let mut at = self.by_content.get(&hash.prefix()).copied().unwrap_or(NONE);
        while let Some(known) = self.references.get(at as usize) {
            let other = &known.reference;
            let is_other_name = other.hash == *hash && other.id.part == id.part && other.id != *id;
            if is_other_name && !elsewhere(&other.id) {
                numbers.push(at);
            }
            at = known.previous_content;
        }
        numbers
    }

    /// What an annotator's next undo reverses: the last batch of theirs that counts.
    pub fn next_undo(&self, annotator: &str) -> Option<Uuid> {
        self.next_undos(annotator, 1).first().copied()
    }

    /// What an annotator's next undos reverse, so many of them, in the order in which they would be undone.
    pub fn next_undos(&self, annotator: &str, count: usize) -> Vec<Uuid> {
        let mut known = HashSet::new();
        let counts = |record: &&ReviewRecord| !record.verb.is_reversal() && self.is_active(record);
        let records = self.newest_first(annotator).filter(counts);
        records
            .map(ReviewRecord::batch_id)
            .filter(|batch| known.insert(*batch))
            .take(count)
            .collect()
    }

    /// What an annotator's next redo reverses: the last undo of theirs that holds, if they did nothing new since.
    pub fn next_redo(&self, annotator: &str) -> Option<Uuid> {
        self.next_redos(annotator, 1).first().copied()
    }

    /// What an annotator's next redos reverse, so many of them, in the order in which they would be redone.
    pub fn next_redos(&self, annotator: &str, count: usize) -> Vec<Uuid> {
        self.newest_first(annotator)
            .take_while(|record| record.verb.is_reversal())
            .filter(|record| self.holds(record))
            .map(|record| record.id)
            .take(count)
            .collect()
    }

    fn newest_first(&self, annotator: &str) -> impl Iterator<Item = &ReviewRecord> {
        let timeline = self.timelines.get(annotator).into_iter().flatten();
        timeline.rev().map(|at| &self.records[*at as usize])
    }

    /// Whether a record is an undo that no redo took back.
    pub fn holds(&self, undo: &ReviewRecord) -> bool {
        matches!(undo.verb, Verb::Undo(_)) && self.reversals.holds(undo)
    }

    /// The records of a batch, in order, as an undo or [`ReviewRecord::batch_id`] names it.
    pub fn batch(&self, batch: Uuid) -> Vec<&ReviewRecord> {
        let members = self.batches.get(&batch).into_iter().flatten();
        let mut records: Vec<&ReviewRecord> =
            members.map(|at| &self.records[*at as usize]).collect();
        let first = self.record(batch).filter(|record| record.batch.is_none());
        records.extend(first);
        records.sort_by_key(|record| record.id);
        records
    }

    /// The records that an undo or redo switches; none for any other record.
    pub fn switched(&self, reversal: &ReviewRecord) -> Vec<&ReviewRecord> {
        match &reversal.verb {
            Verb::Undo(undo) => self.batch(undo.reverses),
            Verb::Redo(redo) => match self.record(redo.reverses).map(|undo| &undo.verb) {
                Some(Verb::Undo(undo)) => self.batch(undo.reverses),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}

/// What an extension touched.
#[derive(Default)]
struct Touched {
    numbers: Vec<u32>,
    reversals: Vec<u32>,
    kept: Vec<Arc<Reference>>,
    everything: bool,
}

impl Touched {
    fn references(mut self, reviews: &Reviews) -> Vec<Arc<Reference>> {
        if self.everything {
            return reviews.references().cloned().collect();
        }
        self.numbers.sort_unstable();
        self.numbers.dedup();
        let known = |number: &u32| Arc::clone(&reviews.references[*number as usize].reference);
        let mut found: Vec<Arc<Reference>> = self.numbers.iter().map(known).collect();
        let mut addresses: HashSet<*const Reference> = found.iter().map(Arc::as_ptr).collect();
        let reversals = self
            .reversals
            .iter()
            .map(|at| &reviews.records[*at as usize]);
        for record in reversals.flat_map(|reversal| reviews.switched(reversal)) {
            if let Some(target) = &record.target
                && addresses.insert(Arc::as_ptr(&target.reference))
            {
                found.push(Arc::clone(&target.reference));
            }
        }
        found
    }
}
