//! Queues: which items somebody is to look at, and who has.

use std::collections::{BTreeMap, HashSet};

use crate::domain::review::Review;
use crate::domain::{ContentHash, TargetId};
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

fn is_done(review: &Review, annotator: &str) -> bool {
    review.adjudication.is_some() || review.verdicts.contains_key(annotator)
}
