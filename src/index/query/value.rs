//! What a word, quote or regular expression means as the value of a field.

use std::ops::Bound;

use super::ast::{Test, compile_regex};
use super::error::{QueryErrorKind, shortened};
use super::field::{Field, FieldKind};
use super::scan::{Delimited, RawWord};
use crate::index::tokenizer::query_terms;

/// What a value turned out to be: its test, unless nothing is left of it, and what is wrong with it.
///
/// With a problem, the test is the nearest that lenient reading can make of the value.
pub(super) struct Reading {
    pub test: Option<Test>,
    pub problem: Option<QueryErrorKind>,
}

impl Reading {
    fn is(test: Test) -> Self {
        Self {
            test: Some(test),
            problem: None,
        }
    }

    fn wrong(problem: QueryErrorKind) -> Self {
        Self {
            test: None,
            problem: Some(problem),
        }
    }

    fn but(self, problem: Option<QueryErrorKind>) -> Self {
        Self {
            problem: problem.or(self.problem),
            ..self
        }
    }
}

/// Reads a word as the value of a field, or as text where there is none.
pub(super) fn word(field: Option<&'static Field>, raw: RawWord) -> Reading {
    match field {
        None => text_word(raw),
        Some(field) => match field.kind {
            FieldKind::Text => {
                let problem = comparison(field, &raw);
                text_word(raw).but(problem)
            }
            FieldKind::Keyword => keyword_word(field, raw),
            _ => plain(field, raw.text),
        },
    }
}

/// Reads a quote as the value of a field, or as text where there is none.
pub(super) fn quote(field: Option<&'static Field>, raw: Delimited) -> Reading {
    if raw.text.trim().is_empty() {
        return Reading::wrong(QueryErrorKind::EmptyDelimiters("quotes"));
    }
    match field.map(|field| (field, field.kind)) {
        None | Some((_, FieldKind::Text)) => findable(Test::Phrase, raw.text),
        Some((field, _)) => plain(field, raw.text),
    }
}

/// Reads a regular expression.
pub(super) fn regex(raw: &Delimited, ignore_case: bool) -> Reading {
    if raw.text.is_empty() {
        return Reading::wrong(QueryErrorKind::EmptyDelimiters("slashes"));
    }
    match compile_regex(&raw.text, ignore_case) {
        Ok(_) => Reading::is(Test::Regex {
            pattern: raw.text.clone(),
            ignore_case,
        }),
        Err(error) => {
            // The library's message draws the expression; its last line says what is wrong with it.
            let message = error.to_string();
            let last = message.lines().last().unwrap_or_default();
            let reason = last.trim_start_matches("error: ").to_owned();
            Reading::wrong(QueryErrorKind::Regex { reason })
        }
    }
}

fn comparison(field: &'static Field, raw: &RawWord) -> Option<QueryErrorKind> {
    let compares = raw.plain_start && raw.text.starts_with(['<', '>']);
    compares.then_some(QueryErrorKind::NotComparable { field: field.name })
}

fn inner_star(raw: &RawWord) -> Option<QueryErrorKind> {
    (raw.stars > usize::from(raw.ends_with_star)).then_some(QueryErrorKind::InnerStar)
}

fn text_word(mut raw: RawWord) -> Reading {
    let problem = inner_star(&raw);
    if raw.ends_with_star {
        raw.text.pop();
        if raw.text.is_empty() {
            return Reading::wrong(QueryErrorKind::EmptyPrefix);
        }
        return findable(Test::Prefix, raw.text).but(problem);
    }
    match raw.tilde.filter(|at| *at > 0) {
        Some(at) => fuzzy(&raw.text, at).but(problem),
        None => findable(Test::Word, raw.text).but(problem),
    }
}

