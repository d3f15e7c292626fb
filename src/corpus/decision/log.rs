//! What was decided, entry by entry, as one annotator may see it.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::corpus::{Corpus, CorpusError};
use crate::domain::TargetId;
use crate::domain::review::{ReviewRecord, Verb};

use super::Subject;

/// What was decided together.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// The batch, or the only record of it.
    pub batch: Uuid,
    /// What it says.
    pub records: Vec<ReviewRecord>,
    /// What an undo or redo switches, as far as it may be seen.
    pub switched: Vec<ReviewRecord>,
    /// Whether it no longer counts.
    pub is_undone: bool,
}

/// The newest entries, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    /// The entries.
    pub entries: Vec<LogEntry>,
    /// How many are older than these.
    pub earlier: usize,
    /// How many may not be seen yet.
    pub hidden: usize,
}

impl Corpus {
    /// The newest `limit` entries of what was decided; of a subject those about it.
    pub fn log(&self, about: Option<&Subject>, limit: usize) -> Result<Log, CorpusError> {
        let records = match about {
            Some(subject) => self.records_about(subject),
            None => {
                let journals = self.journals();
                journals.reviews().records().into_iter().cloned().collect()
            }
        };
        self.entries(records, limit)
    }

    /// The records about a trajectory with its pairs, or about one pair, and the undos and redos that switched any of them.
    fn records_about(&self, subject: &Subject) -> Vec<ReviewRecord> {
        let hash = subject.record.hash;
        let mut targets: Vec<TargetId> = vec![subject.id().clone()];
        if subject.id().part.is_none() {
            let of_source = subject.current.pairs.iter().map(|pair| pair.target.clone());
            let made = subject.current.review.pairs.iter();
            targets.extend(of_source.chain(made.map(|pair| pair.target(subject.id()))));
        }
        let mut found: BTreeMap<Uuid, ReviewRecord> = BTreeMap::new();
        for target in &targets {
            let records = self.records_of(target, &hash);
            found.extend(records.into_iter().map(|record| (record.id, record)));
        }
        let journals = self.journals();
        let reviews = journals.reviews();
        for reversal in reviews.records() {
            let mut switched = reviews.switched(reversal).into_iter();
            if reversal.verb.is_reversal() && switched.any(|record| found.contains_key(&record.id))
            {
                found.insert(reversal.id, reversal.clone());
            }
        }
        found.into_values().collect()
    }

    /// Groups records by batch, and leaves out what one may not see yet.
    fn entries(&self, records: Vec<ReviewRecord>, limit: usize) -> Result<Log, CorpusError> {
        let mut order: Vec<Uuid> = Vec::new();
        let mut batches: BTreeMap<Uuid, Vec<ReviewRecord>> = BTreeMap::new();
        for record in records {
            let batch = batches.entry(record.batch_id()).or_insert_with(|| {
                order.push(record.batch_id());
                Vec::new()
            });
            batch.push(record);
        }
        let mut log = Log {
            entries: Vec::new(),
            earlier: order.len(),
            hidden: 0,
        };
        let visible = |records: Vec<ReviewRecord>| -> Result<Vec<ReviewRecord>, CorpusError> {
            let mut seen = Vec::with_capacity(records.len());
            for record in records {
                if self.may_see(&record)? {
                    seen.push(record);
                }
            }
            Ok(seen)
        };
        for batch in order.into_iter().rev() {
            if log.entries.len() == limit {
                break;
            }
            log.earlier -= 1;
            let records = visible(batches.remove(&batch).unwrap_or_default())?;
            let Some(first) = records.first() else {
                log.hidden += 1;
                continue;
            };
            let (switched, is_undone) = {
                let journals = self.journals();
                let reviews = journals.reviews();
                let switched = reviews.switched(first).into_iter().cloned().collect();
                let is_undone = match first.verb {
                    Verb::Undo(_) => !reviews.holds(first),
                    _ => !reviews.is_active(first),
                };
                (switched, is_undone)
            };
            let switched = visible(switched)?;
            if first.verb.is_reversal() && switched.is_empty() {
                log.hidden += 1;
                continue;
            }
            log.entries.push(LogEntry {
                batch,
                records,
                switched,
                is_undone,
            });
        }
        log.entries.reverse();
        Ok(log)
    }
}
