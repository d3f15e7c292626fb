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

/// Starts the live tools of the workspace. A server that can't be used is told, and the others go on.
pub fn started(workspace: &Workspace, output: &Output) -> Result<LiveTools, Report> {
    let report = |error| match error {
        ToolsError::Workspace(error) => workspace_report(error),
        error => Report::from_error(&error),
    };
    let (tools, failed) = LiveTools::start(workspace).map_err(report)?;
    for error in failed {
        output.note(format!("warning: {}", Report::from_error(&error).message));
    }
    Ok(tools)
}

/// The live tools of the workspace, where the controller itself, called `name`, answers questions about pictures and files.
pub fn tools_of_run(
    workspace: &Workspace,
    connector: &Connector,
    wanted: &WantedModel,
    name: &str,
    output: &Output,
) -> Result<LiveTools, Report> {
    let mut tools = started(workspace, output)?;
    let (connector, wanted) = (connector.clone(), wanted.clone());
    tools.model = Some(ModelAccess {
        name: name.to_owned(),
        progress: Progress::default(),
        make: Arc::new(move || {
            // Who no longer waits leaves the model to its server.
            let connected = connector.connect(&wanted, &Progress::default());
            connected.map_err(|error| Report::from(error).message)
        }),
    });
    Ok(tools)
}
