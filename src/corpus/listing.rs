use crate::domain::{ContentHash, RecordId, TargetId};
use crate::index::query::Query;
use crate::index::{Matches, Sort};

use super::{Corpus, CorpusError, Hit, hit};

/// A hit with values that the index holds of it: a row of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedHit {
    /// The hit.
    pub hit: Hit,
    /// For each field asked for its values; a number is written in digits.
    pub values: Vec<Vec<String>>,
}

/// Rows of a list, and how long the whole list is.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// How many hits there are.
    pub total: usize,
    /// Those asked for.
    pub rows: Vec<ListedHit>,
}

impl Corpus {
    /// Hits from `offset` on, each with the values of keyword and number fields.
    pub fn list(
        &self,
        query: &Query,
        sort: Sort,
        offset: usize,
        limit: usize,
        fields: &[&str],
    ) -> Result<Listing, CorpusError> {
        let lowered = self.lower(query)?;
        let order = self.source_order()?;
        let (total, rows) = self
            .reader
            .search_rows(&lowered, sort, order, offset, limit, fields)?;
        let (first, values): (Vec<_>, Vec<_>) =
            rows.into_iter().map(|row| (row.found, row.values)).unzip();
        let hits = hit::hits(self, query, Matches { total, first })?;
        let rows = hits.first.into_iter().zip(values);
        Ok(Listing {
            total,
            rows: rows
                .map(|(hit, values)| ListedHit { hit, values })
                .collect(),
        })
    }
}

impl Corpus {
    /// Ids and content hashes of records and pairs from `offset` on, in the order of a list; no record is read.
    pub fn list_ids(
        &self,
        query: &Query,
        sort: Sort,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<(TargetId, ContentHash)>, CorpusError> {
        let matches = self.matches(&self.lower(query)?, sort, offset, limit)?;
        let mut ids = Vec::with_capacity(matches.first.len());
        for found in matches.first {
            let source = self.state.by_ordinal(found.record.source);
            if let Some((source, row)) = source.zip(self.row(found.record)?) {
                let record = RecordId::new(&source.name, &row.id);
                let part = found.part;
                ids.push((TargetId { record, part }, row.hash));
            }
        }
        Ok(ids)
    }
}
