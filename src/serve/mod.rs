//! A model as a server that speaks OpenAI's chat completions, for retake itself and for others.
//!
//! One thread owns the model and takes one request after the other; each may ask for many candidates. Requests that wait are bounded.
//! Whatever a request holds, the server answers in JSON and goes on. Nothing is printed here.

mod answer;
mod conversation;
mod error;
mod limits;
mod server;
#[cfg(test)]
mod server_tests;
mod worker;

pub use error::ServeError;
pub use limits::{Access, ServeOptions};
pub use server::{Bound, Server};
