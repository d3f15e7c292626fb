//! Long jobs: how far they are, and how they are stopped. Knows no domain.

mod progress;

pub use progress::{Cancelled, Progress};
