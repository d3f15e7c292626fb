use clap::Args;

use super::Ended;
use super::output::Output;
use super::session::Session;

/// Placeholder
#[derive(Debug, Args)]
pub struct ExportArgs {}

pub(super) fn run(_: &ExportArgs, _: Session, _: &mut Output) -> Ended {
    Ok(None)
}
