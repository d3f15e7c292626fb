use clap::Args;

use crate::cli::Ended;
use crate::cli::output::Output;
use crate::cli::session::Session;

use super::registry;

/// Forget the name of a model; its files stay
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// The name
    name: String,
}

pub(super) fn run(args: &RemoveArgs, session: &Session, output: &mut Output) -> Ended {
    registry(session)?.remove(&args.name)?;
    output.line(format!("{} is forgotten; its files stay", args.name))?;
    Ok(None)
}
