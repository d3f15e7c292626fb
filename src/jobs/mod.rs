//! Long jobs: how far they are, how they are stopped, and the threads that do them. Knows no domain.

mod progress;
mod slots;
mod worker;

pub use progress::{Cancelled, Progress};
pub use slots::{Slot, Slots};
pub use worker::{Order, Worker, panic_words};
