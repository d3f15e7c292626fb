//! Query text to [`Query`]: one recursive-descent parser with two ways to take what is wrong.
//!
//! ```text
//! query  = or                          in:… may stand between the clauses of the outermost level
//! or     = and { "OR" and }
//! and    = clause { ["AND"] clause }
//! clause = { "NOT" | "-" } ( "(" or ")" | [field ":"] value )
//! value  = word | word* | word~[1|2] | "quote" | /regex/[i] | number range | "(" or-of-values ")"
//! ```

use std::ops::Range;

use super::ast::{Clause, Expression, Query, ResultKind};
use super::error::{QueryError, QueryErrorKind};
use super::field::{Field, FieldKind, field_named, leading_name};
use super::scan::{Delimited, Scanner, ends_word};
use super::value::{self, Reading};

/// How many characters a query may have.
pub const MAX_CHARACTERS: usize = 10_000;
/// How many parentheses may be inside each other.
pub const MAX_DEPTH: usize = 64;
/// How many regular expressions a query may have: each is compiled, and run over every candidate.
pub const MAX_REGEXES: usize = 16;

/// Parses a query and refuses what is wrong.
pub fn parse(query: &str) -> Result<Query, QueryError> {
    if let Some((limit, _)) = query.char_indices().nth(MAX_CHARACTERS) {
        return Err(too_long(limit..query.len()));
    }
    Parser::new(query, false).query()
}

/// A query made of anything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LenientQuery {
    /// What could be understood.
    pub query: Query,
    /// What could not, and was closed, dropped or taken as text.
    pub notes: Vec<QueryError>,
}

/// Parses a query as it is being typed. Never fails: what is open is closed, half-typed clauses are dropped, unknown
/// fields are searched as text.
pub fn parse_lenient(query: &str) -> LenientQuery {
    let end = query.char_indices().nth(MAX_CHARACTERS).map(|(at, _)| at);
    let kept = end.and_then(|end| query.get(..end)).unwrap_or(query);
    let mut lenient = read_open(kept).0;
    if let Some(end) = end {
        lenient.notes.push(too_long(end..query.len()));
    }
    lenient
}

fn too_long(span: Range<usize>) -> QueryError {
    let kind = QueryErrorKind::TooLong {
        limit: MAX_CHARACTERS,
    };
    QueryError { span, kind }
}

/// The word at the end of a query that is being typed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct OpenWord {
    /// The field whose value it is.
    pub field: Option<&'static Field>,
    /// Where it begins; the end of the query where nothing is typed yet.
    pub start: usize,
    /// What is typed of it.
    pub typed: String,
}

/// Parses leniently, and says what is being typed at the end; `None` inside text where nothing can be completed.
pub(super) fn read_open(query: &str) -> (LenientQuery, Option<OpenWord>) {
    let mut parser = Parser::new(query, true);
    let result = parser.query();
    let lenient = match result {
        Ok(query) => LenientQuery {
            query,
            notes: parser.notes,
        },
        // Lenient reading has no errors; if it ever had, everything would be found, with a note.
        Err(error) => LenientQuery {
            query: Query::default(),
            notes: vec![error],
        },
    };
    (lenient, parser.open.flatten())
}

struct Parser<'q> {
    scanner: Scanner<'q>,
    lenient: bool,
    notes: Vec<QueryError>,
    result_kind: Option<ResultKind>,
    /// Open parentheses.
    depth: usize,
    /// Open parentheses beyond the limit, whose closing ones are passed over.
    flattened: usize,
    regexes: usize,
    /// What can be typed at the end, once that is known.
    open: Option<Option<OpenWord>>,
}

impl<'q> Parser<'q> {
    fn new(query: &'q str, lenient: bool) -> Self {
        Self {
            scanner: Scanner::new(query),
            lenient,
            notes: Vec::new(),
            result_kind: None,
            depth: 0,
            flattened: 0,
            regexes: 0,
            open: None,
        }
    }

    fn query(&mut self) -> Result<Query, QueryError> {
        let expression = self.alternatives(None)?;
        Ok(Query {
            expression: expression.unwrap_or_default(),
            result_kind: self.result_kind.unwrap_or_default(),
        })
    }

    /// The one place where the two ways of reading part: an error, or a note.
    fn problem(&mut self, span: Range<usize>, kind: QueryErrorKind) -> Result<(), QueryError> {
        let error = QueryError { span, kind };
        if self.lenient {
            self.notes.push(error);
            Ok(())
        } else {
            Err(error)
        }
    }

    fn dangling(
        &mut self,
        span: Range<usize>,
        operator: &'static str,
        need: &'static str,
    ) -> Result<(), QueryError> {
        self.problem(span, QueryErrorKind::Dangling { operator, need })
    }

