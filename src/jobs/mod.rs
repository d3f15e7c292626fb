//! Long jobs: how far they are, how they are stopped, and the threads that do them. Knows no domain.

mod progress;
mod worker;

pub use progress::{Cancelled, Progress};
pub use worker::{Order, Worker, panic_words};
