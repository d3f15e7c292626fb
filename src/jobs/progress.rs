use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared between a job and whoever watches it. Cloning shares.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    state: Arc<State>,
    /// Whether the jobs that this is a part of are to stop.
    whole: Vec<Arc<AtomicBool>>,
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

    /// A part of the job, with amounts of its own: it stops with the job, and may be stopped alone.
    pub fn part(&self) -> Self {
        let mut whole = self.whole.clone();
        whole.push(self.cancel_flag());
        Self {
            state: Arc::default(),
            whole,
        }
    }

    /// The flag itself, for a signal handler to set.
    pub fn cancel_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.state.cancelled)
    }

    /// An error once the job is to stop.
    pub fn check(&self) -> Result<(), Cancelled> {
        let mut flags = self.whole.iter().chain([&self.state.cancelled]);
        match flags.any(|flag| flag.load(Ordering::Relaxed)) {
            true => Err(Cancelled),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_stops_with_the_whole_and_alone() {
        let whole = Progress::default();
        let (one, two) = (whole.part(), whole.part().part());
        one.cancel();
        assert!(one.check().is_err());
        assert!(whole.check().is_ok() && two.check().is_ok());
        whole.cancel();
        assert!(two.check().is_err());
    }
}
