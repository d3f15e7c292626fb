//! What a person sees of an error: what happened, where, and what to do. Knows no other module.

use std::fmt;

/// How a command ends; the numbers are the exit codes of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something failed (exit code 1).
    Failure,
    /// The call itself was wrong (exit code 2).
    Usage,
    /// Done, but some records could not be read or were refused (exit code 3).
    Partial,
}

impl Kind {
    /// The exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Partial => 3,
        }
    }
}

/// An error on its way to a person.
#[derive(Debug)]
pub struct Report {
    /// How the command ends.
    pub kind: Kind,
    /// What happened and where, in one sentence without a full stop.
    pub message: String,
    /// What to do about it, each in one line.
    pub hints: Vec<String>,
    /// Whether the error is only that whoever read our output stopped reading.
    pub broken_pipe: bool,
}

impl Report {
    /// A failure.
    pub fn failure(message: impl Into<String>) -> Self {
        Self::new(Kind::Failure, message)
    }

    /// A wrong call.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// A report of any kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hints: Vec::new(),
            broken_pipe: false,
        }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Collects an error and all its causes in one line.
    pub fn from_error(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            let text = inner.to_string();
            if !message.contains(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            cause = inner.source();
        }
        Self::failure(message)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        self.hints
            .iter()
            .try_for_each(|hint| write!(f, "\nhint: {hint}"))
    }
}

impl std::error::Error for Report {}

impl From<std::io::Error> for Report {
    fn from(error: std::io::Error) -> Self {
        Self {
            broken_pipe: error.kind() == std::io::ErrorKind::BrokenPipe,
            ..Self::from_error(&error)
        }
    }
}
