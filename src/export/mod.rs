//! Records to files: one file per format, from the domain. Listed in [`TARGETS`].
//!
//! A writer makes JSON text of one record, or says why it can't; it never sees a file. Rows are checked by the rules of
//! their target (`preflight`, and beside each writer in `trainers`), and those that fail are not written. How rows lie in a
//! file (array, lines, folders, `tables`) is the business of `sink`, that files appear whole or not at all of `staging`. A
//! record whose format is the target's own (`records`) keeps its text: unedited as it is, edited with only the edits in it.

pub(crate) mod chats;
mod error;
mod json_rows;
mod json_text;
mod manifest;
mod outgoing;
mod pictures;
mod preflight;
mod preflight_reference;
mod records;
#[cfg(test)]
mod row_tests;
#[cfg(test)]
mod rule_tests;
mod run;
mod sink;
mod split;
mod spool;
mod staging;
mod tables;
mod target;
#[cfg(test)]
mod test_items;
mod token_limit;
mod trainers;

pub use chats::tool_text::tool_schemas;
pub use error::{ExportError, Refusal};
pub use manifest::{Origin, OriginSource, failure_counts, left_out_counts};
pub use outgoing::{LeftOut, Outgoing, OutgoingPair, PairStaleness, Withheld, staleness_of_pair};
pub use pictures::{Media, PictureUse};
pub use preflight::{Failure, NOT_WRITABLE, PreflightRule};
pub use preflight_reference::preflight_reference;
pub use records::code_turns::{ReplyParts, observation_text, reply_text, splice_question};
pub use run::{ExportOptions, ExportSummary, check, export, write_to};
pub use split::{Split, SplitError};
pub use tables::hugging_face::{Column, ColumnType, HuggingFaceTable};
pub use target::{
    Columns, Contents, Holds, RefusedRow, Rendered, Row, TARGETS, Target, TargetKind, target_named,
};
pub use token_limit::TokenLimit;
