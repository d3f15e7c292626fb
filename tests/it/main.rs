//! One integration binary: it links once.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests are not inside test functions

mod cli;
mod containers;
#[cfg(unix)]
mod controllers;
mod demo;
mod docs;
mod execution;
mod exploring;
mod export;
mod fixtures;
mod generator;
mod gta_data;
mod hostile;
mod hostile_files;
mod incremental;
mod incremental_property;
mod interruption;
mod journal;
mod layers;
mod model;
mod other_servers;
mod pulling;
mod read_only;
mod reading;
mod real_data;
mod real_records;
mod replaying;
#[cfg(unix)]
mod rerunning;
mod review;
mod running_models;
mod serving;
mod team;
mod trust;
mod tui;
mod user;
