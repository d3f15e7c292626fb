use crate::sandbox::SandboxError;
use crate::workspace::WorkspaceError;

/// Why tools could not be set up, or a recording not be read.
#[derive(Debug, thiserror::Error)]
pub enum ToolsError {
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The workspace does not say which servers there are, or may not start them.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// A server of tools can't be used.
    #[error("the MCP server `{server}` can't be used: {reason}")]
    Mcp {
        /// Its name in workspace.toml.
        server: String,
        /// What went wrong.
        reason: String,
    },
}
