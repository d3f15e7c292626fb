//! From a prompt to candidates: one reading of the prompt for all of them, then token by token as a batch, each with its own
//! seed, temperature and stops.
//!
//! The same request, cold and on the same device, gives the same candidates. Nothing is cut silently: a context that is too long
//! is an error.

mod generator;
mod picture_cache;
mod prefix_cache;
mod prompt;
mod request;
mod sampler;
mod text_stream;

pub use generator::Generator;
pub use prompt::{Prompt, PromptPicture};
pub use request::{
    CandidateOptions, Completion, Finish, GenerationRequest, GenerationStatistics, Piece, Sampling,
    TokenLogprob, Told,
};
