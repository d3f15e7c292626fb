use clap::Args;

use super::Ended;
use super::output::Output;
use super::session::{Session, workspace_report};
use crate::workspace::{McpEndpoint, WorkspaceError};

/// Let this workspace follow paths outside itself and use the servers that it names
#[derive(Debug, Args)]
pub struct TrustArgs {}

pub(super) fn run(_: &TrustArgs, session: Session, output: &mut Output) -> Ended {
    session.refuse_demo()?;
    let mut workspace = session.workspace()?;
    if workspace.is_trusted() {
        output.note("this workspace is trusted already");
        return Ok(None);
    }
    // What can't be read is not agreed to.
    match workspace.mcp_servers() {
        Ok(_) | Err(WorkspaceError::NotTrustedTools) => {}
        Err(error) => return Err(workspace_report(error)),
    }
    workspace.trust().map_err(workspace_report)?;
    output.note(format!(
        "{} is trusted as it is now",
        workspace.folder().display()
    ));
    for (name, endpoint) in workspace.endpoints() {
        let key = endpoint.key_env.map_or_else(
            || "without a key".to_owned(),
            |variable| format!("with the key in {variable}"),
        );
        output.note(format!(
            "the model `{name}` is asked at {}, {key}",
            endpoint.base_url
        ));
    }
    for server in workspace.mcp_servers().map_err(workspace_report)? {
        let how = match server.endpoint {
            McpEndpoint::Command {
                program, arguments, ..
            } => format!("started as {program} {}", arguments.join(" ")),
            McpEndpoint::Url {
                url,
                key_variable: Some(variable),
            } => format!("asked at {url}, with the key in {variable}"),
            McpEndpoint::Url { url, .. } => format!("asked at {url}, without a key"),
        };
        let name = server.name;
        output.note(format!("the MCP server `{name}` is {}", how.trim_end()));
    }
    Ok(None)
}
