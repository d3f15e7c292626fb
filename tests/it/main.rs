//! One integration binary: it links once.
#![allow(clippy::expect_used)] // helpers of tests are not inside test functions

mod fixtures;
mod gta_data;
