//! What can be wrong with a query, in words and with a caret under the place.

use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use super::field::{FIELDS, Field, FieldKind, closest};
use crate::domain::visible_line;

/// What is wrong with a query, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct QueryError {
    /// The place in the query, in bytes; both ends are at characters.
    pub span: Range<usize>,
    /// What is wrong.
    pub kind: QueryErrorKind,
}

/// What is wrong at a place of a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryErrorKind {
    /// More characters than a query may have.
    #[error("the query is longer than {limit} characters")]
    TooLong {
        /// How many it may have.
        limit: usize,
    },
    /// More parentheses inside each other than there may be.
    #[error("more than {limit} parentheses inside each other")]
    TooDeep {
        /// How many there may be.
        limit: usize,
    },
    /// More regular expressions than there may be.
    #[error("more than {limit} regular expressions in one query")]
    TooManyRegexes {
        /// How many there may be.
        limit: usize,
    },
    /// A quote that nothing closes.
    #[error("the quote that opens here is not closed")]
    UnclosedQuote,
    /// A parenthesis that nothing closes.
    #[error("the parenthesis that opens here is not closed")]
    UnclosedParenthesis,
    /// A regular expression that nothing closes.
    #[error("the regular expression that opens here has no closing `/`")]
    UnclosedRegex,
    /// A closing parenthesis that closes nothing.
    #[error("this parenthesis closes nothing; put it in quotes to search for it")]
    UnopenedParenthesis,
    /// Nothing between parentheses.
    #[error("nothing between the parentheses")]
    EmptyParentheses,
    /// Nothing between quotes or slashes.
    #[error("nothing between the {0}")]
    EmptyDelimiters(&'static str),
    /// An operator without something to act on.
    #[error("`{operator}` needs {need}; put it in quotes to search for the word")]
    Dangling {
        /// The operator.
        operator: &'static str,
        /// What is missing.
        need: &'static str,
    },
    /// A name before a colon that is no field.
    #[error("unknown field `{name}`{}", suggest_or_quote(.suggestion))]
    UnknownField {
        /// The name.
        name: String,
        /// The field that was perhaps meant.
        suggestion: Option<String>,
    },
    /// A field with nothing after its colon.
    #[error("`{field}:` needs a value right after the colon, such as `{example}`")]
    MissingValue {
        /// The field.
        field: &'static str,
        /// A clause that uses it.
        example: &'static str,
    },
    /// A value that the field never has.
    #[error("`{field}:` has no value `{value}`{}", suggest_or_list(.suggestion, .field))]
    UnknownValue {
        /// The field.
        field: &'static str,
        /// The value.
        value: String,
        /// The value, or the clause, that was perhaps meant.
        suggestion: Option<String>,
    },
    /// Not a number where one is needed.
    #[error(
        "`{field}:` takes whole numbers, such as `{field}:5`, `{field}:>5` or `{field}:2..4`, not `{value}`"
    )]
    NotANumber {
        /// The field.
        field: &'static str,
        /// The value.
        value: String,
    },
    /// A range that holds no number.
    #[error("no number is in `{value}`: the smaller one comes first")]
    EmptyRange {
        /// The range.
        value: String,
    },
    /// A word without letters or digits.
    #[error(
        "nothing to search for in `{text}`: only letters, digits and `_` are indexed (`code:/…/` finds anything)"
    )]
    NothingToFind {
        /// The word.
        text: String,
    },
    /// A star with nothing before it.
    #[error("`*` needs the beginning of a word before it")]
    EmptyPrefix,
    /// A star that is not at the end.
    #[error("`*` works only at the end of a word; put the text in quotes to search for it")]
    InnerStar,
    /// A distance that fuzzy search does not have.
    #[error("fuzzy search takes a distance of 1 or 2, such as `{word}~` or `{word}~2`")]
    Distance {
        /// The word.
        word: String,
    },
    /// Fuzzy search for more than a word.
    #[error("`~` works on one word, and `{word}` is not one")]
    FuzzyWord {
        /// The text.
        word: String,
    },
    /// A comparison on a field that has no numbers.
    #[error("`{field}:` cannot be compared; only {} can", names(FieldKind::Number))]
    NotComparable {
        /// The field.
        field: &'static str,
    },
    /// A regular expression on a field that has no running text.
    #[error(
        "`{field}:` takes no regular expression; only {} do",
        names(FieldKind::Text)
    )]
    NoRegex {
        /// The field.
        field: &'static str,
    },
    /// A regular expression that is none.
    #[error("not a regular expression: {reason}")]
    Regex {
        /// Why.
        reason: String,
    },
    /// Something right after a regular expression.
    #[error("only `i` may follow the closing `/`; write `\\/` for a slash inside")]
    RegexTail,
    /// A field inside the values of another.
    #[error("`{field}:` stands inside the values of another field")]
    FieldInValues {
        /// The inner field.
        field: &'static str,
    },
    /// `in:` where it cannot stand.
    #[error("`in:` says what the results are: it stands outside parentheses and cannot be negated")]
    ResultKindPlace,
    /// A second `in:`.
    #[error("`in:` may stand only once")]
    ResultKindTwice,
}

