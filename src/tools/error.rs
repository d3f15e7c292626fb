use crate::sandbox::SandboxError;

/// Why tools could not be set up, or a recording not be read.
#[derive(Debug, thiserror::Error)]
pub enum ToolsError {
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}
