//! One integration binary: it links once.

mod demo;
mod generator;
