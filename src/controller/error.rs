use crate::domain::visible_line;
use crate::jobs::Cancelled;
use crate::report::Report;

/// Why a controller gave no candidates.
#[derive(Debug, thiserror::Error)]
pub enum ControllerError {
    /// The address is none.
    #[error("`{}` is no address of a server: {reason}", visible_line(address))]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The key that is to be sent is not there.
    #[error("the environment has no variable {0}, which is to hold the key")]
    NoKey(String),
    /// The key can't be sent.
    #[error("the key in {0} has characters that no key has")]
    BadKey(String),
    /// The server can't be reached.
    #[error("{server} can't be reached: {reason}")]
    Unreachable {
        /// Its address.
        server: String,
        /// Why.
        reason: String,
    },
    /// The server said nothing for too long.
    #[error("{server} said nothing for {seconds} s")]
    Silent {
        /// Its address.
        server: String,
        /// How long.
        seconds: u64,
    },
    /// The server refuses the request.
    #[error("{server} refuses: {status}, {}", visible_line(message))]
    Refused {
        /// Its address.
        server: String,
        /// The status of HTTP.
        status: u16,
        /// What it says.
        message: String,
    },
    /// The answer ended before it was whole.
    #[error("the answer of {server} was cut after {received} characters")]
    Cut {
        /// Its address.
        server: String,
        /// How much had come.
        received: usize,
    },
    /// The answer is not what the protocol says.
    #[error("the answer of {server} can't be understood: {}", visible_line(reason))]
    Misunderstood {
        /// Its address.
        server: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server draws all candidates of a request in the same way.
    #[error(
        "{server} draws all candidates of a request in one way, and each is asked for in its own"
    )]
    OneDraw {
        /// Its address.
        server: String,
    },
    /// The server of a model of one's own, which had ended, could not be started again.
    #[error("{0}")]
    NotStarted(String),
    /// The thread that talks to a server can't be started, or it has ended.
    #[error("the thread that talks to the server fails")]
    Thread(#[source] Option<std::io::Error>),
    /// A script has no further answer.
    #[error("the script has no answer left")]
    ScriptEnded,
    /// Somebody asked it to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl From<ControllerError> for Report {
    fn from(error: ControllerError) -> Self {
        let report = Self::from_error(&error);
        match error {
            ControllerError::Address { .. } => {
                report.hint("an address looks like http://127.0.0.1:8080/v1")
            }
            ControllerError::NoKey(name) => report.hint(format!("set it: export {name}=…")),
            ControllerError::Unreachable { .. } => {
                report.hint("is the server running? `retake serve` starts one")
            }
            ControllerError::Refused {
                status: 401 | 403, ..
            } => report.hint("name the variable that holds the key: --key-variable NAME, or `key_env` in the settings"),
            ControllerError::Silent { .. } => {
                report.hint("a large model may need longer; the time can be set")
            }
            ControllerError::Cut { received: 0, .. } => report.hint(
                "the server's own log says why; some servers end like this where a prompt is too long for them",
            ),
            _ => report,
        }
    }
}
