use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared between a job and whoever watches it. Cloning shares.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    done: AtomicU64,
    total: AtomicU64,
    cancelled: Arc<AtomicBool>,
}

/// A job ended because somebody asked it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

impl Progress {
    /// How much there is to do, in the job's own unit.
    pub fn add_total(&self, amount: u64) {
        self.state.total.fetch_add(amount, Ordering::Relaxed);
    }

    /// More is done.
    pub fn advance(&self, amount: u64) {
        self.state.done.fetch_add(amount, Ordering::Relaxed);
    }

    /// Done and total.
    pub fn amounts(&self) -> (u64, u64) {
        (
            self.state.done.load(Ordering::Relaxed),
            self.state.total.load(Ordering::Relaxed),
        )
    }

    /// Asks the job to stop.
    pub fn cancel(&self) {
        self.state.cancelled.store(true, Ordering::Relaxed);
    }

    /// The flag itself, for a signal handler to set.
    pub fn cancel_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.state.cancelled)
    }

    /// An error once the job is to stop.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.state.cancelled.load(Ordering::Relaxed) {
            return Err(Cancelled);
        }
        Ok(())
    }
}
