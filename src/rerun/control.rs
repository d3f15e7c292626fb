use crate::jobs::Progress;
use crate::rollout::Stops;

/// Cancels a re-run, or single candidates of it, while it runs. Cloning shares.
#[derive(Debug, Clone)]
pub struct RerunControl {
    /// The whole.
    pub progress: Progress,
    stops: Stops,
}

impl RerunControl {
    /// For so many new candidates.
    pub fn new(count: usize) -> Self {
        Self::of(Progress::default(), count)
    }

    /// As a part of a job that others can cancel, too.
    pub fn of(progress: Progress, count: usize) -> Self {
        Self {
            progress,
            stops: Stops::new(count),
        }
    }

    /// Stops everything.
    pub fn cancel(&self) {
        self.progress.cancel();
    }

    /// Gives a candidate up, by its number as shown: 1 is the first new one.
    pub fn cancel_candidate(&self, number: usize) {
        if let Some(index) = number.checked_sub(1) {
            self.stops.stop(index);
        }
    }

    /// Whether a candidate was given up, by its number as shown.
    pub fn is_cancelled(&self, number: usize) -> bool {
        number.checked_sub(1).is_some_and(|index| self.stops.is_stopped(index))
    }

    pub(super) fn stops(&self) -> &Stops {
        &self.stops
    }
}
