use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::output::Output;
use crate::cli::session::{Session, with_progress};
use crate::model::{ComputeDevice, DeviceChoice, Model, ModelOptions, ModelRegistry};
use crate::report::Report;

/// Which model, and where it runs.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// A name of a model, a folder in the layout of Hugging Face, or a GGUF file
    #[arg(long, value_name = "NAME|DIR|FILE")]
    pub model: String,
    /// Where it runs: auto, cpu, gpu or gpu:N
    #[arg(long, value_name = "DEVICE", default_value_t)]
    pub device: DeviceChoice,
    /// A folder with a LoRA adapter in PEFT's layout, merged into the weights
    #[arg(long, value_name = "DIR")]
    pub adapter: Option<PathBuf>,
}

const LOADING: &str = "loading {wide_bar} {pos}/{len} tensors";

/// The names of models.
pub fn registry(session: &Session) -> Result<ModelRegistry, Report> {
    let folder = session.user_folder().ok_or_else(|| {
        Report::failure("there is no place for settings").hint("set RETAKE_CONFIG_DIR")
    })?;
    Ok(ModelRegistry::open(folder)?)
}

/// Loads a model, with a bar where people watch; what had to be decided is told.
pub fn load(args: &LoadArgs, session: &Session, output: &mut Output) -> Result<Model, Report> {
    let path = registry(session)?.resolve(&args.model)?;
    let (model, notes) = load_from(&path, args, output)?;
    for note in notes {
        output.note(format!("warning: {note}"));
    }
    Ok(model)
}

/// Loads a model from its files, with a bar where people watch, and what had to be decided.
pub fn load_from(
    path: &Path,
    args: &LoadArgs,
    output: &Output,
) -> Result<(Model, Vec<String>), Report> {
    let (device, notes) = ComputeDevice::choose(args.device)?;
    let options = ModelOptions {
        device,
        adapter: args.adapter.clone(),
    };
    let model = with_progress(output, LOADING, |progress| {
        Model::open(path, &options, progress)
    })?;
    Ok((model, notes))
}