fn did_you_mean(suggestion: &Option<String>) -> String {
    let mean = |name| format!("; did you mean `{name}`?");
    suggestion.as_ref().map(mean).unwrap_or_default()
}

fn suggest_or_quote(suggestion: &Option<String>) -> String {
    match suggestion {
        Some(_) => did_you_mean(suggestion),
        None => "; put the text in quotes to search for it".to_owned(),
    }
}

fn suggest_or_list(suggestion: &Option<String>, field: &str) -> String {
    if suggestion.is_some() {
        return did_you_mean(suggestion);
    }
    let known = FIELDS.iter().find(|known| known.name == field);
    let values = known.map_or(&[][..], |known| known.values);
    format!("; it has {}", values.join(", "))
}

fn names(kind: FieldKind) -> String {
    let names: Vec<_> = FIELDS
        .iter()
        .filter(|field| field.kind == kind)
        .map(|field| format!("`{}:`", field.name))
        .collect();
    names.join(", ")
}

impl QueryErrorKind {
    pub(super) fn unknown_field(name: &str) -> Self {
        Self::UnknownField {
            name: shortened(name),
            suggestion: closest(name, FIELDS.iter().map(|field| field.name)).map(String::from),
        }
    }

    pub(super) fn missing_value(field: &'static Field) -> Self {
        Self::MissingValue {
            field: field.name,
            example: field.example,
        }
    }

    pub(super) fn unknown_value(field: &'static Field, value: &str) -> Self {
        // `is:image` has the right value at the wrong field.
        let elsewhere = FIELDS.iter().find_map(|other| {
            let name = other.value_named(value)?;
            Some(format!("{}:{name}", other.name))
        });
        let near = || closest(value, field.values.iter().copied()).map(String::from);
        Self::UnknownValue {
            field: field.name,
            value: shortened(value),
            suggestion: elsewhere.or_else(near),
        }
    }

    pub(super) fn not_a_number(field: &'static Field, value: &str) -> Self {
        Self::NotANumber {
            field: field.name,
            value: shortened(value),
        }
    }
}

/// A text as messages quote it.
pub(super) fn shortened(text: &str) -> String {
    let line = visible_line(text);
    if line.chars().count() <= 40 {
        return line.into_owned();
    }
    line.chars().take(39).chain(['…']).collect()
}

impl QueryError {
    /// The query, a line with carets under the place, and the message; long queries are cut around the place.
    pub fn render(&self, query: &str) -> String {
        /// How many columns are shown before and after the place's start.
        const REACH: usize = 60;
        let before = visible(query, 0..self.span.start);
        let place = visible(query, self.span.clone());
        let after = visible(query, self.span.end..query.len());
        let before = cut_start(&before, REACH);
        let place = cut_end(&place, REACH);
        let after = cut_end(&after, REACH.saturating_sub(place.width()));
        let carets = "^".repeat(place.width().max(1));
        let indent = " ".repeat(before.width());
        format!("{before}{place}{after}\n{indent}{carets}\n{}", self.kind)
    }
}

fn visible(query: &str, range: Range<usize>) -> String {
    visible_line(query.get(range).unwrap_or_default()).into_owned()
}

fn cut_end(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if kept.width() >= columns {
            kept.pop();
            break;
        }
    }
    kept + "…"
}

fn cut_start(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut width = 0;
    let kept = text.char_indices().rev().take_while(|(_, c)| {
        width += c.encode_utf8(&mut [0; 4]).width();
        width < columns
    });
    let start = kept.last().map_or(text.len(), |(at, _)| at);
    format!("…{}", text.get(start..).unwrap_or_default())
}
