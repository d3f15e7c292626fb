use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::Ended;
use crate::cli::output::{Output, Style};
use crate::cli::session::Session;
use crate::model::ModelSummary;
use crate::report::{Kind, Report};

use super::registry;

/// List the models that have names
#[derive(Debug, Args)]
pub struct ListArgs {
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: ListFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum ListFormat {
    #[default]
    Text,
    Json,
}

pub(super) fn run(args: &ListArgs, session: &Session, output: &mut Output) -> Ended {
    let mut ended = None;
    let mut rows = Vec::new();
    for (name, path) in registry(session)?.models() {
        let summary = ModelSummary::read(&path);
        if summary.is_err() {
            ended = Some(Kind::Partial);
        }
        match args.format {
            ListFormat::Json => {
                let problem = summary
                    .as_ref()
                    .err()
                    .map(|error| Report::from_error(error).message);
                let summary = summary.ok();
                rows.push(json!({
                    "name": name, "path": path, "architecture": summary.as_ref().map(|s| s.title),
                    "parameters": summary.as_ref().map(|s| s.parameters), "bytes": summary.as_ref().map(|s| s.bytes), "problem": problem,
                }));
            }
            ListFormat::Text => {
                output.styled(Style::Bold, &name)?;
                output.text("  ")?;
                match summary {
                    Ok(summary) => output.text(summary.line())?,
                    Err(error) => output.styled(Style::Bad, Report::from_error(&error).message)?,
                }
                output.text("  ")?;
                output.data_line(&path.to_string_lossy(), &[])?;
                output.line("")?;
            }
        }
    }
    if args.format == ListFormat::Json {
        output.json(&rows)?;
    }
    Ok(ended)
}
