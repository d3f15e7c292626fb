//! The only user of tantivy: what is indexed, how text becomes words, the query language, search and facets.
//!
//! Records are known here by key alone; what they say is read from their source by whoever shows it.

mod backlog;
mod document;
mod facets;
mod highlight;
mod index_directory;
mod membership;
pub mod query;
mod regex_scan;
mod schema;
mod search;
mod segment_merging;
mod snippet;
mod source_order;
mod store;
mod tokenizer;
mod word_openings;

pub use document::{DocumentKind, IndexDocument, RecordKey};
pub use facets::{FacetCounts, NumberSummary, Summary};
pub use highlight::Highlighter;
pub use membership::{MEMBERSHIP_FIELDS, Members, SOURCE_CHANGED};
pub use regex_scan::RecordView;
pub use schema::{KEYWORD_FIELDS, NUMBER_FIELDS, TEXT_FIELDS};
pub use search::{LoweredQuery, Match, Matches, Row, Sort};
pub use snippet::Snippet;
pub use source_order::SourceOrder;
pub use store::{IndexError, IndexStore, IndexStoreReader, IndexStoreWriter, WriteBudget};
