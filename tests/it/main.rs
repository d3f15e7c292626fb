//! One integration binary: it links once.

mod fixtures;
mod gta_data;
