//! One integration binary: it links once.

// Helpers of tests may unwrap, as tests may.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod demo;
mod generator;
mod hostile_files;
