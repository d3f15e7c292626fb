//! Models of a hub with the interface of Hugging Face: what a repository has, and its files, whole and checked.
//!
//! A download that was cut goes on where it ended; a file gets its name when all of it is there and its checksum is right. The token
//! goes to the hub and nowhere else. What a hub tells is not trusted: names that lead elsewhere are left out.

mod connection;
mod download;
mod error;
#[cfg(test)]
mod hub_tests;
mod listing;
mod repository;
mod suggested;

pub use connection::Hub;
pub use download::{Pulled, pull};
pub use error::HubError;
pub use listing::{ListedFile, Listing};
pub use repository::Repository;
pub use suggested::{SUGGESTED, SuggestedModel, memory_of_this_machine};
