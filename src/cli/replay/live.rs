use std::sync::Arc;

use crate::cli::output::Output;
use crate::cli::session::{Session, workspace_report};
use crate::jobs::Progress;
use crate::report::Report;
use crate::tools::{LiveTools, MakeController, ModelAccess, ToolsError};
use crate::workspace::Workspace;

use super::ReplayArgs;

/// Starts the live tools of the workspace, if they are wanted. A server that can't be used is told, and the others go on; a model
/// is reached when the first call needs it.
pub(super) fn live_tools(
    args: &ReplayArgs,
    session: &Session,
    workspace: &Workspace,
    output: &Output,
) -> Result<Option<LiveTools>, Report> {
    if !args.live {
        return match args.controller.is_given() {
            true => Err(Report::usage(
                "a model answers calls of live tools alone: add --live".to_owned(),
            )),
            false => Ok(None),
        };
    }
    let model = model(args, session, workspace)?;
    if args.simulate && model.is_none() {
        return Err(Report::usage("--simulate needs a model".to_owned())
            .hint("name one with --model, or as `model` under [controller] in the settings"));
    }
    let report = |error| match error {
        ToolsError::Workspace(error) => workspace_report(error),
        error => Report::from_error(&error),
    };
    let (mut tools, failed) = LiveTools::start(workspace).map_err(report)?;
    for error in failed {
        output.note(format!("warning: {}", Report::from_error(&error).message));
    }
    tools.simulating = model.clone().filter(|_| args.simulate);
    tools.model = model;
    Ok(Some(tools))
}

/// The model that is named, here or in the settings.
fn model(
    args: &ReplayArgs,
    session: &Session,
    workspace: &Workspace,
) -> Result<Option<ModelAccess>, Report> {
    let wanted = args.controller.wanted();
    let set = &session.config.controller.model;
    let mut name = wanted.model.as_ref().unwrap_or(set).clone();
    if name.is_empty() {
        return Ok(None);
    }
    if let Some(adapter) = &wanted.adapter {
        name = format!("{name} with {}", adapter.display());
    }
    let connector = args.controller.connector(session, Some(workspace))?;
    let make: MakeController = Arc::new(move || {
        // Who no longer waits leaves the model to its server.
        let connected = connector.connect(&wanted, &Progress::default());
        connected.map_err(|error| Report::from(error).message)
    });
    Ok(Some(ModelAccess {
        name,
        make,
        progress: Progress::default(),
    }))
}
