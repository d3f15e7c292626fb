//! The query language: text to [`Query`]. Knows words and fields, but nothing of how they are stored.
//!
//! [`parse`] is strict (scripts, the command line); [`parse_lenient`] makes a query of anything (as you type).
//! The words of the language are one table, [`FIELDS`]; help, completion and "did you mean" derive from it.

mod ast;
mod canonical;
mod complete;
mod error;
mod field;
mod help;
mod lower;
mod parse;
mod scan;
#[cfg(test)]
mod tests;
mod value;

pub use ast::{Clause, Expression, Query, ResultKind, Test, compile_regex};
pub use canonical::keyword_text;
pub use complete::{Completion, complete};
pub use error::{QueryError, QueryErrorKind};
pub use field::{FIELDS, Field, FieldKind, closest, field_named};
pub use help::{reference, reference_markdown};
pub use parse::{LenientQuery, MAX_CHARACTERS, MAX_DEPTH, MAX_REGEXES, parse, parse_lenient};
