//! Queues: which items somebody is to look at, and who has.

use std::collections::{BTreeMap, HashSet};

use crate::domain::TargetId;
use crate::domain::review::Review;
use crate::index::query::{Clause, Expression, Query, ResultKind, Test, field_named};
use crate::index::{DocumentKind, Sort};

use super::{Corpus, CorpusError, MatchedTarget};

/// A trajectory or pair in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedItem {
    /// Which.
    pub id: TargetId,
    /// The queue.
    pub queue: String,
    /// For each annotator who is to look at it whether it is done: they gave their verdict, or it was adjudicated.
    pub annotators: BTreeMap<String, bool>,
}

/// A trajectory or pair that was put into a queue and is out of it, although nobody took it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LapsedItem {
    /// Which, as this workspace names it now, else as whoever assigned it did.
    pub id: TargetId,
    /// The queue.
    pub queue: String,
    /// Who was to look at it.
    pub annotators: Vec<String>,
    /// Whether no source has it any more; else its source record is another since it was assigned.
    pub is_gone: bool,
}

impl Corpus {
    /// What a query finds, each trajectory and pair once; a step stands for its trajectory.
    pub fn items_of(&self, query: &Query) -> Result<Vec<MatchedTarget>, CorpusError> {
        let mut seen = HashSet::new();
        let found = self.matched_targets(query, Sort::Source, usize::MAX >> 16)?;
        let whole = found.into_iter().map(|found| match found.kind {
            DocumentKind::Step => MatchedTarget {
                kind: DocumentKind::Trajectory,
                step: None,
                ..found
            },
            _ => found,
        });
        Ok(whole
            .filter(|found| seen.insert((found.id.clone(), found.kind == DocumentKind::Pair)))
            .collect())
    }

    /// What is in queues, in the order of the sources; an item of two queues comes twice.
    pub fn queued_items(&self) -> Result<Vec<QueuedItem>, CorpusError> {
        let any_queue = Clause {
            field: field_named("queue"),
            test: Test::Prefix(String::new()),
            span: 0..0,
        };
        let query = Query {
            expression: Expression::Term(any_queue),
            result_kind: ResultKind::Record,
        };
        let mut items = Vec::new();
        for found in self.items_of(&query)? {
            let review = self.full_review(&found.id, &found.hash);
            let done = |annotator: &String| {
                let is_done = is_done(&review, annotator);
                (annotator.clone(), is_done)
            };
            for (queue, annotators) in &review.assignments {
                items.push(QueuedItem {
                    id: found.id.clone(),
                    queue: queue.clone(),
                    annotators: annotators.iter().map(done).collect(),
                });
            }
        }
        Ok(items)
    }

    /// What fell out of queues because its source record changed or went, and was not assigned again since. `queued` is what
    /// is in queues now.
    pub fn lapsed_items(&self, queued: &[QueuedItem]) -> Result<Vec<LapsedItem>, CorpusError> {
        let present: HashSet<(&TargetId, &str)> = queued
            .iter()
            .map(|item| (&item.id, item.queue.as_str()))
            .collect();
        let mut lapsed = BTreeMap::new();
        for (reference, assignment) in self.journals().reviews().assignments() {
            let queue = assignment.queue.as_str();
            if present.contains(&(&reference.id, queue)) {
                continue;
            }
            let found = self.resolve(reference)?;
            let (id, is_gone) = match found {
                // It is there under another name.
                Some((_, hash)) if hash == reference.hash => continue,
                Some((id, _)) => (id, false),
                None => (reference.id.clone(), true),
            };
            if present.contains(&(&id, queue)) {
                continue;
            }
            let item = LapsedItem {
                id,
                queue: queue.to_owned(),
                annotators: assignment.annotators.clone(),
                is_gone,
            };
            lapsed.insert((item.queue.clone(), item.id.to_string()), item);
        }
        Ok(lapsed.into_values().collect())
    }
}

fn is_done(review: &Review, annotator: &str) -> bool {
    review.adjudication.is_some() || review.verdicts.contains_key(annotator)
}
