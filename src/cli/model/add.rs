use std::path::PathBuf;

use clap::Args;

use crate::cli::Ended;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::model::ModelSummary;
use crate::report::Report;

use super::registry;

/// Give a model a name: a folder in the layout of Hugging Face, or a GGUF file
///
/// Its files stay where they are.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// The folder or file
    path: PathBuf,
    /// The name (else that of the folder or file)
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

pub(super) fn run(args: &AddArgs, session: &Session, output: &mut Output) -> Ended {
    // Only what can be run gets a name.
    let summary = ModelSummary::read(&args.path)?;
    let own = args.path.canonicalize()?;
    let own = own
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    let name = args.name.clone().or(own).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Report::usage("the model needs a name").hint("--name NAME"))?;
    registry(session)?.add(&name, &args.path)?;
    output.line(format!("{name}  {}", summary.title))?;
    Ok(None)
}
