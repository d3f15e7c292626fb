use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::Ended;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::model::{ComputeDevice, ModelSummary};
use crate::report::Report;

use super::registry;

/// Show what is known of a model without loading it, or the devices that models can run on
#[derive(Debug, Args)]
pub struct InfoArgs {
    /// A name of a model, a folder or a GGUF file
    #[arg(required_unless_present = "devices")]
    model: Option<String>,
    /// List the devices
    #[arg(long)]
    devices: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: InfoFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum InfoFormat {
    #[default]
    Text,
    Json,
}

pub(super) fn run(args: &InfoArgs, session: &Session, output: &mut Output) -> Ended {
    let summary = match &args.model {
        Some(model) => Some(ModelSummary::read(&registry(session)?.resolve(model)?)?),
        None => None,
    };
    let devices = args.devices.then(ComputeDevice::all);
    if args.format == InfoFormat::Json {
        let model = summary.as_ref().map(|summary| {
            json!({
                "architecture": summary.title, "parameters": summary.parameters, "bytes": summary.bytes, "types": summary.types,
                "context": summary.context, "takes_pictures": summary.takes_pictures, "license": summary.license,
                "memory_cpu": summary.memory(4, summary.context), "memory_q8": summary.packed_memory(summary.context),
                "memory_gpu": summary.memory(2, summary.context),
            })
        });
        output.json(&json!({"model": model, "devices": devices}))?;
        return Ok(None);
    }
    if let Some(summary) = summary {
        tell(&summary, output)?;
    }
    for device in devices.into_iter().flatten() {
        output.line(device)?;
    }
    Ok(None)
}

fn tell(summary: &ModelSummary, output: &mut Output) -> Result<(), Report> {
    output.line(summary.line())?;
    let pictures = if summary.takes_pictures {
        "text and pictures"
    } else {
        "text alone"
    };
    output.line(format!("takes      {pictures}, {} tokens", summary.context))?;
    output.text("license    ")?;
    output.data_line(
        summary.license.as_deref().unwrap_or("its files do not say"),
        &[],
    )?;
    output.line("")?;
    let gigabytes = |bytes: u64| bytes as f64 / 1e9;
    let tokens = summary.context.min(8192);
    output.line(format!(
        "memory     about {:.1} GB on the CPU, {:.1} GB there with --quantize q8, {:.1} GB on a GPU; with a context of {tokens} tokens",
        gigabytes(summary.memory(4, tokens)),
        gigabytes(summary.packed_memory(tokens)),
        gigabytes(summary.memory(2, tokens))
    ))
}
