//! From what a query says to what tantivy runs.

use std::ops::Bound;
use std::sync::Arc;

use tantivy::Term;
use tantivy::query::{
    AllQuery, AutomatonWeight, BooleanQuery, ConstScoreQuery, DfaWrapper, EmptyQuery,
    EnableScoring, FuzzyTermQuery, InvertedIndexRangeQuery, Occur, PhraseQuery,
    Query as TantivyQuery, RangeQuery, TermQuery, Weight,
};
use tantivy::schema::{Field, IndexRecordOption};

use super::ast::{Clause, Expression, Query, ResultKind, Test};
use super::field::FieldKind;
use crate::index::document::{DocumentKind, RECORD};
use crate::index::membership::{MEMBERSHIP_FIELDS, SOURCE_CHANGED, member_query};
use crate::index::regex_scan::{RecordView, RegexScan};
use crate::index::schema::TEXT_FIELDS;
use crate::index::search::LoweredQuery;
use crate::index::store::{IndexError, IndexStoreReader};
use crate::index::tokenizer::query_terms;

type Boxed = Box<dyn TantivyQuery>;

impl IndexStoreReader {
    /// Makes a query runnable. Regular expressions are run here and now, over the candidates that the rest of the query
    /// leaves; `texts` reads what they are matched against. Words without a field don't look through the text fields in
    /// `hidden`.
    pub fn lower(
        &self,
        query: &Query,
        texts: &dyn RecordView,
        hidden: &[&str],
    ) -> Result<LoweredQuery, IndexError> {
        let kinds = self.kinds(query.result_kind);
        let shown = TEXT_FIELDS.iter().zip(self.fields.text);
        let lowering = Lowering {
            reader: self,
            texts,
            plain: shown
                .filter(|(name, _)| !hidden.contains(name))
                .map(|(_, field)| field)
                .collect(),
        };
        let conditions = lowering.expression(&query.expression, &kinds)?;
        Ok(LoweredQuery(match query.expression {
            Expression::All => kinds,
            _ => all_of(vec![conditions, kinds]),
        }))
    }

    fn kinds(&self, kind: ResultKind) -> Boxed {
        let name = match kind {
            ResultKind::Record => RECORD,
            ResultKind::Trajectory => DocumentKind::Trajectory.name(),
            ResultKind::Step => DocumentKind::Step.name(),
            ResultKind::Pair => DocumentKind::Pair.name(),
        };
        match self.fields.keyword_named("kind") {
            Some(field) => filter(exact(field, name)),
            None => Box::new(EmptyQuery),
        }
    }
}

struct Lowering<'a> {
    reader: &'a IndexStoreReader,
    texts: &'a dyn RecordView,
    /// What words without a field look through.
    plain: Vec<Field>,
}