    /// What `OR` separates. `values_of` is the field whose values these are, inside `field:(…)`.
    fn alternatives(
        &mut self,
        values_of: Option<&'static Field>,
    ) -> Result<Option<Expression>, QueryError> {
        let mut alternatives = Vec::new();
        let mut before: Option<Range<usize>> = None;
        // An operand that was dropped with a note of its own needs no second one.
        let notes = self.notes.len();
        loop {
            let clauses = self.clauses(values_of)?;
            let after = self.scanner.take("OR");
            if !clauses.is_empty() {
                alternatives.push(Expression::and(clauses));
            } else if let Some(span) = before.or(after.clone())
                && self.notes.len() == notes
            {
                self.dangling(span, "OR", "a clause on each side")?;
            }
            before = after;
            if before.is_none() {
                break;
            }
        }
        Ok((!alternatives.is_empty()).then(|| Expression::or(alternatives)))
    }

    /// Clauses up to an `OR`, a closing parenthesis or the end.
    fn clauses(
        &mut self,
        values_of: Option<&'static Field>,
    ) -> Result<Vec<Expression>, QueryError> {
        const NEED: &str = "a clause on each side";
        let mut clauses = Vec::new();
        let mut seen = false;
        let mut and: Option<Range<usize>> = None;
        loop {
            self.scanner.skip_blanks();
            let at = self.scanner.at();
            match self.scanner.peek() {
                None => {
                    self.offer(values_of, at);
                    break;
                }
                Some(')') if self.flattened > 0 => {
                    self.flattened -= 1;
                    self.scanner.bump();
                    continue;
                }
                Some(')') if self.depth > 0 => break,
                Some(')') => {
                    self.problem(at..at + 1, QueryErrorKind::UnopenedParenthesis)?;
                    self.scanner.bump();
                    continue;
                }
                Some(_) if self.scanner.sees("OR") => break,
                Some(_) => {}
            }
            if let Some(span) = self.scanner.take("AND") {
                if !seen || and.is_some() {
                    self.dangling(span, "AND", NEED)?;
                } else {
                    and = Some(span);
                }
                continue;
            }
            (and, seen) = (None, true);
            clauses.extend(self.clause(values_of)?);
        }
        if let Some(span) = and {
            self.dangling(span, "AND", NEED)?;
        }
        Ok(clauses)
    }

