//! Who is to look at what, told from the journals: dealing thousands of items out writes no document anew.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError};

use crate::domain::{ContentHash, RecordId, TargetId};
use crate::index::query::{Clause, Expression, Query, Test, field_named};
use crate::index::{FacetCounts, Members, RecordKey, SOURCE_CHANGED};

use super::{Corpus, CorpusError};

/// Queues, and the annotators of each.
type Queues = BTreeMap<String, Vec<String>>;

/// What is in queues.
#[derive(Debug, Default)]
pub struct QueueMembers {
    /// How many records the journals had.
    records: usize,
    /// For each record, and pair in it, its queues with their annotators.
    by_record: HashMap<RecordKey, HashMap<Option<String>, Queues>>,
    /// What is out of a queue because its source record changed.
    changed: Members,
}

impl QueueMembers {
    /// What has a value that passes: a queue's name for `queue`, an annotator for `assigned`; what fell out of its queue
    /// for `source-changed`.
    pub(super) fn members(&self, field: &str, passes: &dyn Fn(&str) -> bool) -> Members {
        if field == SOURCE_CHANGED {
            return self.changed.clone();
        }
        let mut members = Members::new();
        for (key, parts) in &self.by_record {
            let meant = parts.iter().filter(|(_, queues)| {
                let mut values = values_of(field, queues);
                values.any(passes)
            });
            let meant: HashSet<_> = meant.map(|(part, _)| part.clone()).collect();
            if !meant.is_empty() {
                members.insert(*key, meant);
            }
        }
        members
    }

    /// The values of one target, each once.
    pub(super) fn values(&self, field: &str, key: RecordKey, part: Option<&str>) -> Vec<String> {
        let parts = self.by_record.get(&key);
        let queues = parts.and_then(|parts| parts.get(&part.map(str::to_owned)));
        let values = queues
            .into_iter()
            .flat_map(|queues| values_of(field, queues));
        let values: BTreeSet<&str> = values.collect();
        values.into_iter().map(str::to_owned).collect()
    }

    fn all_values(&self, field: &str) -> BTreeSet<&str> {
        let queues = self.by_record.values().flat_map(HashMap::values);
        queues.flat_map(|queues| values_of(field, queues)).collect()
    }
}

fn values_of<'a>(
    field: &str,
    queues: &'a BTreeMap<String, Vec<String>>,
) -> Box<dyn Iterator<Item = &'a str> + 'a> {
    match field {
        "queue" => Box::new(queues.keys().map(String::as_str)),
        _ => Box::new(queues.values().flatten().map(String::as_str)),
    }
}

impl Corpus {
    /// What is in queues now.
    pub(super) fn queue_members(&self) -> Result<Arc<QueueMembers>, CorpusError> {
        let mut known = self
            .queue_members
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let records = self.journals().reviews().len();
        if known.records != records {
            *known = Arc::new(self.read_queue_members(records)?);
        }
        Ok(Arc::clone(&known))
    }

    fn read_queue_members(&self, records: usize) -> Result<QueueMembers, CorpusError> {
        let mut read = QueueMembers {
            records,
            ..QueueMembers::default()
        };
        let journals = self.journals();
        let assignments = journals.reviews().assignments();
        if assignments.is_empty() {
            return Ok(read);
        }
        // One look at all records is cheaper than a look-up for each assignment.
        let mut by_id: HashMap<RecordId, (RecordKey, ContentHash)> = HashMap::new();
        let mut by_hash: HashMap<ContentHash, Vec<RecordKey>> = HashMap::new();
        for source in &self.state.sources {
            let rows = self.all_rows(source)?;
            for row in rows.rows() {
                let (row, found) = row.map_err(|_| CorpusError::Damaged(self.folder.clone()))?;
                let key = RecordKey {
                    source: source.ordinal,
                    row,
                };
                by_id.insert(RecordId::new(&source.name, &found.id), (key, found.hash));
                by_hash.entry(found.hash).or_default().push(key);
            }
        }
        let mut changed = Vec::new();
        for (reference, assignment) in assignments {
            // By id; under another name only where this workspace has no record of that one.
            let keys = match by_id.get(&reference.id.record) {
                Some((key, hash)) if *hash == reference.hash => std::slice::from_ref(key),
                Some((key, _)) => {
                    changed.push((*key, &reference.id.part, &assignment.queue));
                    &[]
                }
                None => by_hash.get(&reference.hash).map_or(&[][..], Vec::as_slice),
            };
            for key in keys {
                let parts = read.by_record.entry(*key).or_default();
                let queues = parts.entry(reference.id.part.clone()).or_default();
                queues.insert(assignment.queue.clone(), assignment.annotators.clone());
            }
        }
        for (key, part, queue) in changed {
            let now = read.by_record.get(&key).and_then(|parts| parts.get(part));
            if now.is_none_or(|queues| !queues.contains_key(queue)) {
                read.changed.entry(key).or_default().insert(part.clone());
            }
        }
        Ok(read)
    }

    /// How often each queue or annotator occurs among the matches of a query.
    pub(super) fn count_members(
        &self,
        query: &Query,
        field: &str,
    ) -> Result<FacetCounts, CorpusError> {
        let members = self.queue_members()?;
        let mut counts = FacetCounts::new();
        for value in members.all_values(field) {
            let clause = Clause {
                field: field_named(field),
                test: Test::Word(value.to_owned()),
                span: 0..0,
            };
            let both = vec![query.expression.clone(), Expression::Term(clause)];
            let query = Query {
                expression: Expression::and(both),
                result_kind: query.result_kind,
            };
            let summary = self.reader.summarize(&self.lower(&query)?, &[], &[])?;
            if summary.total > 0 {
                counts.insert(value.to_owned(), summary.total);
            }
        }
        Ok(counts)
    }

    /// Who is to look at an item in a queue; `None` if it is not in it.
    pub fn assigned_in(
        &self,
        queue: &str,
        id: &TargetId,
        hash: &ContentHash,
    ) -> Option<Vec<String>> {
        self.full_review(id, hash).assignments.remove(queue)
    }
}
