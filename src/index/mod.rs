//! The only user of tantivy: what is indexed, how text becomes words, and the query language over it.

pub mod highlight;
pub mod query;
pub mod snippet;
pub mod tokenizer;
