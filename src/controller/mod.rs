//! What proposes a step: a model behind a server that speaks OpenAI's chat completions, or a script.
//!
//! There is one client for retake's own server, vLLM, llama.cpp, Ollama and hosted ones. It trusts no answer: streams that are cut, JSON
//! that is none and members of the wrong type are errors that say so. Keys come from the environment and go nowhere but to the server.

mod address;
mod background;
mod error;
mod event_stream;
mod http_controller;
#[cfg(test)]
mod http_tests;
mod limited;
mod protocol;
mod provenance;
mod reply;
mod retry;
mod scripted;

pub use address::{Address, Key};
pub use error::ControllerError;
pub use http_controller::{HttpController, HttpOptions};
pub use limited::Limited;
pub use protocol::{
    CandidateDraw, ChatRequest, Content, ContentPart, ImageUrl, RequestMessage, StopTexts,
    StreamOptions,
};
pub use provenance::Provenance;
pub use reply::{CandidateText, Delta, PromptReading, Reply, Usage};
pub use retry::RetryPolicy;
pub use scripted::ScriptedController;

use crate::jobs::Progress;

/// What proposes candidates.
pub trait Controller: Send {
    /// What it is called, for people and for records.
    fn name(&self) -> &str;

    /// Candidates for a request: as many as `n` says. `tell` is given each piece of text as it comes.
    fn propose(
        &mut self,
        request: &ChatRequest,
        progress: &Progress,
        tell: &mut dyn FnMut(Delta),
    ) -> Result<Reply, ControllerError>;

    /// What is known of where the candidates come from.
    fn provenance(&self) -> Provenance {
        Provenance::named(self.name())
    }

    /// Whether a request may say how each candidate is drawn ([`ChatRequest::candidates`]).
    fn draws_each(&self) -> bool {
        self.provenance().draws_each == Some(true)
    }

    /// What a person should know before it is used, such as that a GPU computes wrongly and the CPU is used instead.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}
