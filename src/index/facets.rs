use std::collections::BTreeMap;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Column, StrColumn};
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

use super::search::LoweredQuery;
use super::store::{IndexError, IndexStoreReader};

/// How often each value of a keyword field occurs among the matches.
pub type FacetCounts = BTreeMap<String, u64>;

/// Sum, count and histogram of a number field among the matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NumberSummary {
    /// Documents that have the number.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
    /// The smallest.
    pub minimum: Option<u64>,
    /// The greatest.
    pub maximum: Option<u64>,
    /// How often each value occurs; values of 64 and more are left out, `count` tells how many.
    pub histogram: BTreeMap<u64, u64>,
}

const HISTOGRAM_LIMIT: u64 = 64;

/// Facets and number summaries of one query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many documents match.
    pub total: u64,
    /// Counts for each keyword field asked for, in that order.
    pub facets: Vec<FacetCounts>,
    /// A summary for each number field asked for, in that order.
    pub numbers: Vec<NumberSummary>,
}

impl IndexStoreReader {
    /// Counts values over all matches.
    pub fn summarize(
        &self,
        query: &LoweredQuery,
        keywords: &[&str],
        numbers: &[&str],
    ) -> Result<Summary, IndexError> {
        let collector = SummaryCollector {
            keywords: keywords.iter().map(|k| (*k).to_owned()).collect(),
            numbers: numbers.iter().map(|n| (*n).to_owned()).collect(),
        };
        self.searcher
            .search(&*query.0, &collector)
            .map_err(|e| self.error(e))
    }
}

struct SummaryCollector {
    keywords: Vec<String>,
    numbers: Vec<String>,
}

struct SummarySegmentCollector {
    total: u64,
    values: BlockValues,
    keywords: Vec<Option<(StrColumn, Vec<u64>)>>,
    numbers: Vec<(Option<Column<u64>>, NumberSummary)>,
}

impl Collector for SummaryCollector {
    type Fruit = Summary;
    type Child = SummarySegmentCollector;

    fn for_segment(
        &self,
        _: SegmentOrdinal,
        segment: &SegmentReader,
    ) -> tantivy::Result<SummarySegmentCollector> {
        let columns = segment.fast_fields();
        Ok(SummarySegmentCollector {
            total: 0,
            values: BlockValues::default(),
            keywords: self
                .keywords
                .iter()
                .map(|name| {
                    Ok(columns.str(name)?.map(|column| {
                        let counts = vec![0; column.num_terms()];
                        (column, counts)
                    }))
                })
                .collect::<tantivy::Result<_>>()?,
            numbers: self
                .numbers
                .iter()
                .map(|name| Ok((columns.column_opt::<u64>(name)?, NumberSummary::default())))
                .collect::<tantivy::Result<_>>()?,
        })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<Summary>) -> tantivy::Result<Summary> {
        let mut sum = Summary {
            total: 0,
            facets: vec![FacetCounts::new(); self.keywords.len()],
            numbers: vec![NumberSummary::default(); self.numbers.len()],
        };
        for segment in segments {
            sum.total += segment.total;
            for (into, from) in sum.facets.iter_mut().zip(segment.facets) {
                for (value, count) in from {
                    *into.entry(value).or_default() += count;
                }
            }
            for (into, from) in sum.numbers.iter_mut().zip(segment.numbers) {
                into.merge(from);
            }
        }
        Ok(sum)
    }
}

/// The values of a block of documents, read column by column: one at a time costs several times as much.
#[derive(Default)]
struct BlockValues {
    docs: Vec<DocId>,
    rows: Vec<u32>,
    values: Vec<u64>,
}

impl BlockValues {
    fn of(&mut self, column: &Column<u64>, docs: &[DocId]) -> &[u64] {
        self.docs.clear();
        self.rows.clear();
        column
            .index
            .docids_to_rowids(docs, &mut self.docs, &mut self.rows);
        self.values.clear();
        self.values.resize(self.rows.len(), 0);
        column.values.get_vals(&self.rows, &mut self.values);
        &self.values
    }
}

impl NumberSummary {
    fn add(&mut self, value: u64) {
        self.count += 1;
        self.sum += value;
        self.minimum = Some(self.minimum.map_or(value, |m| m.min(value)));
        self.maximum = Some(self.maximum.map_or(value, |m| m.max(value)));
        if value < HISTOGRAM_LIMIT {
            *self.histogram.entry(value).or_default() += 1;
        }
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.minimum = [self.minimum, other.minimum].into_iter().flatten().min();
        self.maximum = [self.maximum, other.maximum].into_iter().flatten().max();
        for (value, count) in other.histogram {
            *self.histogram.entry(value).or_default() += count;
        }
    }
}

impl SegmentCollector for SummarySegmentCollector {
    type Fruit = Summary;

    fn collect(&mut self, doc: DocId, _: Score) {
        self.collect_block(&[doc]);
    }

    fn collect_block(&mut self, docs: &[DocId]) {
        self.total += docs.len() as u64;
        for (column, counts) in self.keywords.iter_mut().flatten() {
            for ord in self.values.of(column.ords(), docs) {
                if let Some(count) = usize::try_from(*ord).ok().and_then(|at| counts.get_mut(at)) {
                    *count += 1;
                }
            }
        }
        for (column, summary) in &mut self.numbers {
            let Some(column) = column else { continue };
            for value in docs.iter().filter_map(|doc| column.first(*doc)) {
                summary.add(value);
            }
        }
    }

    fn harvest(self) -> Summary {
        let facets = self
            .keywords
            .into_iter()
            .map(|slot| {
                let mut facet = FacetCounts::new();
                for (ord, count) in slot
                    .iter()
                    .flat_map(|(_, counts)| counts.iter().enumerate())
                    .filter(|(_, count)| **count > 0)
                {
                    let mut value = String::new();
                    let known = slot.as_ref().is_some_and(|(c, _)| {
                        matches!(c.ord_to_str(ord as u64, &mut value), Ok(true))
                    });
                    if known {
                        facet.insert(value, *count);
                    }
                }
                facet
            })
            .collect();
        Summary {
            total: self.total,
            facets,
            numbers: self
                .numbers
                .into_iter()
                .map(|(_, summary)| summary)
                .collect(),
        }
    }
}
