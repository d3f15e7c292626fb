use std::collections::HashMap;

use tantivy::collector::sort_key::{SortBySimilarityScore, SortByStaticFastValue};
use tantivy::collector::{Collector, Count, SegmentCollector, TopDocs};
use tantivy::columnar::{Column, StrColumn};
use tantivy::postings::SegmentPostings;
use tantivy::query::Query as TantivyQuery;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{
    DocAddress, DocId, DocSet, Order, Score, SegmentOrdinal, SegmentReader, TERMINATED, Term,
};

use super::document::{DocumentKind, RecordKey};
use super::schema::NUMBER_FIELDS;
use super::source_order::SourceOrder;
use super::store::{IndexError, IndexStoreReader};

/// In which order hits come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Best first.
    Score,
    /// As sources hold them.
    Source,
    /// By one of the number fields.
    Number {
        /// The field; one of [`NUMBER_FIELDS`].
        field: &'static str,
        /// Greatest first.
        descending: bool,
    },
}

impl Sort {
    /// The order with this name: `score`, `source`, or a number field, with `-` in front for greatest first.
    pub fn named(name: &str) -> Option<Self> {
        let (plain, descending) = match name.strip_prefix('-') {
            Some(rest) => (rest, true),
            None => (name, false),
        };
        match plain {
            "score" if !descending => Some(Self::Score),
            "source" if !descending => Some(Self::Source),
            _ => NUMBER_FIELDS
                .into_iter()
                .find(|field| *field == plain)
                .map(|field| Self::Number { field, descending }),
        }
    }

    /// All names, for messages.
    pub fn names() -> Vec<String> {
        ["score", "source"]
            .into_iter()
            .map(str::to_owned)
            .chain(
                NUMBER_FIELDS
                    .into_iter()
                    .flat_map(|f| [f.to_owned(), format!("-{f}")]),
            )
            .collect()
    }
}

/// A document that matched.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// Its record.
    pub record: RecordKey,
    /// What it stands for.
    pub kind: DocumentKind,
    /// The step's number from 1, for a step.
    pub step: Option<u32>,
    /// The pair's part, for a pair inside a record.
    pub part: Option<String>,
    /// How well it matched (BM25); 0 where the order is another.
    pub score: f32,
}

/// A query that the index can run; made by [`IndexStoreReader::lower`].
pub struct LoweredQuery(pub(super) Box<dyn TantivyQuery>);

/// The first matches and the count of all.
#[derive(Debug, Clone, PartialEq)]
pub struct Matches {
    /// How many documents match.
    pub total: usize,
    /// The first of them.
    pub first: Vec<Match>,
}

impl IndexStoreReader {
    /// Runs a query.
    pub fn search(
        &self,
        query: &LoweredQuery,
        sort: Sort,
        order: &SourceOrder,
        offset: usize,
        limit: usize,
    ) -> Result<Matches, IndexError> {
        let (total, rows) = self.search_rows(query, sort, order, offset, limit, &[])?;
        let first = rows.into_iter().map(|row| row.found).collect();
        Ok(Matches { total, first })
    }