impl Lowering<'_> {
    /// `scope` is what the whole query demands around this expression: a regular expression is only matched inside it.
    fn expression(&self, expression: &Expression, scope: &Boxed) -> Result<Boxed, IndexError> {
        match expression {
            Expression::All => Ok(Box::new(AllQuery)),
            Expression::Or(parts) => Ok(Box::new(BooleanQuery::union(
                parts
                    .iter()
                    .map(|part| self.expression(part, scope))
                    .collect::<Result<_, _>>()?,
            ))),
            Expression::Not(inner) => Ok(all_but(self.expression(inner, scope)?)),
            Expression::And(parts) => {
                let (slow, quick): (Vec<_>, Vec<_>) = parts.iter().partition(|p| has_regex(p));
                let mut clauses = Vec::with_capacity(parts.len());
                for part in quick {
                    clauses.push(self.conjunct(part, scope)?);
                }
                for part in slow {
                    let mut inner: Vec<(Occur, Boxed)> = clauses
                        .iter()
                        .map(|(occur, query): &(Occur, Boxed)| (*occur, query.box_clone()))
                        .collect();
                    inner.push((Occur::Must, scope.box_clone()));
                    let narrowed: Boxed = Box::new(BooleanQuery::new(inner));
                    clauses.push(self.conjunct(part, &narrowed)?);
                }
                if clauses.iter().all(|(occur, _)| *occur == Occur::MustNot) {
                    clauses.push((Occur::Must, Box::new(AllQuery)));
                }
                Ok(Box::new(BooleanQuery::new(clauses)))
            }
            Expression::Term(clause) => self.clause(clause, scope),
        }
    }

    fn conjunct(&self, part: &Expression, scope: &Boxed) -> Result<(Occur, Boxed), IndexError> {
        match part {
            Expression::Not(inner) => Ok((Occur::MustNot, self.expression(inner, scope)?)),
            other => Ok((Occur::Must, self.expression(other, scope)?)),
        }
    }

    fn clause(&self, clause: &Clause, scope: &Boxed) -> Result<Boxed, IndexError> {
        let fields = &self.reader.fields;
        let Some(field) = clause.field else {
            let mut parts = text_tests(&self.plain, &clause.test);
            if matches!(clause.test, Test::Phrase(_)) {
                // A union looks at positions in every document; inside the scope there are fewer.
                parts = parts
                    .into_iter()
                    .map(|p| all_of(vec![scope.box_clone(), p]))
                    .collect();
            }
            return Ok(Box::new(BooleanQuery::union(parts)));
        };
        let query = match (field.kind, &clause.test) {
            (
                FieldKind::Text,
                Test::Regex {
                    pattern,
                    ignore_case,
                },
            ) => {
                let Some(handle) = fields.text_named(field.name) else {
                    return Ok(Box::new(EmptyQuery));
                };
                return RegexScan::new(field.name, handle, pattern, *ignore_case)?.run(
                    self.reader,
                    scope,
                    self.texts,
                );
            }
            (FieldKind::Text, test) => {
                let handle = fields.text_named(field.name);
                handle.and_then(|f| text_tests(&[f], test).pop())
            }
            (FieldKind::Keyword, test) if MEMBERSHIP_FIELDS.contains(&field.name) => {
                let passes = |value: &str| passes(test, value);
                let members = self.texts.members(field.name, &passes);
                let members = members.map_err(IndexError::Text)?;
                Some(filter(member_query(self.reader, &members)?))
            }
            (FieldKind::Keyword, test) => {
                let handle = match field.name {
                    "id" => Some(fields.id),
                    "hash" => Some(fields.hash),
                    name => fields.keyword_named(name),
                };
                handle.map(|f| filter(keyword_test(f, test)))
            }
            (FieldKind::Is, Test::Flag(SOURCE_CHANGED)) => {
                let members = self.texts.members(SOURCE_CHANGED, &|_| true);
                let members = members.map_err(IndexError::Text)?;
                let of_queues = filter(member_query(self.reader, &members)?);
                let indexed = fields.keyword_named("is");
                let indexed = indexed.map(|f| filter(exact(f, SOURCE_CHANGED)));
                let both = indexed.into_iter().chain([of_queues]).collect();
                Some(Box::new(BooleanQuery::union(both)) as Boxed)
            }
            (FieldKind::Has | FieldKind::Is, Test::Flag(value)) => {
                let name = if field.kind == FieldKind::Has {
                    "has"
                } else {
                    "is"
                };
                fields.keyword_named(name).map(|f| filter(exact(f, value)))
            }
            (FieldKind::Number, Test::Range { from, to }) => {
                fields.number_named(field.name).map(|f| {
                    let term = |bound: &Bound<u64>| bound.map(|n| Term::from_field_u64(f, n));
                    filter(Box::new(RangeQuery::new(term(from), term(to))))
                })
            }
            _ => None,
        };
        Ok(query.unwrap_or_else(|| Box::new(EmptyQuery)))
    }
}

fn has_regex(expression: &Expression) -> bool {
    match expression {
        Expression::All => false,
        Expression::And(parts) | Expression::Or(parts) => parts.iter().any(has_regex),
        Expression::Not(inner) => has_regex(inner),
        Expression::Term(clause) => matches!(clause.test, Test::Regex { .. }),
    }
}

fn all_but(query: Boxed) -> Boxed {
    Box::new(BooleanQuery::new(vec![
        (Occur::Must, Box::new(AllQuery) as Boxed),
        (Occur::MustNot, query),
    ]))
}

fn all_of(queries: Vec<Boxed>) -> Boxed {
    Box::new(BooleanQuery::intersection(queries))
}

/// A condition that says yes or no and leaves the order of hits to the words of the query.
fn filter(query: Boxed) -> Boxed {
    Box::new(ConstScoreQuery::new(query, 0.0))
}

fn exact(field: Field, value: &str) -> Boxed {
    Box::new(TermQuery::new(
        Term::from_field_text(field, &value.to_lowercase()),
        IndexRecordOption::Basic,
    ))
}

