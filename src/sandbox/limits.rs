use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What one step may use. A step that wants more ends with [`Outcome::Exhausted`](super::Outcome::Exhausted).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Time that the interpreter computes; waiting for a tool does not count.
    pub computing: Duration,
    /// Time on the clock until the worker is killed; waiting for a tool does not count either.
    pub clock: Duration,
    /// Address space of the whole worker, in bytes (`RLIMIT_AS`).
    pub memory: u64,
    /// Bytes that may be printed.
    pub output: usize,
    /// Depth of calls.
    pub recursion: usize,
    /// Tool calls.
    pub calls: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            computing: Duration::from_secs(5),
            clock: Duration::from_secs(10),
            memory: 512 << 20,
            output: 1 << 20,
            recursion: 1_000,
            calls: 256,
        }
    }
}
