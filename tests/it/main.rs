//! One integration binary: it links once.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests are not inside test functions

mod agent_formats;
mod demo;
mod export;
mod fixtures;
mod generator;
mod gta_data;
mod hostile_files;