/// Whether a value passes a test as [`keyword_test`] has the index do it.
fn passes(test: &Test, value: &str) -> bool {
    match test {
        Test::Word(wanted) | Test::Phrase(wanted) => value.to_lowercase() == wanted.to_lowercase(),
        Test::Prefix(start) => value.to_lowercase().starts_with(&start.to_lowercase()),
        _ => false,
    }
}

fn keyword_test(field: Field, test: &Test) -> Boxed {
    match test {
        Test::Word(value) | Test::Phrase(value) => exact(field, value),
        Test::Prefix(value) => prefix(field, &value.to_lowercase()),
        _ => Box::new(EmptyQuery),
    }
}

/// The test on each of some text fields.
fn text_tests(fields: &[Field], test: &Test) -> Vec<Boxed> {
    let each = |test: &dyn Fn(Field) -> Boxed| fields.iter().map(|field| test(*field)).collect();
    match test {
        Test::Word(text) | Test::Phrase(text) => each(&|field| sequence(field, text)),
        Test::Prefix(text) => {
            let mut before = query_terms(text);
            let Some((_, last)) = before.pop() else {
                return Vec::new();
            };
            each(&|field| {
                let begins = filter(prefix(field, &last));
                if before.is_empty() {
                    return begins;
                }
                // `image.pa*`: the words before must be there; that they stand right before is not demanded.
                all_of(vec![words(field, &before), begins])
            })
        }
        Test::Fuzzy { word, distance } => {
            let terms = query_terms(word);
            match terms.as_slice() {
                [(_, only)] => fuzzy(fields, only, *distance),
                _ => each(&|field| words(field, &terms)),
            }
        }
        _ => Vec::new(),
    }
}

/// One automaton serves all fields: making it takes longer than a field's search.
fn fuzzy(fields: &[Field], word: &str, distance: u8) -> Vec<Boxed> {
    let Some(first) = fields.first() else {
        return Vec::new();
    };
    let term = Term::from_field_text(*first, word);
    match FuzzyTermQuery::new(term, distance, true).automaton() {
        Ok(automaton) => {
            let automaton = Arc::new(automaton);
            let query = |field: &Field| AutomatonQuery {
                field: *field,
                automaton: Arc::clone(&automaton),
            };
            fields
                .iter()
                .map(|field| Box::new(query(field)) as Boxed)
                .collect()
        }
        Err(_) => Vec::new(),
    }
}

/// Documents with any term that an automaton accepts.
#[derive(Clone)]
struct AutomatonQuery {
    field: Field,
    automaton: Arc<DfaWrapper>,
}

impl std::fmt::Debug for AutomatonQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AutomatonQuery")
            .field("field", &self.field)
            .finish_non_exhaustive()
    }
}

impl TantivyQuery for AutomatonQuery {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        let automaton: Arc<DfaWrapper> = Arc::clone(&self.automaton);
        Ok(Box::new(AutomatonWeight::<DfaWrapper>::new(
            self.field, automaton,
        )))
    }
}

fn sequence(field: Field, text: &str) -> Boxed {
    words(field, &query_terms(text))
}

fn words(field: Field, terms: &[(usize, String)]) -> Boxed {
    match terms {
        // Punctuation alone: nothing to look for.
        [] => Box::new(EmptyQuery),
        [(_, only)] => Box::new(TermQuery::new(
            Term::from_field_text(field, only),
            IndexRecordOption::WithFreqs,
        )),
        several => Box::new(PhraseQuery::new_with_offset(
            several
                .iter()
                .map(|(offset, word)| (*offset, Term::from_field_text(field, word)))
                .collect(),
        )),
    }
}

fn prefix(field: Field, start: &str) -> Boxed {
    let lower = Bound::Included(Term::from_field_text(field, start));
    let upper = match after_all_with(start) {
        Some(end) => Bound::Excluded(Term::from_field_text(field, &end)),
        None => Bound::Unbounded,
    };
    Box::new(InvertedIndexRangeQuery::new(lower, upper))
}

/// The smallest text that sorts behind every text that begins with `start`.
fn after_all_with(start: &str) -> Option<String> {
    let mut characters: Vec<char> = start.chars().collect();
    while let Some(last) = characters.pop() {
        let next = (last as u32 + 1..=char::MAX as u32).find_map(char::from_u32);
        if let Some(next) = next {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_sorts_behind_it() {
        assert_eq!(after_all_with("ab").as_deref(), Some("ac"));
        assert_eq!(after_all_with("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_all_with("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(after_all_with("\u{10ffff}"), None);
    }
}
