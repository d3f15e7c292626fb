use uuid::Uuid;

use crate::domain::review::{Draft, Reviews};

/// Which way somebody goes in what they decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Back: the newest batch that counts no longer does.
    Undo,
    /// Forth: the newest undo no longer counts.
    Redo,
}

impl Direction {
    /// What the next so many steps of an annotator save, newest batch first; fewer where there are no more.
    pub fn drafts(self, reviews: &Reviews, annotator: &str, count: usize) -> Vec<Draft> {
        let (next, draft): (Vec<Uuid>, fn(Uuid) -> Draft) = match self {
            Self::Undo => (reviews.next_undos(annotator, count), Draft::undo),
            Self::Redo => (reviews.next_redos(annotator, count), Draft::redo),
        };
        next.into_iter().map(draft).collect()
    }
}
