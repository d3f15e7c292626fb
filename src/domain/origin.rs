use serde::{Deserialize, Serialize};

use super::{ContentHash, RecordId};

/// What a generated trajectory grew from: another one, up to a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// The trajectory it branched off.
    pub record: RecordId,
    /// The content hash of that record when it did.
    pub hash: ContentHash,
    /// The step that was made anew, from 0; the steps before it are those of the origin as they were shown.
    pub step: usize,
    /// BLAKE3 over the canonical JSON of the context before that step, edits included.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub context: Option<ContentHash>,
}
