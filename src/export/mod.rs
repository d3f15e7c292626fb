//! Records to files: one file per format, from the domain. Listed in [`TARGETS`].
//!
//! A writer makes JSON text of one record, or says why it can't; it never sees a file. Rows are checked by the rules of
//! their target (`preflight`, and beside each trainer's writer), and those that fail are not written. How rows lie in a
//! file (array, lines, folders, tables) is the business of `sink`, that files appear whole or not at all of `staging`. A
//! record whose format is the target's own keeps its text: unedited as it is, edited with only the edits in it.

mod atif;
mod atif_edit;
mod atif_review;
mod axolotl;
mod call_results;
pub(crate) mod chat;
mod chat_assembly;
mod chat_messages;
mod code_turns;
mod dialog;
mod error;
mod hugging_face;
mod json_rows;
mod json_text;
mod kto;
mod label_rules;
mod labelled_replies;
mod llama_factory;
mod llamafactory_kto;
mod llamafactory_sft;
mod m_trace;
mod manifest;
mod ms_swift;
mod ms_swift_rules;
mod openai_messages;
mod original;
mod outgoing;
mod own_lines;
mod pictures;
mod pref_x;
mod pref_x_beam;
mod preflight;
mod preflight_reference;
mod python_call;
mod raw_run;
mod row_chat;
#[cfg(test)]
mod row_tests;
#[cfg(test)]
mod rule_tests;
mod run;
mod share_gpt;
mod sink;
mod split;
mod spool;
mod staging;
mod step_labels;
mod step_match;
mod table;
mod table_cell;
mod table_file;
mod table_row;
mod table_shape;
mod target;
#[cfg(test)]
mod test_items;
mod token_limit;
mod tool_text;
mod trl;
mod trl_preference;
mod trl_prm;
mod trl_rules;
mod trl_sft;

pub use error::{ExportError, Refusal};
pub use hugging_face::{Column, ColumnType, HuggingFaceTable};
pub use manifest::{Origin, OriginSource, failure_counts, left_out_counts};
pub use outgoing::{LeftOut, Outgoing, OutgoingPair, PairStaleness, Withheld, staleness_of_pair};
pub use pictures::{Media, PictureUse};
pub use preflight::{Failure, NOT_WRITABLE, PreflightRule};
pub use preflight_reference::preflight_reference;
pub use run::{ExportOptions, ExportSummary, check, export, write_to};
pub use split::{Split, SplitError};
pub use target::{
    Columns, Contents, Holds, RefusedRow, Rendered, Row, TARGETS, Target, TargetKind, target_named,
};
pub use token_limit::TokenLimit;
