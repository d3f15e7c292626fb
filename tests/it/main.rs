//! One integration binary: it links once.
#![allow(clippy::expect_used)] // helpers of tests are not inside test functions

mod agent_formats;
mod fixtures;
mod gta_data;