fn fuzzy(text: &str, tilde: usize) -> Reading {
    let word = text.get(..tilde).unwrap_or_default().to_owned();
    let digits = text.get(tilde + 1..).unwrap_or_default();
    if query_terms(&word).len() != 1 {
        let problem = QueryErrorKind::FuzzyWord {
            word: shortened(&word),
        };
        return findable(Test::Word, word).but(Some(problem));
    }
    let problem = QueryErrorKind::Distance {
        word: shortened(&word),
    };
    match digits {
        "" | "1" => Reading::is(Test::Fuzzy { word, distance: 1 }),
        "2" => Reading::is(Test::Fuzzy { word, distance: 2 }),
        "0" => Reading::is(Test::Word(word)).but(Some(problem)),
        _ => Reading::is(Test::Fuzzy { word, distance: 2 }).but(Some(problem)),
    }
}

/// A test on text, if there is a word in it.
fn findable(test: fn(String) -> Test, text: String) -> Reading {
    if query_terms(&text).is_empty() {
        let text = shortened(&text);
        return Reading::wrong(QueryErrorKind::NothingToFind { text });
    }
    Reading::is(test(text))
}

fn keyword_word(field: &'static Field, mut raw: RawWord) -> Reading {
    let regex = raw.plain_start && raw.text.starts_with('/');
    let problem = inner_star(&raw)
        .or_else(|| regex.then_some(QueryErrorKind::NoRegex { field: field.name }))
        .or_else(|| comparison(field, &raw));
    if !raw.ends_with_star {
        return plain(field, raw.text).but(problem);
    }
    raw.text.pop();
    if raw.text.is_empty() {
        return Reading::wrong(QueryErrorKind::EmptyPrefix);
    }
    if !field.values.is_empty() {
        raw.text.make_ascii_lowercase();
        if !field
            .values
            .iter()
            .any(|value| value.starts_with(&raw.text))
        {
            return Reading::wrong(QueryErrorKind::unknown_value(field, &raw.text));
        }
    }
    Reading::is(Test::Prefix(raw.text)).but(problem)
}

/// A value without operators, for fields that are not text.
fn plain(field: &'static Field, text: String) -> Reading {
    match field.kind {
        FieldKind::Number => number(field, &text),
        FieldKind::Keyword if field.values.is_empty() => Reading::is(Test::Word(text)),
        kind => match field.value_named(&text) {
            Some(value) if kind == FieldKind::Keyword => Reading::is(Test::Word(value.to_owned())),
            Some(value) => Reading::is(Test::Flag(value)),
            None => Reading::wrong(QueryErrorKind::unknown_value(field, &text)),
        },
    }
}

fn number(field: &'static Field, text: &str) -> Reading {
    let Some((from, to)) = bounds(text) else {
        return Reading::wrong(QueryErrorKind::not_a_number(field, text));
    };
    if let (Bound::Included(low), Bound::Included(high)) = (from, to)
        && low > high
    {
        let value = shortened(text);
        return Reading::wrong(QueryErrorKind::EmptyRange { value });
    }
    Reading::is(Test::Range { from, to })
}

fn bounds(text: &str) -> Option<(Bound<u64>, Bound<u64>)> {
    use Bound::{Excluded, Included, Unbounded};
    if let Some((from, to)) = text.split_once("..") {
        return match (from, to) {
            ("", "") => None,
            ("", to) => Some((Unbounded, Included(whole(to)?))),
            (from, "") => Some((Included(whole(from)?), Unbounded)),
            (from, to) => Some((Included(whole(from)?), Included(whole(to)?))),
        };
    }
    let after = |operator| text.strip_prefix(operator);
    if let Some(digits) = after(">=") {
        Some((Included(whole(digits)?), Unbounded))
    } else if let Some(digits) = after("<=") {
        Some((Unbounded, Included(whole(digits)?)))
    } else if let Some(digits) = after(">") {
        Some((Excluded(whole(digits)?), Unbounded))
    } else if let Some(digits) = after("<") {
        Some((Unbounded, Excluded(whole(digits)?)))
    } else {
        let number = whole(text)?;
        Some((Included(number), Included(number)))
    }
}

fn whole(digits: &str) -> Option<u64> {
    // `parse` would also take a sign.
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}
