use std::sync::Arc;

use uuid::Uuid;

use super::{StepKey, Timestamp, Verb};
use crate::domain::{ContentHash, TargetId};

/// What a record is about: an id as this machine had it, and the hash of the source record that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The trajectory or pair.
    pub id: TargetId,
    /// The content hash of the source record, for a pair of the record it stands in.
    pub hash: ContentHash,
}

/// A reference, and the step of it that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The trajectory or pair; shared between records.
    pub reference: Arc<Reference>,
    /// The step.
    pub step: Option<StepKey>,
}

impl Target {
    /// A whole trajectory or pair.
    pub fn new(id: TargetId, hash: ContentHash) -> Self {
        Self {
            reference: Arc::new(Reference { id, hash }),
            step: None,
        }
    }

    /// The same with a step.
    #[must_use]
    pub fn with_step(&self, step: StepKey) -> Self {
        Self {
            reference: Arc::clone(&self.reference),
            step: Some(step),
        }
    }
}

/// One line of a journal.
#[derive(Debug, Clone, PartialEq)]
pub struct ReviewRecord {
    /// Its number in its file, from 1.
    pub sequence: u64,
    /// A UUIDv7, which orders records.
    pub id: Uuid,
    /// When it was made by the annotator's clock.
    pub time: Timestamp,
    /// Who made it.
    pub annotator: Arc<str>,
    /// What it is about; undo and redo are about records and have none.
    pub target: Option<Target>,
    /// What it says.
    pub verb: Verb,
    /// What is undone together: the id of the first record of its batch.
    pub batch: Option<Uuid>,
    /// The line's checksum, which tells lines with the same id apart.
    pub checksum: u64,
}

impl ReviewRecord {
    /// What an undo names to reverse it: its batch, else itself.
    pub fn batch_id(&self) -> Uuid {
        self.batch.unwrap_or(self.id)
    }

    /// The step that it is on.
    pub fn step(&self) -> Option<StepKey> {
        self.target.as_ref().and_then(|target| target.step)
    }
}
