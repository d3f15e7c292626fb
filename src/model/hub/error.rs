use std::path::PathBuf;

use crate::domain::visible_line as visible;
use crate::jobs::Cancelled;
use crate::model::ModelError;
use crate::report::Report;

/// Why a model can't be got from a hub.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The name is none of a repository.
    #[error("`{}` is no name of a repository: {reason}", visible(name))]
    Name {
        /// What was given.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// `HF_ENDPOINT` or `HF_TOKEN` is no use.
    #[error("{variable} is wrong: {reason}")]
    Setting {
        /// The variable.
        variable: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// The hub can't be reached, or stays silent.
    #[error("{hub} can't be reached: {reason}")]
    Unreachable {
        /// Its address.
        hub: String,
        /// Why.
        reason: String,
    },
    /// There is no such repository, revision or file.
    #[error("{hub} has no {}", visible(what))]
    NotFound {
        /// Its address.
        hub: String,
        /// What was asked for.
        what: String,
    },
    /// The hub does not give it to whoever asks.
    #[error("{hub} does not give {}: {status}{}", visible(what), because(message))]
    Denied {
        /// Its address.
        hub: String,
        /// What was asked for.
        what: String,
        /// The status of HTTP, 401 or 403.
        status: u16,
        /// What the hub says.
        message: String,
        /// Whether a token was sent.
        has_token: bool,
    },
    /// The hub answers with an error.
    #[error("{hub} answers {status} for {}{}", visible(what), because(message))]
    Refused {
        /// Its address.
        hub: String,
        /// What was asked for.
        what: String,
        /// The status of HTTP.
        status: u16,
        /// What the hub says.
        message: String,
    },
    /// The answer is not what a hub answers.
    #[error("the answer of {hub} can't be understood: {}", visible(reason))]
    Misunderstood {
        /// Its address.
        hub: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The repository has no model that can be run.
    #[error("{} has no {wanted}{}", visible(repository), instead(files))]
    NoModel {
        /// The repository.
        repository: String,
        /// What is missing.
        wanted: String,
        /// GGUF files that it has.
        files: Vec<String>,
    },
    /// A file came whole and is another one.
    #[error(
        "{} came damaged: its SHA-256 is {found} and should be {wanted}; it was thrown away",
        visible(file)
    )]
    Checksum {
        /// The file.
        file: String,
        /// By the hub's word.
        wanted: String,
        /// Of what came.
        found: String,
    },
    /// The disk is too small.
    #[error("{} has room for {:.2} GB, and {:.2} GB are to come", folder.display(), *free as f64 / 1e9, *needed as f64 / 1e9)]
    Space {
        /// Where the files go.
        folder: PathBuf,
        /// Bytes that are free.
        free: u64,
        /// Bytes that are to come.
        needed: u64,
    },
    /// Another process is at it.
    #[error("another process is downloading into {}", .0.display())]
    Busy(PathBuf),
    /// A file can't be read or written.
    #[error("{} can't be {doing}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        doing: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// What came is no model that can be run.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Somebody asked it to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

fn because(message: &str) -> String {
    match message {
        "" => String::new(),
        message => format!(", {}", visible(message)),
    }
}

fn instead(files: &[String]) -> String {
    match files {
        [] => String::new(),
        files => format!("; it has {}", visible(&files.join(", "))),
    }
}

impl From<HubError> for Report {
    fn from(error: HubError) -> Self {
        let report = Self::from_error(&error);
        match error {
            HubError::Model(error) => error.into(),
            HubError::Name { .. } => report
                .hint("names look like HuggingFaceTB/SmolVLM-256M-Instruct")
                .hint("`retake model list --suggested` lists some"),
            HubError::Unreachable { .. } => {
                report.hint("what has come stays; the same command goes on from there")
            }
            HubError::NotFound { .. } => report.hint("`retake model list --suggested` lists some names"),
            HubError::Denied {
                has_token: false, ..
            } => report.hint("is the name right? what is private or has terms to accept needs a token: export HF_TOKEN=…"),
            HubError::Denied { hub, what, .. } => {
                report.hint(format!("its terms may have to be accepted at {hub}/{what}"))
            }
            HubError::NoModel { files, .. } if !files.is_empty() => {
                report.hint("--file NAME takes one of them")
            }
            HubError::Checksum { .. } => report.hint("the same command gets it again"),
            HubError::Space { .. } => report.hint("--to DIR names another place"),
            HubError::Cancelled(_) => {
                report.hint("what has come stays; the same command goes on from there")
            }
            _ => report,
        }
    }
}
