//! A model as a server that speaks OpenAI's chat completions, for retake itself and for others; and names made controllers, with such
//! servers started as child processes.
//!
//! One thread owns the model and takes one request after the other; each may ask for many candidates. Requests that wait are bounded.
//! Whatever a request holds, the server answers in JSON and goes on. Nothing is printed here.

mod answer;
mod connect_error;
mod connector;
#[cfg(test)]
mod connector_tests;
mod conversation;
mod error;
mod limits;
mod not_done;
mod own_controller;
mod remembered_hash;
mod server;
#[cfg(test)]
mod server_tests;
mod shared_server;
mod without_pictures;
mod worker;

pub use connect_error::ConnectError;
pub use connector::{Connector, WantedModel};
pub use error::ServeError;
pub use limits::{Access, ServeOptions};
pub use remembered_hash::remembered_hash;
pub use server::{Bound, Server};
