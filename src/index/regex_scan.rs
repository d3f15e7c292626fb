//! `code:/…/`: the index narrows down the candidates, then their texts are read and matched.

use regex::Regex;
use regex_syntax::hir::{Hir, HirKind};
use tantivy::collector::DocSetCollector;
use tantivy::index::SegmentId;
use tantivy::query::{
    BooleanQuery, ConstScorer, EmptyScorer, EnableScoring, Explanation, Occur, Query, RegexQuery,
    Scorer, TermQuery, Weight,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocAddress, DocId, DocSet, Score, SegmentReader, TERMINATED, TantivyError, Term};

use super::document::RecordKey;
use super::membership::Members;
use super::query::compile_regex;
use super::search::{Match, MatchColumns};
use super::store::{IndexError, IndexStoreReader};
use super::tokenizer::{LONG_WORD, query_terms};

/// What the index asks of whoever has the records and their journals; it holds neither text nor queues itself.
pub trait RecordView: Sync {
    /// For each of `wanted` (documents of one record) whether the expression is found in that field of it.
    fn matches(
        &self,
        record: RecordKey,
        field: &str,
        expression: &Regex,
        wanted: &[Match],
    ) -> Result<Vec<bool>, String>;

    /// What has a value of one of [`MEMBERSHIP_FIELDS`](super::membership::MEMBERSHIP_FIELDS) that passes.
    fn members(&self, field: &str, passes: &dyn Fn(&str) -> bool) -> Result<Members, String>;
}

pub(super) struct RegexScan<'a> {
    name: &'a str,
    field: Field,
    expression: Regex,
    literals: Vec<String>,
}

impl<'a> RegexScan<'a> {
    pub(super) fn new(
        name: &'a str,
        field: Field,
        pattern: &str,
        ignore_case: bool,
    ) -> Result<Self, IndexError> {
        let expression = compile_regex(pattern, ignore_case)
            .map_err(|error| IndexError::Regex(error.to_string()))?;
        let literals = if ignore_case {
            Vec::new()
        } else {
            demanded_literals(pattern)
        };
        Ok(Self {
            name,
            field,
            expression,
            literals,
        })
    }

    pub(super) fn run(
        &self,
        reader: &IndexStoreReader,
        scope: &dyn Query,
        texts: &dyn RecordView,
    ) -> Result<Box<dyn Query>, IndexError> {
        let fail = |e| reader.error(e);
        let mut demanded: Vec<Box<dyn Query>> = vec![scope.box_clone()];
        for literal in &self.literals {
            demanded.extend(self.candidates(literal).map_err(fail)?);
        }
        let found = reader
            .searcher
            .search(&BooleanQuery::intersection(demanded), &DocSetCollector)
            .map_err(fail)?;
        let mut addresses: Vec<DocAddress> = found.into_iter().collect();
        addresses.sort_unstable();
        let mut documents = Vec::with_capacity(addresses.len());
        let mut columns: Option<(u32, MatchColumns)> = None;
        for address in addresses {
            if columns
                .as_ref()
                .is_none_or(|(known, _)| *known != address.segment_ord)
            {
                let segment = reader.searcher.segment_reader(address.segment_ord);
                columns = Some((
                    address.segment_ord,
                    MatchColumns::open(segment).map_err(fail)?,
                ));
            }
            if let Some((_, columns)) = &columns {
                documents.extend(columns.read(address.doc_id, 0.0).map(|m| (m, address)));
            }
        }
        documents.sort_by_key(|(found, _)| found.record);
        let groups: Vec<&[(Match, DocAddress)]> = documents
            .chunk_by(|a, b| a.0.record == b.0.record)
            .collect();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = groups.len().div_ceil(threads).max(1);
        let results: Vec<Result<Vec<DocAddress>, IndexError>> = std::thread::scope(|scope| {
            let running: Vec<_> = groups
                .chunks(share)
                .map(|groups| scope.spawn(|| self.scan(groups, texts)))
                .collect();
            running
                .into_iter()
                .map(|thread| {
                    thread.join().unwrap_or_else(|_| {
                        Err(IndexError::Text(
                            "matching the expression failed".to_owned(),
                        ))
                    })
                })
                .collect()
        });
        let mut matched = Vec::new();
        for result in results {
            matched.extend(result?);
        }
        let by_segment = reader
            .searcher
            .segment_readers()
            .iter()
            .enumerate()
            .map(|(ord, segment)| {
                let mut docs: Vec<DocId> = matched
                    .iter()
                    .filter(|address| address.segment_ord as usize == ord)
                    .map(|address| address.doc_id)
                    .collect();
                docs.sort_unstable();
                (segment.segment_id(), docs)
            })
            .collect();
        Ok(Box::new(DocumentSetQuery(by_segment)))
    }

    fn scan(
        &self,
        groups: &[&[(Match, DocAddress)]],
        texts: &dyn RecordView,
    ) -> Result<Vec<DocAddress>, IndexError> {
        let mut matched = Vec::new();
        for group in groups {
            let Some((first, _)) = group.first() else {
                continue;
            };
            let wanted: Vec<Match> = group.iter().map(|(found, _)| found.clone()).collect();
            let verdicts = texts
                .matches(first.record, self.name, &self.expression, &wanted)
                .map_err(IndexError::Text)?;
            let hits = group.iter().zip(verdicts).filter(|(_, verdict)| *verdict);
            matched.extend(hits.map(|((_, address), _)| *address));
        }
        Ok(matched)
    }