    /// One clause with its negations; `None` where nothing is left of it, and for `in:`.
    fn clause(
        &mut self,
        values_of: Option<&'static Field>,
    ) -> Result<Option<Expression>, QueryError> {
        let mut negation: Option<(Range<usize>, &'static str)> = None;
        let mut negated = false;
        loop {
            let at = self.scanner.at();
            if let Some(span) = self.scanner.take("NOT") {
                negation = Some((span, "NOT"));
            } else if self.scanner.sees_minus() {
                self.scanner.bump();
                negation = Some((at..at + 1, "-"));
            } else {
                break;
            }
            negated = !negated;
            self.scanner.skip_blanks();
        }
        if let Some((span, operator)) = &negation {
            let nothing = matches!(self.scanner.peek(), None | Some(')'));
            if nothing || self.scanner.sees("OR") || self.scanner.sees("AND") {
                self.dangling(span.clone(), operator, "a clause after it")?;
                return Ok(None);
            }
        }
        let clause = self.bare_clause(values_of, negation.is_some())?;
        Ok(clause.map(|clause| if negated { clause.negated() } else { clause }))
    }

    fn bare_clause(
        &mut self,
        values_of: Option<&'static Field>,
        negated: bool,
    ) -> Result<Option<Expression>, QueryError> {
        let start = self.scanner.at();
        if self.scanner.peek() == Some('(') {
            return self.group(values_of);
        }
        let name = leading_name(self.scanner.rest()).unwrap_or_default();
        let Some(field) = field_named(name) else {
            if !name.is_empty() && values_of.is_none() {
                self.problem(
                    start..start + name.len(),
                    QueryErrorKind::unknown_field(name),
                )?;
            }
            return self.value(values_of, start);
        };
        if values_of.is_some() {
            let inner = QueryErrorKind::FieldInValues { field: field.name };
            self.problem(start..start + name.len(), inner)?;
        }
        self.scanner.skip(name);
        self.scanner.bump();
        if field.kind == FieldKind::In {
            self.result_kind(field, start, negated)?;
            return Ok(None);
        }
        match self.scanner.peek() {
            Some('(') => self.group(Some(field)),
            Some(next) if next != ')' && !next.is_whitespace() => self.value(Some(field), start),
            _ => self.missing_value(field, start),
        }
    }

    fn missing_value(
        &mut self,
        field: &'static Field,
        start: usize,
    ) -> Result<Option<Expression>, QueryError> {
        let at = self.scanner.at();
        self.offer(Some(field), at);
        self.problem(start..at, QueryErrorKind::missing_value(field))?;
        Ok(None)
    }

    fn group(
        &mut self,
        values_of: Option<&'static Field>,
    ) -> Result<Option<Expression>, QueryError> {
        let start = self.scanner.at();
        self.scanner.bump();
        if self.depth >= MAX_DEPTH {
            let too_deep = QueryErrorKind::TooDeep { limit: MAX_DEPTH };
            self.problem(start..start + 1, too_deep)?;
            self.flattened += 1;
            return Ok(None);
        }
        let notes = self.notes.len();
        self.depth += 1;
        let inner = self.alternatives(values_of)?;
        self.depth -= 1;
        if self.scanner.peek() == Some(')') {
            self.scanner.bump();
        } else {
            self.problem(start..start + 1, QueryErrorKind::UnclosedParenthesis)?;
        }
        if inner.is_none() && self.notes.len() == notes {
            self.problem(start..self.scanner.at(), QueryErrorKind::EmptyParentheses)?;
        }
        Ok(inner)
    }

    /// A value of a field, or text where there is none. `start` is where the clause begins.
    fn value(
        &mut self,
        field: Option<&'static Field>,
        start: usize,
    ) -> Result<Option<Expression>, QueryError> {
        let is_text = field.is_none_or(|field| field.kind == FieldKind::Text);
        let reading = match self.scanner.peek() {
            Some('"') => {
                let raw = self.scanner.quote();
                if !raw.closed {
                    self.problem(
                        raw.span.start..raw.span.start + 1,
                        QueryErrorKind::UnclosedQuote,
                    )?;
                    if !is_text {
                        self.offer_typed(field, raw.span.start, raw.text.clone());
                    }
                }
                value::quote(field, raw)
            }
            Some('/') if field.is_some() && is_text => {
                let raw = self.scanner.regex();
                self.regex(raw)?
            }
            _ => {
                let raw = self.scanner.word();
                if self.scanner.peek().is_none() {
                    self.offer_typed(field, raw.span.start, raw.text.clone());
                }
                // A star alone is everything, so that all of a corpus can be named.
                if field.is_none() && raw.text == "*" && raw.ends_with_star {
                    return Ok(Some(Expression::All));
                }
                value::word(field, raw)
            }
        };
        if self.scanner.peek().is_none() {
            self.open.get_or_insert(None);
        }
        let span = start..self.scanner.at();
        if let Some(kind) = reading.problem {
            self.problem(span.clone(), kind)?;
        }
        Ok(reading
            .test
            .map(|test| Expression::Term(Clause { field, test, span })))
    }

    fn regex(&mut self, raw: Delimited) -> Result<Reading, QueryError> {
        let mut ignore_case = false;
        if !raw.closed {
            self.problem(
                raw.span.start..raw.span.start + 1,
                QueryErrorKind::UnclosedRegex,
            )?;
        } else {
            if let Some(after) = self.scanner.rest().strip_prefix('i') {
                ignore_case = after.chars().next().is_none_or(ends_word);
                if ignore_case {
                    self.scanner.bump();
                }
            }
            let at = self.scanner.at();
            if let Some(next) = self.scanner.peek().filter(|next| !ends_word(*next)) {
                self.problem(at..at + next.len_utf8(), QueryErrorKind::RegexTail)?;
            }
        }
        self.regexes += 1;
        if self.regexes > MAX_REGEXES {
            let limit = MAX_REGEXES;
            return Ok(Reading {
                test: None,
                problem: Some(QueryErrorKind::TooManyRegexes { limit }),
            });
        }
        Ok(value::regex(&raw, ignore_case))
    }

    /// The value of `in:`.
    fn result_kind(
        &mut self,
        field: &'static Field,
        start: usize,
        negated: bool,
    ) -> Result<(), QueryError> {
        if self.scanner.peek().is_none_or(ends_word) {
            self.missing_value(field, start)?;
            return Ok(());
        }
        let raw = self.scanner.word();
        if self.scanner.peek().is_none() {
            self.offer_typed(Some(field), raw.span.start, raw.text.clone());
        }
        let span = start..raw.span.end;
        let Some(kind) = ResultKind::named(&raw.text) else {
            return self.problem(span, QueryErrorKind::unknown_value(field, &raw.text));
        };
        if self.depth > 0 || negated {
            return self.problem(span, QueryErrorKind::ResultKindPlace);
        }
        if self.result_kind.is_some() {
            self.problem(span, QueryErrorKind::ResultKindTwice)?;
        }
        self.result_kind = Some(kind);
        Ok(())
    }

    /// Remembers what can be typed at the end of the query; the innermost place that reaches it counts.
    fn offer(&mut self, field: Option<&'static Field>, start: usize) {
        if self.scanner.peek().is_none() {
            self.offer_typed(field, start, String::new());
        }
    }

    fn offer_typed(&mut self, field: Option<&'static Field>, start: usize, typed: String) {
        self.open.get_or_insert(Some(OpenWord {
            field,
            start,
            typed,
        }));
    }
}
