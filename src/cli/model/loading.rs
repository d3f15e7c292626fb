use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::output::Output;
use crate::cli::session::{Session, with_progress};
use crate::model::{ComputeDevice, DeviceChoice, Model, ModelOptions, ModelRegistry, Quantization};
use crate::report::Report;
use crate::serve::ConnectError;

/// Which model, and where it runs.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// A name of a model, a folder in the layout of Hugging Face, or a GGUF file (else `model` under [controller] in the settings)
    #[arg(long, value_name = "NAME|DIR|FILE")]
    model: Option<String>,
    /// Where it runs: auto, cpu, gpu or gpu:N
    #[arg(long, value_name = "DEVICE", default_value_t)]
    pub device: DeviceChoice,
    /// A folder with a LoRA adapter in PEFT's layout, merged into the weights
    #[arg(long, value_name = "DIR")]
    pub adapter: Option<PathBuf>,
    /// Keep weights in fewer bits: q8 in 8, on the CPU, faster and in about a quarter of the memory
    #[arg(long, value_name = "KIND")]
    pub quantize: Option<Quantization>,
}

impl LoadArgs {
    /// The model that is meant, as people name it; that of the settings, of which they are told, where they name none.
    pub fn name(&self, session: &Session, output: &Output) -> Result<String, Report> {
        if let Some(name) = &self.model {
            return Ok(name.clone());
        }
        let name = session.config.controller.model.as_str();
        if name.is_empty() {
            return Err(ConnectError::NoName.into());
        }
        let is_server = name.starts_with("http://") || name.starts_with("https://");
        if is_server || session.config.models.contains_key(name) {
            let problem = format!(
                "`{name}`, the model of the settings, is on a server, and one of your own is wanted"
            );
            return Err(Report::usage(problem).hint("--model NAME, a folder, or a GGUF file"));
        }
        output.note(format!("the model is that of the settings: {name}"));
        Ok(name.to_owned())
    }
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
    let path = registry(session)?.resolve(&args.name(session, output)?)?;
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
    let (device, notes) = ComputeDevice::choose(args.device.for_weights(args.quantize)?)?;
    let options = ModelOptions {
        device,
        adapter: args.adapter.clone(),
        quantization: args.quantize,
    };
    let model = with_progress(output, LOADING, |progress| {
        Model::open(path, &options, progress)
    })?;
    Ok((model, notes))
}
