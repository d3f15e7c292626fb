use clap::Args;

use super::Ended;
use super::output::Output;
use super::session::{Session, workspace_report};

/// Let this workspace follow the paths that its files name outside itself, and ask the servers that they name
#[derive(Debug, Args)]
pub struct TrustArgs {}

pub(super) fn run(_: &TrustArgs, session: Session, output: &mut Output) -> Ended {
    session.refuse_demo()?;
    let mut workspace = session.workspace()?;
    if workspace.is_trusted() {
        output.note("this workspace is trusted already");
        return Ok(None);
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
    Ok(None)
}