    /// Runs a query: how many documents match, and some of them with the values of keyword and number fields.
    pub fn search_rows(
        &self,
        query: &LoweredQuery,
        sort: Sort,
        order: &SourceOrder,
        offset: usize,
        limit: usize,
        fields: &[&str],
    ) -> Result<(usize, Vec<Row>), IndexError> {
        let fail = |e| self.error(e);
        if limit == 0 {
            let total = self.searcher.search(&*query.0, &Count).map_err(fail)?;
            return Ok((total, Vec::new()));
        }
        // The collector takes memory for the limit at once, however few documents there are.
        let documents = usize::try_from(self.searcher.num_docs()).unwrap_or(limit);
        let top = TopDocs::with_limit(limit.min(documents.max(1))).and_offset(offset);
        // Equals come as sources hold them, however the index lies on disk.
        let (record, step) = ((order.clone(), Order::Asc), ascending("step"));
        let unscored = |found: Vec<DocAddress>| found.into_iter().map(|at| (0.0, at)).collect();
        let (total, found): (usize, Vec<(f32, DocAddress)>) = match sort {
            Sort::Score => {
                let order = (SortBySimilarityScore, record, step);
                let (total, found) = self.collect(query, top.order_by(order))?;
                let scored = found.into_iter().map(|((score, ..), at)| (score, at));
                (total, scored.collect())
            }
            Sort::Source => {
                let (total, found) = self.collect(query, top.order_by((record, step)))?;
                (
                    total,
                    unscored(found.into_iter().map(|(_, at)| at).collect()),
                )
            }
            Sort::Number { field, descending } => {
                let order = if descending { Order::Desc } else { Order::Asc };
                let by_number = (SortByStaticFastValue::<u64>::for_field(field), order);
                let (total, found) =
                    self.collect(query, top.order_by((by_number, record, step)))?;
                (
                    total,
                    unscored(found.into_iter().map(|(_, at)| at).collect()),
                )
            }
        };
        let mut columns: HashMap<SegmentOrdinal, (MatchColumns, Vec<ValueColumn>)> = HashMap::new();
        let mut rows = Vec::with_capacity(found.len());
        for (score, address) in found {
            let (columns, of_fields) = match columns.entry(address.segment_ord) {
                std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::hash_map::Entry::Vacant(free) => {
                    let segment = self.searcher.segment_reader(address.segment_ord);
                    let opened = fields.iter().map(|field| ValueColumn::open(segment, field));
                    let opened: tantivy::Result<_> = opened.collect();
                    free.insert((
                        MatchColumns::open(segment).map_err(fail)?,
                        opened.map_err(fail)?,
                    ))
                }
            };
            if let Some(found) = columns.read(address.doc_id, score) {
                let values = of_fields
                    .iter()
                    .map(|column| column.values(address.doc_id))
                    .collect();
                rows.push(Row { found, values });
            }
        }
        Ok((total, rows))
    }

    fn collect<C: Collector>(
        &self,
        query: &LoweredQuery,
        top: C,
    ) -> Result<(usize, C::Fruit), IndexError> {
        self.searcher
            .search(&*query.0, &(Count, top))
            .map_err(|e| self.error(e))
    }

    /// The records that documents with this id, or with this content hash, belong to.
    pub fn keys_of(&self, id_or_hash: &str) -> Result<Vec<RecordKey>, IndexError> {
        let terms = [
            Term::from_field_text(self.fields.id, &id_or_hash.to_lowercase()),
            Term::from_field_text(self.fields.hash, id_or_hash),
        ];
        let mut keys = Vec::new();
        for segment in self.searcher.segment_readers() {
            for term in &terms {
                let found = keys_in(segment, term).map_err(|e| self.error(e))?;
                keys.extend(found);
            }
        }
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }

    /// The records of documents that have any value in a keyword field.
    pub fn keys_with(&self, field: &str) -> Result<Vec<RecordKey>, IndexError> {
        let Some(field) = self.fields.keyword_named(field) else {
            return Ok(Vec::new());
        };
        let mut keys = Vec::new();
        for segment in self.searcher.segment_readers() {
            keys.extend(keys_in_field(segment, field).map_err(|e| self.error(e))?);
        }
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }

    /// Every match in no particular order, with the values of some keyword fields.
    pub fn rows(&self, query: &LoweredQuery, fields: &[&str]) -> Result<Vec<Row>, IndexError> {
        let collector = RowCollector {
            fields: fields.iter().map(|f| (*f).to_owned()).collect(),
        };
        self.searcher
            .search(&*query.0, &collector)
            .map_err(|e| self.error(e))
    }
}

/// The records of a segment's documents with a term. Looked up as such: a query on a set of terms builds an automaton first,
/// which takes a millisecond.
fn keys_in(segment: &SegmentReader, term: &Term) -> tantivy::Result<Vec<RecordKey>> {
    let index = segment.inverted_index(term.field())?;
    match index.read_postings(term, IndexRecordOption::Basic)? {
        Some(postings) => keys_of_postings(segment, postings),
        None => Ok(Vec::new()),
    }
}

/// The records of a segment's documents with any term of a field.
fn keys_in_field(segment: &SegmentReader, field: Field) -> tantivy::Result<Vec<RecordKey>> {
    let index = segment.inverted_index(field)?;
    let mut terms = index.terms().stream()?;
    let mut keys = Vec::new();
    while let Some((_, term)) = terms.next() {
        let postings = index.read_postings_from_terminfo(term, IndexRecordOption::Basic)?;
        keys.extend(keys_of_postings(segment, postings)?);
    }
    Ok(keys)
}

