use serde_json::{Value, json};

use crate::media::MediaError;
use crate::model::ModelError;
use crate::report::Report;

/// Why a server can't run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It can't listen.
    #[error("can't listen on {address}")]
    Listen {
        /// Where.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// Its threads can't be started, or it broke.
    #[error("the server fails")]
    Runtime(#[from] std::io::Error),
}

impl From<ServeError> for Report {
    fn from(error: ServeError) -> Self {
        let report = Self::from_error(&error);
        match error {
            ServeError::Listen { .. } => {
                report.hint("another program may use it; name another one")
            }
            ServeError::Runtime(_) => report,
        }
    }
}

/// What a client is told in the place of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The status of HTTP.
    pub status: u16,
    /// The kind, in OpenAI's words.
    pub kind: &'static str,
    /// What is wrong.
    pub message: String,
}

impl Refusal {
    /// The request is wrong.
    pub fn request(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            kind: "invalid_request_error",
            message: message.into(),
        }
    }

    /// The server is not able to.
    pub fn server(message: impl Into<String>) -> Self {
        Self {
            status: 500,
            kind: "server_error",
            message: message.into(),
        }
    }

    /// As clients read it.
    pub fn body(&self) -> Value {
        json!({"error": {"message": self.message, "type": self.kind, "param": null, "code": self.status}})
    }
}

impl From<ModelError> for Refusal {
    fn from(error: ModelError) -> Self {
        let message = Report::from_error(&error).message;
        match error {
            ModelError::NotFinite(_)
            | ModelError::Device(_)
            | ModelError::Tokenizer { .. }
            | ModelError::TokenId { .. } => Self::server(message),
            _ => Self::request(message),
        }
    }
}

impl From<MediaError> for Refusal {
    fn from(error: MediaError) -> Self {
        Self::request(Report::from_error(&error).message)
    }
}
