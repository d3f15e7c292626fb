use std::sync::Arc;

use crate::domain::{ToolDefinition, ToolParameter};
use crate::jobs::Progress;
use crate::report::Report;
use crate::serve::{Connector, WantedModel};
use crate::tools::{FINAL_ANSWER, LiveTools, ModelAccess, Provider, ToolsError};
use crate::workspace::Workspace;

use super::output::Output;
use super::session::workspace_report;

/// What controllers of new runs are told of the tools that they may call: each name once, and `final_answer`.
pub fn offered(providers: &[Provider]) -> Vec<ToolDefinition> {
    let mut offered: Vec<ToolDefinition> = Vec::new();
    let answer = ToolDefinition {
        name: FINAL_ANSWER.to_owned(),
        description: Some("Gives the answer to the task, and ends the work.".to_owned()),
        parameters: vec![ToolParameter {
            name: "answer".to_owned(),
            description: Some("The answer".to_owned()),
            ..ToolParameter::default()
        }],
    };
    for tool in providers
        .iter()
        .flat_map(Provider::definitions)
        .chain([answer])
    {
        if offered.iter().all(|known| known.name != tool.name) {
            offered.push(tool);
        }
    }
    offered
}

/// Starts the live tools of the workspace; the wanted model answers questions about pictures and files. A server that can't be used is
/// told, and the others go on.
pub fn live_tools(
    workspace: &Workspace,
    connector: &Connector,
    wanted: &WantedModel,
    output: &Output,
) -> Result<LiveTools, Report> {
    let report = |error| match error {
        ToolsError::Workspace(error) => workspace_report(error),
        error => Report::from_error(&error),
    };
    let (mut tools, failed) = LiveTools::start(workspace).map_err(report)?;
    for error in failed {
        output.note(format!("warning: {}", Report::from_error(&error).message));
    }
    let (connector, wanted) = (connector.clone(), wanted.clone());
    let progress = Progress::default();
    tools.model = Some(ModelAccess {
        name: wanted
            .model
            .clone()
            .unwrap_or_else(|| "controller".to_owned()),
        progress: progress.clone(),
        make: Arc::new(move || {
            let connected = connector.connect(&wanted, &progress);
            connected.map_err(|error| Report::from(error).message)
        }),
    });
    Ok(tools)
}
