//! The canonical spelling of a query, which parses to the same query.

use std::fmt::{self, Write as _};
use std::ops::Bound;

use super::ast::{Clause, Expression, Query, ResultKind, Test};
use super::field::{Field, FieldKind, leading_name};

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.result_kind;
        let everything = self.expression == Expression::All;
        if kind != ResultKind::Record {
            write!(f, "in:{}", kind.name())?;
            if !everything {
                f.write_char(' ')?;
            }
        }
        if everything {
            return Ok(());
        }
        self.expression.write(f, Place::Top)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, Place::Top)
    }
}

/// What stands around an expression, which decides about its parentheses.
///
/// A pair of parentheses is only written where the parsed text had one, so that canonical text is never deeper.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Top,
    Alternative,
    Operand,
}

impl Expression {
    fn write(&self, f: &mut fmt::Formatter<'_>, place: Place) -> fmt::Result {
        match (self, place) {
            (Self::All, _) => f.write_char('*'),
            (Self::Term(clause), _) => write!(f, "{clause}"),
            (Self::Not(inner), _) => {
                f.write_char('-')?;
                inner.write(f, Place::Operand)
            }
            (Self::And(_) | Self::Or(_), Place::Operand) | (Self::Or(_), Place::Alternative) => {
                f.write_char('(')?;
                self.write(f, Place::Top)?;
                f.write_char(')')
            }
            (Self::And(parts), Place::Top) => join(f, parts, " ", Place::Operand),
            (Self::And(parts), Place::Alternative) => join(f, parts, " AND ", Place::Operand),
            (Self::Or(parts), Place::Top) => join(f, parts, " OR ", Place::Alternative),
        }
    }
}

fn join(
    f: &mut fmt::Formatter<'_>,
    parts: &[Expression],
    separator: &str,
    place: Place,
) -> fmt::Result {
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            f.write_str(separator)?;
        }
        part.write(f, place)?;
    }
    Ok(())
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Test::Range { from, to } = &self.test {
            return write_range(f, self.field.map_or("", |field| field.name), *from, *to);
        }
        if let Some(field) = self.field {
            write!(f, "{}:", field.name)?;
        }
        match &self.test {
            Test::Word(word) => match self.field {
                Some(field) if field.kind == FieldKind::Keyword => f.write_str(&keyword_text(word)),
                field => f.write_str(&word_text(word, field)),
            },
            Test::Phrase(phrase) => f.write_str(&quoted(phrase)),
            Test::Prefix(word) => write!(f, "{}*", word_text(word, self.field)),
            Test::Fuzzy { word, distance: 1 } => write!(f, "{}~", word_text(word, self.field)),
            Test::Fuzzy { word, distance } => {
                write!(f, "{}~{distance}", word_text(word, self.field))
            }
            Test::Regex {
                pattern,
                ignore_case,
            } => write!(
                f,
                "/{}/{}",
                escape_slashes(pattern),
                if *ignore_case { "i" } else { "" }
            ),
            Test::Flag(name) => f.write_str(name),
            Test::Range { .. } => Ok(()),
        }
    }
}

fn write_range(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    from: Bound<u64>,
    to: Bound<u64>,
) -> fmt::Result {
    match (from, to) {
        (Bound::Included(from), Bound::Included(to)) if from == to => write!(f, "{name}:{from}"),
        (Bound::Included(from), Bound::Included(to)) => write!(f, "{name}:{from}..{to}"),
        (Bound::Included(from), Bound::Unbounded) => write!(f, "{name}:>={from}"),
        (Bound::Excluded(from), Bound::Unbounded) => write!(f, "{name}:>{from}"),
        (Bound::Unbounded, Bound::Included(to)) => write!(f, "{name}:<={to}"),
        (Bound::Unbounded, Bound::Excluded(to)) => write!(f, "{name}:<{to}"),
        (Bound::Unbounded, Bound::Unbounded) => write!(f, "{name}:>=0"),
        // The parser makes no half-open ranges; two clauses say the same.
        (from, to) => {
            f.write_char('(')?;
            write_range(f, name, from, Bound::Unbounded)?;
            f.write_char(' ')?;
            write_range(f, name, Bound::Unbounded, to)?;
            f.write_char(')')
        }
    }
}

/// A keyword value as it is typed: quoted where it has blanks.
pub fn keyword_text(value: &str) -> String {
    if !value.is_empty() && value.trim().is_empty() {
        // Quotes around nothing but blanks are taken for empty ones.
        return value.chars().flat_map(|blank| ['\\', blank]).collect();
    }
    if value.is_empty() || value.contains(char::is_whitespace) {
        return quoted(value);
    }
    let keyword = FieldKind::Keyword;
    escape_word(value, keyword, value.starts_with(['<', '>', '/']))
}

fn word_text(word: &str, field: Option<&Field>) -> String {
    let Some(field) = field else {
        let operator = matches!(word, "AND" | "OR" | "NOT");
        let escaped = escape_word(word, FieldKind::Text, operator || word.starts_with('-'));
        return match leading_name(word) {
            Some(_) => escaped.replacen(':', "\\:", 1),
            None => escaped,
        };
    };
    escape_word(word, field.kind, word.starts_with(['<', '>', '/']))
}

/// Puts a backslash before what would end the word or act in it.
fn escape_word(word: &str, kind: FieldKind, first: bool) -> String {
    let mut out = String::with_capacity(word.len() + 4);
    for (at, c) in word.char_indices() {
        let acts = c.is_whitespace()
            || matches!(c, '\\' | '"' | '(' | ')' | '*')
            || (c == '~' && kind == FieldKind::Text);
        if acts || (first && at == 0) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

fn escape_slashes(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 2);
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => {
                out.push(c);
                out.extend(characters.next());
            }
            '/' => out.push_str("\\/"),
            other => out.push(other),
        }
    }
    out
}
