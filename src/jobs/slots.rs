use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::progress::{Cancelled, Progress};

/// How often whoever waits for a slot looks whether the job was cancelled.
const LOOK: Duration = Duration::from_millis(50);

/// A limit on how many do something at the same time. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Slots {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    total: usize,
    free: Mutex<usize>,
    changed: Condvar,
}

/// The right to do it, until this is dropped.
#[derive(Debug)]
pub struct Slot(Arc<Shared>);

impl Slots {
    /// So many at a time, at least one.
    pub fn new(total: usize) -> Self {
        let total = total.max(1);
        Self {
            shared: Arc::new(Shared {
                total,
                free: Mutex::new(total),
                changed: Condvar::new(),
            }),
        }
    }

    /// How many there are.
    pub fn total(&self) -> usize {
        self.shared.total
    }

    /// Waits for a free one.
    pub fn take(&self, progress: &Progress) -> Result<Slot, Cancelled> {
        let shared = &self.shared;
        let mut free = shared.free.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            progress.check()?;
            if *free > 0 {
                *free -= 1;
                return Ok(Slot(Arc::clone(shared)));
            }
            let waited = shared.changed.wait_timeout(free, LOOK);
            (free, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Default for Slots {
    /// One for each core.
    fn default() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, usize::from))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_than_so_many_at_a_time() {
        let (slots, progress) = (Slots::new(2), Progress::default());
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let _slot = slots.take(&progress).unwrap();
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(5));
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert!((1..=2).contains(&most.into_inner()));
    }

    #[test]
    fn a_cancel_ends_the_wait() {
        let (slots, progress) = (Slots::new(0), Progress::default());
        let _held = slots.take(&progress).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| slots.take(&progress).is_err());
            progress.cancel();
            assert!(waiting.join().unwrap());
        });
    }
}
