use crate::jobs::Cancelled;
use crate::sandbox::SandboxError;
use crate::tools::ToolsError;

/// Why a trajectory could not be replayed. A step that fails or diverges is no error but a verdict.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(SandboxError),
    /// The recording could not be read.
    #[error(transparent)]
    Tools(ToolsError),
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl From<SandboxError> for ReplayError {
    fn from(error: SandboxError) -> Self {
        match error {
            SandboxError::Cancelled => Self::Cancelled,
            error => Self::Sandbox(error),
        }
    }
}

impl From<ToolsError> for ReplayError {
    fn from(error: ToolsError) -> Self {
        match error {
            ToolsError::Sandbox(error) => error.into(),
            error => Self::Tools(error),
        }
    }
}

impl From<Cancelled> for ReplayError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}
