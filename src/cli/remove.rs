use clap::Args;

use super::Ended;
use super::output::Output;
use super::session::{Session, workspace_report};

/// Forget sources; their files stay
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// Names, as `retake sources` lists them
    #[arg(required = true)]
    names: Vec<String>,
}

pub(super) fn run(args: &RemoveArgs, session: Session, output: &mut Output) -> Ended {
    session.refuse_demo()?;
    let mut workspace = session.workspace()?;
    for name in &args.names {
        workspace.remove_source(name).map_err(workspace_report)?;
        output.note(format!("source `{name}` is forgotten"));
    }
    session.corpus(&workspace, true, output)?;
    Ok(None)
}
