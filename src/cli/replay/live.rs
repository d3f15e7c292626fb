use std::path::PathBuf;

use crate::cli::output::Output;
use crate::cli::session::workspace_report;
use crate::report::Report;
use crate::tools::{Provider, connect};
use crate::workspace::Workspace;

/// What answers calls that are not recorded, beside what a trajectory brings itself.
pub(super) struct LiveTools {
    /// MCP servers, in the order of their declaration.
    pub servers: Vec<Provider>,
    /// Where built-in tools keep pictures.
    pub pictures: PathBuf,
    /// Where results of servers are kept.
    pub results: PathBuf,
}

impl LiveTools {
    /// What a replay was made with: other servers may answer otherwise.
    pub fn name(&self) -> String {
        let servers = self.servers.iter().map(|server| server.label.as_str());
        format!("live {}", servers.collect::<Vec<_>>().join(" "))
    }
}

/// Starts the servers that the workspace declares. One that can't be used is told, and the others go on.
pub(super) fn live_tools(workspace: &Workspace, output: &Output) -> Result<LiveTools, Report> {
    let mut servers = Vec::new();
    for server in workspace.mcp_servers().map_err(workspace_report)? {
        match connect(&server) {
            Ok(provider) => servers.push(provider),
            Err(error) => output.note(format!("warning: {}", Report::from_error(&error).message)),
        }
    }
    Ok(LiveTools {
        servers,
        pictures: workspace.pictures_folder(),
        results: workspace.cache_folder().join("tool-results"),
    })
}
