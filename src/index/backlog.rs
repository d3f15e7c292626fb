//! Keeps what waits to be indexed small: documents hold a share of a budget of bytes until tantivy has inverted them.
//!
//! Tantivy's own queue counts batches, not bytes: records of tens of kilobytes would fill hundreds of megabytes.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tantivy::TantivyDocument;
use tantivy::schema::document::Document;

/// Bytes of text that may wait.
const LIMIT: usize = 24 << 20;

/// The budget; cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct Backlog {
    state: Arc<(Mutex<usize>, Condvar)>,
}

/// A share of the budget, given back when dropped.
#[derive(Debug)]
struct Share {
    backlog: Backlog,
    bytes: usize,
}

/// A document with its share.
#[derive(Debug)]
pub struct WaitingDocument {
    document: TantivyDocument,
    _share: Share,
}

impl Backlog {
    fn waiting(&self) -> MutexGuard<'_, usize> {
        self.state.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until all of these documents fit; more than the whole budget fits when nothing else waits.
    pub fn admit(&self, documents: Vec<(TantivyDocument, usize)>) -> Vec<WaitingDocument> {
        let bytes: usize = documents.iter().map(|(_, bytes)| bytes).sum();
        let mut waiting = self.waiting();
        while *waiting > 0 && *waiting + bytes > LIMIT {
            waiting = self
                .state
                .1
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *waiting += bytes;
        drop(waiting);
        documents
            .into_iter()
            .map(|(document, bytes)| WaitingDocument {
                document,
                _share: Share {
                    backlog: self.clone(),
                    bytes,
                },
            })
            .collect()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut waiting = self.backlog.waiting();
        *waiting = waiting.saturating_sub(self.bytes);
        self.backlog.state.1.notify_all();
    }
}

impl Document for WaitingDocument {
    type Value<'a> = <TantivyDocument as Document>::Value<'a>;
    type FieldsValuesIter<'a> = <TantivyDocument as Document>::FieldsValuesIter<'a>;

    fn iter_fields_and_values(&self) -> Self::FieldsValuesIter<'_> {
        self.document.iter_fields_and_values()
    }

    fn into_tantivy_document(self) -> TantivyDocument {
        self.document
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_waits_until_others_are_done() {
        let backlog = Backlog::default();
        let first = backlog.admit(vec![(TantivyDocument::new(), LIMIT)]);
        let waiting = std::thread::spawn({
            let backlog = backlog.clone();
            move || backlog.admit(vec![(TantivyDocument::new(), 2 * LIMIT)])
        });
        assert_eq!(*backlog.waiting(), LIMIT);
        drop(first);
        let second = waiting.join().expect("admitted");
        assert_eq!(*backlog.waiting(), 2 * LIMIT);
        drop(second);
        assert_eq!(*backlog.waiting(), 0);
    }
}
