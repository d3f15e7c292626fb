use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::{ReviewRecord, Verb};

/// Which batches are switched off: those with an undo that no redo takes back. Annotators reverse only what is their own.
///
/// It is a matter of sets: in which order the records became known makes no difference.
#[derive(Debug, Clone, Default)]
pub(super) struct Reversals {
    /// The undos of each batch: who, and the undo's id.
    undos: HashMap<Uuid, Vec<(Arc<str>, Uuid)>>,
    /// What redos take back: who, and the undo's id.
    redos: HashSet<(Arc<str>, Uuid)>,
}

impl Reversals {
    /// Takes notice of a record that is an undo or a redo.
    pub(super) fn add(&mut self, record: &ReviewRecord) {
        let who = Arc::clone(&record.annotator);
        match &record.verb {
            Verb::Undo(undo) => {
                let undos = self.undos.entry(undo.reverses).or_default();
                undos.push((who, record.id));
            }
            Verb::Redo(redo) => {
                self.redos.insert((who, redo.reverses));
            }
            _ => {}
        }
    }

    /// Whether an undo still holds.
    pub(super) fn holds(&self, undo: &ReviewRecord) -> bool {
        self.redos.is_empty() || !self.redos.contains(&(Arc::clone(&undo.annotator), undo.id))
    }

    /// Whether a record's batch is switched off.
    pub(super) fn is_off(&self, record: &ReviewRecord) -> bool {
        if self.undos.is_empty() {
            return false;
        }
        let undos = self.undos.get(&record.batch_id());
        undos.into_iter().flatten().any(|(who, undo)| {
            *who == record.annotator && !self.redos.contains(&(Arc::clone(who), *undo))
        })
    }
}