fn keys_of_postings(
    segment: &SegmentReader,
    mut postings: SegmentPostings,
) -> tantivy::Result<Vec<RecordKey>> {
    let records = segment.fast_fields().u64("record")?;
    let mut keys = Vec::new();
    let mut document = postings.doc();
    while document != TERMINATED {
        if !segment.is_deleted(document) {
            keys.extend(records.first(document).map(RecordKey::from_number));
        }
        document = postings.advance();
    }
    Ok(keys)
}

/// A match with values of keyword fields, in the order asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The match.
    pub found: Match,
    /// For each field its values.
    pub values: Vec<Vec<String>>,
}

fn ascending(field: &str) -> (SortByStaticFastValue<u64>, Order) {
    (SortByStaticFastValue::for_field(field), Order::Asc)
}

pub(super) struct MatchColumns {
    record: Column<u64>,
    step: Column<u64>,
    kind: StrColumn,
    part: Option<StrColumn>,
}

impl MatchColumns {
    pub(super) fn open(segment: &SegmentReader) -> tantivy::Result<Self> {
        let columns = segment.fast_fields();
        Ok(Self {
            record: columns.u64("record")?,
            step: columns.u64("step")?,
            kind: columns.str("kind")?.ok_or_else(|| {
                tantivy::TantivyError::SchemaError("the field `kind` has no column".to_owned())
            })?,
            part: columns.str("part")?,
        })
    }

    pub(super) fn read(&self, doc: DocId, score: Score) -> Option<Match> {
        let kinds = values(&self.kind, doc);
        let kind = kinds.iter().find_map(|kind| DocumentKind::named(kind))?;
        Some(Match {
            record: RecordKey::from_number(self.record.first(doc)?),
            kind,
            step: self
                .step
                .first(doc)
                .and_then(|step| u32::try_from(step).ok())
                .filter(|_| kind == DocumentKind::Step),
            part: self
                .part
                .as_ref()
                .and_then(|column| values(column, doc).into_iter().next()),
            score,
        })
    }
}

fn values(column: &StrColumn, doc: DocId) -> Vec<String> {
    column
        .term_ords(doc)
        .filter_map(|ord| {
            let mut text = String::new();
            matches!(column.ord_to_str(ord, &mut text), Ok(true)).then_some(text)
        })
        .collect()
}

/// The values of a keyword or number field.
enum ValueColumn {
    Keyword(Option<StrColumn>),
    Number(Option<Column<u64>>),
}

impl ValueColumn {
    fn open(segment: &SegmentReader, field: &str) -> tantivy::Result<Self> {
        let columns = segment.fast_fields();
        Ok(match NUMBER_FIELDS.contains(&field) {
            true => Self::Number(columns.column_opt::<u64>(field)?),
            false => Self::Keyword(columns.str(field)?),
        })
    }

    fn values(&self, doc: DocId) -> Vec<String> {
        match self {
            Self::Keyword(column) => column.as_ref().map_or_else(Vec::new, |c| values(c, doc)),
            Self::Number(column) => {
                let number = column.as_ref().and_then(|c| c.first(doc));
                number
                    .map(|number| number.to_string())
                    .into_iter()
                    .collect()
            }
        }
    }
}

struct RowCollector {
    fields: Vec<String>,
}

struct RowSegmentCollector {
    columns: MatchColumns,
    fields: Vec<ValueColumn>,
    rows: Vec<Row>,
}

impl Collector for RowCollector {
    type Fruit = Vec<Row>;
    type Child = RowSegmentCollector;

    fn for_segment(
        &self,
        _: SegmentOrdinal,
        segment: &SegmentReader,
    ) -> tantivy::Result<RowSegmentCollector> {
        Ok(RowSegmentCollector {
            columns: MatchColumns::open(segment)?,
            fields: self
                .fields
                .iter()
                .map(|field| ValueColumn::open(segment, field))
                .collect::<tantivy::Result<_>>()?,
            rows: Vec::new(),
        })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<Vec<Row>>) -> tantivy::Result<Vec<Row>> {
        Ok(segments.into_iter().flatten().collect())
    }
}

impl SegmentCollector for RowSegmentCollector {
    type Fruit = Vec<Row>;

    fn collect(&mut self, doc: DocId, score: Score) {
        if let Some(found) = self.columns.read(doc, score) {
            let values = self
                .fields
                .iter()
                .map(|column| column.values(doc))
                .collect();
            self.rows.push(Row { found, values });
        }
    }

    fn harvest(self) -> Vec<Row> {
        self.rows
    }
}
