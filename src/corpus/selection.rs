use std::collections::{BTreeMap, HashSet};

use crate::domain::TargetId;
use crate::index::query::{Query, ResultKind};
use crate::index::{DocumentKind, RecordKey, Sort};

use super::decision::{DecisionError, Subject};
use super::{Corpus, CorpusError, MatchedTarget};

/// What decisions, exports and replays are about.
#[derive(Debug, Clone)]
pub enum Selection {
    /// Ids or content hashes, one by one.
    Ids(Vec<String>),
    /// What this finds.
    Query(Box<Query>),
}

/// What a hit that is a step stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepHits {
    /// Its trajectory, once for all its steps.
    Trajectories,
    /// The step.
    Steps,
}

/// One thing of a selection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selected {
    /// An id or content hash, as somebody wrote it; nobody looked yet whether it is there.
    Id(String),
    /// Something that a query found.
    Match(Box<MatchedTarget>),
}

impl Selected {
    /// Its id, as far as it is known.
    pub fn id(&self) -> String {
        match self {
            Self::Id(id) => id.clone(),
            Self::Match(found) => found.id.to_string(),
        }
    }

    /// The trajectory or pair as it is now.
    pub fn subject(&self, corpus: &Corpus) -> Result<Subject, DecisionError> {
        match self {
            Self::Id(id) => Subject::named(corpus, id),
            Self::Match(found) => Subject::matched(corpus, found),
        }
    }
}

/// Which pairs of a record are wanted, by their parts; `None` where the whole record is.
pub type WantedPairs = Option<Vec<Option<String>>>;

impl Selection {
    /// Each trajectory, pair or step once, in order. It is an error if a query could not look into all records: half of what was
    /// meant is worse than nothing.
    pub fn targets(
        &self,
        corpus: &Corpus,
        step_hits: StepHits,
    ) -> Result<Vec<Selected>, CorpusError> {
        let query = match self {
            Self::Ids(ids) => return Ok(ids.iter().cloned().map(Selected::Id).collect()),
            Self::Query(query) => query,
        };
        let before = corpus.unmatched().0;
        let found = corpus.matched_targets(query, Sort::Source, usize::MAX >> 16)?;
        check_all_looked_into(corpus, before)?;
        let as_trajectories =
            query.result_kind == ResultKind::Step && step_hits == StepHits::Trajectories;
        let mut seen = HashSet::new();
        let found = found.into_iter().filter_map(|found| {
            let found = match found.kind {
                DocumentKind::Step if as_trajectories => MatchedTarget {
                    kind: DocumentKind::Trajectory,
                    step: None,
                    ..found
                },
                _ => found,
            };
            seen.insert((found.id.clone(), found.step))
                .then(|| Selected::Match(Box::new(found)))
        });
        Ok(found.collect())
    }

    /// The trajectories alone, each once; pairs hold no run of their own.
    pub fn trajectories(&self, corpus: &Corpus) -> Result<Vec<Selected>, CorpusError> {
        let mut seen = HashSet::new();
        let targets = self.targets(corpus, StepHits::Trajectories)?;
        let of_trajectory = targets.into_iter().filter_map(|selected| match selected {
            Selected::Id(_) => Some(selected),
            Selected::Match(found) if found.kind == DocumentKind::Pair => None,
            Selected::Match(found) => {
                let whole = MatchedTarget {
                    id: TargetId {
                        record: found.id.record.clone(),
                        part: None,
                    },
                    kind: DocumentKind::Trajectory,
                    step: None,
                    ..*found
                };
                seen.insert(whole.id.clone())
                    .then(|| Selected::Match(Box::new(whole)))
            }
        });
        Ok(of_trajectory.collect())
    }

    /// The records in the order of their sources, each with what is wanted of it. A step stands for its trajectory; a pair for
    /// itself alone.
    pub fn records(
        &self,
        corpus: &Corpus,
    ) -> Result<BTreeMap<RecordKey, WantedPairs>, CorpusError> {
        let mut records: BTreeMap<RecordKey, WantedPairs> = BTreeMap::new();
        let mut take = |key: RecordKey, pair: Option<Option<String>>| {
            let wanted = records.entry(key).or_insert_with(|| Some(Vec::new()));
            match (pair, wanted) {
                (Some(part), Some(parts)) => parts.push(part),
                (Some(_), None) => {}
                (None, wanted) => *wanted = None,
            }
        };
        match self {
            Self::Ids(ids) => {
                for id in ids {
                    let id = TargetId::parse(id.trim());
                    let key = corpus.key_of(&id)?;
                    take(key, id.part.map(Some));
                }
            }
            Self::Query(query) => {
                let before = corpus.unmatched().0;
                let rows = corpus.rows(query, &[])?;
                check_all_looked_into(corpus, before)?;
                for row in rows {
                    let is_pair = row.found.kind == DocumentKind::Pair;
                    take(row.found.record, is_pair.then_some(row.found.part));
                }
            }
        }
        Ok(records)
    }
}

/// An error if there are more records than before that could not be looked into.
fn check_all_looked_into(corpus: &Corpus, before: usize) -> Result<(), CorpusError> {
    let (now, reason) = corpus.unmatched();
    match now.saturating_sub(before) {
        0 => Ok(()),
        count => Err(CorpusError::Unmatched { count, reason }),
    }
}
