//! What an overlay asks, so that its answer finds its way.

use crate::domain::review::{Field, Side};
use crate::domain::{PictureReference, RecordId};

use super::effect::CommitRequest;
use super::export_request::{ExportRequest, ExportedItems};

/// What a prompt, a choice or a confirmation is for.
#[derive(Debug, Clone)]
pub enum Question {
    /// The name of a tag to add.
    Tag,
    /// Which of these tags to take away.
    Untag(Vec<String>),
    /// The number of a step.
    GoToStep,
    /// A name for the query.
    SaveQuery,
    /// Which of these saved queries.
    UseQuery(Vec<String>),
    /// Whether to save these decisions.
    Commit(Box<CommitRequest>),
    /// Which field to edit.
    EditField(Vec<(Field, Option<Side>)>),
    /// Which of these records to open.
    OpenRecord(Vec<RecordId>),
    /// Which file to open.
    Attachment(RecordId, Vec<PictureReference>),
    /// Which candidate the step is to be compared with: those sampled by number, then one to be written.
    PairCandidate(usize),
    /// How a disagreement ends.
    Adjudicate,
    /// Whether to leave the editor without saving.
    DropEdit,
    /// As what these are exported.
    ExportTarget(ExportedItems),
    /// Whether what is there is replaced by this export.
    Overwrite(Box<ExportRequest>),
}
