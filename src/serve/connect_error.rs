use std::path::PathBuf;

use crate::controller::ControllerError;
use crate::domain::visible_line as visible;
use crate::jobs::Cancelled;
use crate::model::ModelError;
use crate::report::Report;

/// Why a name gives no controller.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No model is named, and the settings name none.
    #[error("no model is named")]
    NoName,
    /// Nothing has this name.
    #[error(
        "there is no model `{}`, and no such folder or file; {}",
        visible(name),
        known(names)
    )]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names that there are.
        names: Vec<String>,
    },
    /// A workspace names this server, and the workspace is not trusted.
    #[error("the server `{}` is named by this workspace, which came from elsewhere and is not trusted", visible(.0))]
    NotTrusted(String),
    /// A server has several models, or none, and which is wanted was not said.
    #[error("{server} has {}, and which is wanted is not said", several(names))]
    Several {
        /// Its address.
        server: String,
        /// Its models.
        names: Vec<String>,
    },
    /// A setting is wrong.
    #[error("the setting `{setting}` is wrong: {reason}")]
    Setting {
        /// Its name.
        setting: &'static str,
        /// Why.
        reason: String,
    },
    /// There is no folder to write servers down in.
    #[error("there is no place where the servers of this user are kept")]
    NoPlace,
    /// A file of the place of servers can't be used.
    #[error("{} can't be {doing}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// `read`, `written`, `locked`.
        doing: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// The program of the server can't be started.
    #[error("the server of `{}` can't be started with {}", visible(name), program.display())]
    Start {
        /// The model.
        name: String,
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The server ended, or said something else, before it answered.
    #[error(
        "the server of `{}` did not come up: {}",
        visible(name),
        visible(words)
    )]
    NotReady {
        /// The model.
        name: String,
        /// What it said last.
        words: String,
        /// What it says there is to do.
        hints: Vec<String>,
    },
    /// The model can't be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The server can't be used.
    #[error(transparent)]
    Controller(#[from] ControllerError),
    /// Somebody asked it to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

fn known(names: &[String]) -> String {
    match names {
        [] => "no model has a name yet".to_owned(),
        names => format!("models with names are {}", visible(&names.join(", "))),
    }
}

/// Names that are told at most: some servers have hundreds of models.
const TOLD: usize = 12;

fn several(names: &[String]) -> String {
    let told: Vec<&str> = names.iter().take(TOLD).map(String::as_str).collect();
    let told = told.join(", ");
    match names.len() {
        0 => "no model".to_owned(),
        count if count > TOLD => format!("{count} models, such as {}", visible(&told)),
        _ => format!("several models ({})", visible(&told)),
    }
}

impl From<ConnectError> for Report {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Model(error) => error.into(),
            ConnectError::Controller(error) => error.into(),
            error => {
                let report = Self::from_error(&error);
                match error {
                    ConnectError::NoName => report
                        .hint("--model NAME, or `model` under [controller] in the settings")
                        .hint("`retake model list` lists names, `retake model pull` gets models"),
                    ConnectError::Unknown { .. } => report.hint(
                        "`retake model list` lists them; `retake model add DIR` gives one a name",
                    ),
                    ConnectError::NotTrusted(_) => {
                        report.hint("look at .retake/workspace.toml, then run `retake trust`")
                    }
                    ConnectError::Several { .. } => {
                        report.hint("name it behind the address: http://127.0.0.1:8080/v1#MODEL")
                    }
                    ConnectError::NoPlace => report.hint("set RETAKE_CACHE_DIR"),
                    ConnectError::NotReady { hints, .. } => {
                        hints.into_iter().fold(report, Self::hint)
                    }
                    _ => report,
                }
            }
        }
    }
}
