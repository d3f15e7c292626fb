use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::Ended;
use crate::cli::output::{Output, Style};
use crate::cli::session::Session;
use crate::model::ModelSummary;
use crate::model::hub::{SUGGESTED, SuggestedModel, memory_of_this_machine};
use crate::report::{Kind, Report};

use super::registry;

/// List the models that have names, or some that can be downloaded
#[derive(Debug, Args)]
pub struct ListArgs {
    /// List models that can be downloaded, and what fits in this machine's memory
    #[arg(long)]
    suggested: bool,
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

/// Models that can be downloaded, from small to large.
fn suggested(format: ListFormat, output: &mut Output) -> Ended {
    let memory = memory_of_this_machine();
    let gigabytes = |bytes: u64| bytes as f64 / 1e9;
    if format == ListFormat::Json {
        let row = |model: &SuggestedModel| {
            json!({
                "repository": model.repository, "parameters": model.millions * 1_000_000, "takes_pictures": model.takes_pictures,
                "license": model.license, "memory_cpu": model.memory(4), "memory_gpu": model.memory(2),
                "fits": memory.map(|memory| model.fits(memory)),
            })
        };
        let rows: Vec<serde_json::Value> = SUGGESTED.iter().map(row).collect();
        output.json(&json!({"memory": memory, "models": rows}))?;
        return Ok(None);
    }
    if let Some(memory) = memory {
        output.line(format!(
            "this machine has {:.1} GB of memory; a GPU needs half of what the CPU does",
            gigabytes(memory)
        ))?;
    }
    for model in SUGGESTED {
        let is_too_large = memory.is_some_and(|memory| !model.fits(memory));
        let style = if is_too_large {
            Style::Dim
        } else {
            Style::Bold
        };
        output.styled(style, format!("{:<36}", model.repository))?;
        let takes = match model.takes_pictures {
            true => "text and pictures",
            false => "text alone       ",
        };
        let fits = if is_too_large {
            ", too large for the CPU here"
        } else {
            ""
        };
        output.line(format!(
            " {:>5} M parameters  {takes}  {:>4.1} GB on the CPU{fits}  {}",
            model.millions,
            gigabytes(model.memory(4)),
            model.license
        ))?;
    }
    Ok(None)
}

pub(super) fn run(args: &ListArgs, session: &Session, output: &mut Output) -> Ended {
    if args.suggested {
        return suggested(args.format, output);
    }
    let mut ended = None;
    let mut rows = Vec::new();
    let models = registry(session)?.models();
    if models.is_empty() {
        output.note("no model has a name yet; `retake model list --suggested` lists some that `retake model pull` gets");
    }
    for (name, path) in models {
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