    /// Documents that can hold a literal: its words, of which the first and the last may be parts of longer ones.
    fn candidates(&self, literal: &str) -> tantivy::Result<Vec<Box<dyn Query>>> {
        let terms = query_terms(literal);
        let touches = |end: Option<char>| end.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let open_left = touches(literal.chars().next());
        let open_right = touches(literal.chars().next_back());
        let last = terms.len().saturating_sub(1);
        terms
            .iter()
            .enumerate()
            .filter(|(_, (_, word))| word.len() > 1 && word.is_ascii())
            .map(|(n, (_, word))| {
                let before = n == 0 && open_left;
                let after = n == last && open_right;
                let words: Box<dyn Query> = if before || after {
                    let pattern = format!(
                        "{}{}{}",
                        if before { ".*" } else { "" },
                        regex_syntax::escape(word),
                        if after { ".*" } else { "" }
                    );
                    Box::new(RegexQuery::from_pattern(&pattern, self.field)?)
                } else {
                    self.term(word)
                };
                // What stands inside a word too long for the index is not found by its words.
                Ok(Box::new(BooleanQuery::new(vec![
                    (Occur::Should, words),
                    (Occur::Should, self.term(LONG_WORD)),
                ])) as Box<dyn Query>)
            })
            .collect()
    }

    fn term(&self, word: &str) -> Box<dyn Query> {
        Box::new(TermQuery::new(
            Term::from_field_text(self.field, word),
            IndexRecordOption::Basic,
        ))
    }
}

/// Runs of characters that every match contains.
fn demanded_literals(pattern: &str) -> Vec<String> {
    let parsed = regex_syntax::ParserBuilder::new()
        .multi_line(true)
        .build()
        .parse(pattern);
    let mut literals = Vec::new();
    if let Ok(hir) = parsed {
        let mut run = Vec::new();
        collect(&hir, &mut run, &mut literals);
        flush(&mut run, &mut literals);
    }
    literals
}

fn flush(run: &mut Vec<u8>, literals: &mut Vec<String>) {
    if let Ok(text) = String::from_utf8(std::mem::take(run))
        && !text.is_empty()
    {
        literals.push(text);
    }
}

fn collect(hir: &Hir, run: &mut Vec<u8>, literals: &mut Vec<String>) {
    match hir.kind() {
        HirKind::Literal(literal) => run.extend_from_slice(&literal.0),
        HirKind::Concat(parts) => parts.iter().for_each(|part| collect(part, run, literals)),
        HirKind::Capture(capture) => collect(&capture.sub, run, literals),
        HirKind::Repetition(repetition) => {
            flush(run, literals);
            if repetition.min > 0 {
                collect(&repetition.sub, run, literals);
            }
            flush(run, literals);
        }
        // A place, not a character: what stands on its two sides still stands side by side.
        HirKind::Look(_) | HirKind::Empty => {}
        HirKind::Class(_) | HirKind::Alternation(_) => flush(run, literals),
    }
}

/// Documents known beforehand.
#[derive(Debug, Clone)]
pub(super) struct DocumentSetQuery(pub(super) Vec<(SegmentId, Vec<DocId>)>);

impl Query for DocumentSetQuery {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for DocumentSetQuery {
    fn scorer(&self, segment: &SegmentReader, _: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let docs = self
            .0
            .iter()
            .find(|(id, _)| *id == segment.segment_id())
            .map(|(_, docs)| docs.clone())
            .unwrap_or_default();
        if docs.is_empty() {
            return Ok(Box::new(EmptyScorer));
        }
        Ok(Box::new(ConstScorer::new(SortedDocs { docs, at: 0 }, 0.0)))
    }

    fn explain(&self, _: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        Err(TantivyError::InvalidArgument(format!(
            "document {doc} is one of a set or not; there is nothing to explain"
        )))
    }
}

/// Document numbers in rising order.
struct SortedDocs {
    docs: Vec<DocId>,
    at: usize,
}

impl DocSet for SortedDocs {
    fn advance(&mut self) -> DocId {
        self.at += 1;
        self.doc()
    }

    fn doc(&self) -> DocId {
        self.docs.get(self.at).copied().unwrap_or(TERMINATED)
    }

    fn size_hint(&self) -> u32 {
        self.docs.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_what_every_match_contains() {
        assert_eq!(
            demanded_literals(r"visualizer\(.*image_path"),
            ["visualizer(", "image_path"]
        );
        assert_eq!(demanded_literals(r"(?:cat|dog)food"), ["food"]);
        assert_eq!(demanded_literals(r"a(bc)+d"), ["a", "bc", "d"]);
        assert_eq!(demanded_literals(r"x?yz*"), ["y"]);
        assert!(demanded_literals(r"\w+").is_empty());
        assert_eq!(demanded_literals(r"^import\b os"), ["import os"]);
    }
}
