//! What a verb is about, as the view in front knows it.

use std::sync::Arc;

use crate::corpus::Inspection;
use crate::domain::review::Review;
use crate::domain::{ContentHash, PreferencePair, TargetId};

/// A trajectory or pair that somebody may decide about.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Which.
    pub id: TargetId,
    /// The record, if it was read.
    pub record: Option<Arc<Inspection>>,
    /// The step in front, from 1.
    pub step: Option<usize>,
}

impl Subject {
    /// Something of a list, not read yet.
    pub fn listed(id: TargetId) -> Self {
        Self {
            id,
            record: None,
            step: None,
        }
    }

    /// The record's hash as one saw it.
    pub fn seen(&self) -> Option<ContentHash> {
        self.record.as_ref().map(|record| record.record.hash)
    }

    /// Whether it is a pair.
    pub fn is_pair(&self) -> bool {
        let alone = self
            .record
            .as_ref()
            .is_some_and(|record| record.current.content.trajectory.is_none());
        self.id.part.is_some() || alone
    }

    /// The pair, if it is one and was read.
    pub fn pair(&self) -> Option<&PreferencePair> {
        let record = self.record.as_ref().filter(|_| self.is_pair())?;
        let (pair, _) = record.current.pair(self.id.part.as_deref())?;
        Some(pair)
    }

    /// What people decided about it, as far as it may be seen.
    pub fn review(&self) -> Option<&Review> {
        let record = self.record.as_ref()?;
        match (self.is_pair(), self.id.part.as_deref()) {
            (true, part) => record.current.pair(part).map(|(_, about)| &about.review),
            (false, _) => Some(&record.current.review),
        }
    }
}
