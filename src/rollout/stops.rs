use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Lets somebody give up single candidates while they come. Cloning shares.
///
/// A server makes the candidates of a request together, so that one alone costs no less without it: it is dropped, and its request is
/// cancelled once all of its candidates are given up.
#[derive(Debug, Clone)]
pub struct Stops(Arc<[AtomicBool]>);

impl Stops {
    /// For so many candidates, none of them given up.
    pub fn new(count: usize) -> Self {
        Self((0..count).map(|_| AtomicBool::new(false)).collect())
    }

    /// Gives a candidate up, by its number among all of the step.
    pub fn stop(&self, candidate: usize) {
        if let Some(flag) = self.0.get(candidate) {
            flag.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it was given up.
    pub fn is_stopped(&self, candidate: usize) -> bool {
        let flag = self.0.get(candidate);
        flag.is_some_and(|flag| flag.load(Ordering::Relaxed))
    }
}
