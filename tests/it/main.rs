//! One integration binary: it links once.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests are not inside test functions

mod containers;
mod demo;
mod docs;
mod export;
mod fixtures;
mod generator;
mod gta_data;
mod hostile_files;
mod layers;
mod reading;
mod real_records;
mod user;
