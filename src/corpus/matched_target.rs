use crate::domain::{ContentHash, RecordId, TargetId};
use crate::index::query::Query;
use crate::index::{DocumentKind, Match, Sort};

use super::{Corpus, CorpusError};

/// A match as records of a journal name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchedTarget {
    /// The record, or the pair inside it.
    pub id: TargetId,
    /// The content hash of the record, as it was indexed.
    pub hash: ContentHash,
    /// What matched.
    pub kind: DocumentKind,
    /// The step's number from 1, as it is shown now, for a step.
    pub step: Option<u32>,
}

impl Corpus {
    /// The first matches of a query, in order; no record is read for them.
    pub fn matched_targets(
        &self,
        query: &Query,
        sort: Sort,
        limit: usize,
    ) -> Result<Vec<MatchedTarget>, CorpusError> {
        let matches = self.matches(&self.lower(query)?, sort, 0, limit)?;
        let target = |found: Match| {
            let source = self.state.by_ordinal(found.record.source);
            let row = self.row(found.record)?;
            Ok(source.zip(row).map(|(source, row)| MatchedTarget {
                id: TargetId {
                    record: RecordId::new(&source.name, &row.id),
                    part: found.part,
                },
                hash: row.hash,
                kind: found.kind,
                step: found.step,
            }))
        };
        let targets = matches.first.into_iter().map(target);
        targets.filter_map(Result::transpose).collect()
    }
}
