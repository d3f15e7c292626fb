//! What a query says.

use std::ops::{Bound, Range};

use super::field::Field;

/// A whole query. `Display` writes its canonical text, which parses to the same query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// What must hold.
    pub expression: Expression,
    /// What the results are (`in:`).
    pub result_kind: ResultKind,
}

/// What the results of a query are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ResultKind {
    /// Trajectories and pairs.
    #[default]
    Record,
    /// Trajectories.
    Trajectory,
    /// Steps.
    Step,
    /// Preference pairs.
    Pair,
}

impl ResultKind {
    /// The name used in queries, a value of the field `in`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Trajectory => "trajectory",
            Self::Step => "step",
            Self::Pair => "pair",
        }
    }

    /// The kind with this name, without regard to case.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Record, Self::Trajectory, Self::Step, Self::Pair]
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(name))
    }
}

/// A condition on a document.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Expression {
    /// Everything.
    #[default]
    All,
    /// Each of them; at least two.
    And(Vec<Expression>),
    /// At least one of them; at least two.
    Or(Vec<Expression>),
    /// Not this.
    Not(Box<Expression>),
    /// One clause.
    Term(Clause),
}

impl Expression {
    /// All of these; flat, without the conditions that always hold.
    pub fn and(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::All => {}
                Self::And(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        Self::one_or(flat, Self::And)
    }

    /// Any of these; flat.
    pub fn or(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        Self::one_or(flat, Self::Or)
    }

    /// The opposite of a condition.
    pub fn negated(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    fn one_or(mut parts: Vec<Self>, several: fn(Vec<Self>) -> Self) -> Self {
        match (parts.pop(), parts.is_empty()) {
            (None, _) => Self::All,
            (Some(only), true) => only,
            (Some(last), false) => {
                parts.push(last);
                several(parts)
            }
        }
    }

    /// The clauses that a match may satisfy, that is those under an even number of negations.
    pub fn positive_clauses(&self) -> Vec<&Clause> {
        let mut found = Vec::new();
        let mut open = vec![(self, true)];
        while let Some((expression, positive)) = open.pop() {
            match expression {
                Self::All => {}
                Self::And(parts) | Self::Or(parts) => {
                    open.extend(parts.iter().rev().map(|part| (part, positive)));
                }
                Self::Not(inner) => open.push((inner, !positive)),
                Self::Term(clause) if positive => found.push(clause),
                Self::Term(_) => {}
            }
        }
        found
    }
}

/// A test, on one field or on all text.
#[derive(Debug, Clone)]
pub struct Clause {
    /// The field; all text fields where there is none.
    pub field: Option<&'static Field>,
    /// What the field is tested for.
    pub test: Test,
    /// Where the clause stands in the query, in bytes. Not part of what clauses are compared by.
    pub span: Range<usize>,
}

impl PartialEq for Clause {
    fn eq(&self, other: &Self) -> bool {
        self.field == other.field && self.test == other.test
    }
}

/// What a field is tested for.
///
/// Text fields (and no field) take `Word`, `Phrase`, `Prefix`, `Fuzzy` and, with a field, `Regex`; keywords take
/// `Word` (the whole value) and `Prefix`; numbers `Range`; `has:` and `is:` take `Flag`.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// A word as written; punctuation inside makes it several words that follow each other.
    Word(String),
    /// Words that follow each other.
    Phrase(String),
    /// What begins with this.
    Prefix(String),
    /// One word, give or take `distance` (1 or 2) inserted, deleted, replaced or swapped characters.
    Fuzzy {
        /// The word as written.
        word: String,
        /// How many characters may differ.
        distance: u8,
    },
    /// A number between two bounds.
    Range {
        /// The lower bound.
        from: Bound<u64>,
        /// The upper bound.
        to: Bound<u64>,
    },
    /// A regular expression (see [`compile_regex`]) that matches somewhere in the text.
    Regex {
        /// The expression, with plain slashes.
        pattern: String,
        /// Whether case is ignored (`/…/i`).
        ignore_case: bool,
    },
    /// One of the field's own values.
    Flag(&'static str),
}

/// Compiles a regular expression of a query; `^` and `$` match at lines. The parser refuses what this refuses.
pub fn compile_regex(pattern: &str, ignore_case: bool) -> Result<regex::Regex, regex::Error> {
    regex::RegexBuilder::new(pattern)
        .case_insensitive(ignore_case)
        .multi_line(true)
        .size_limit(1 << 20)
        .dfa_size_limit(1 << 20)
        .build()
}
