use crate::domain::{ToolDefinition, ToolParameter};
use crate::report::Report;
use crate::rollout::tool_model;
use crate::serve::{Connector, WantedModel};
use crate::tools::{FINAL_ANSWER, LiveTools, Provider, ToolsError};
use crate::workspace::Workspace;

use super::controller_args::ControllerArgs;
use super::output::Output;
use super::session::{Session, workspace_report};

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
fn started(workspace: &Workspace, output: &Output) -> Result<LiveTools, Report> {
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
    tools.model = Some(tool_model(connector, wanted, name));
    Ok(tools)
}

/// The live tools of the workspace for steps that are run again, with the model that is named here or in the settings, if one is; where
/// it `simulates`, it also plays the tools that nothing else answers.
pub fn tools_of_replay(
    controller: &ControllerArgs,
    simulates: bool,
    session: &Session,
    workspace: &Workspace,
    output: &Output,
) -> Result<LiveTools, Report> {
    let wanted = controller.wanted();
    let set = &session.config.controller.model;
    let mut name = wanted.model.as_ref().unwrap_or(set).clone();
    let has_model = !name.is_empty();
    if let Some(adapter) = &wanted.adapter {
        name = format!("{name} with {}", adapter.display());
    }
    let connector = controller.connector(session, Some(workspace))?;
    let model = has_model.then(|| tool_model(&connector, &wanted, &name));
    if simulates && model.is_none() {
        return Err(Report::usage("--simulate needs a model".to_owned())
            .hint("name one with --model, or as `model` under [controller] in the settings"));
    }
    let mut tools = started(workspace, output)?;
    tools.simulating = model.clone().filter(|_| simulates);
    tools.model = model;
    Ok(tools)
}
