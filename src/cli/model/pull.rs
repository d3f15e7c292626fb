use std::path::PathBuf;

use clap::Args;

use crate::cli::Ended;
use crate::cli::output::Output;
use crate::cli::session::{Session, interruptible, with_progress};
use crate::config::models_folder;
use crate::model::ModelSummary;
use crate::model::hub::{Hub, HubError, Listing, Repository, pull};
use crate::report::Report;

use super::registry;

/// Download a model from Hugging Face, or from the hub at HF_ENDPOINT, and give it a name
///
/// A download that was cut goes on where it ended. The token in HF_TOKEN, if there is one, is sent to the hub.
#[derive(Debug, Args)]
pub struct PullArgs {
    /// ORGANISATION/NAME, with @REVISION behind it or without; of the suggested ones the last part will do
    repository: Repository,
    /// The name that it gets here (else the last part of its own)
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A GGUF file of the repository, in the place of its safetensors
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
    /// The folder for its files (else one of its own below ~/.local/share/retake/models)
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

const PULLING: &str = "getting {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta} left";

pub(super) fn run(args: &PullArgs, session: &Session, output: &mut Output) -> Ended {
    let repository = &args.repository;
    let name = args.name.as_deref().unwrap_or(repository.short_name());
    let folder = match &args.to {
        Some(folder) => folder.clone(),
        None => models_folder()
            .ok_or_else(|| Report::failure("there is no place for models").hint("--to DIR"))?
            .join(repository.folder_name()),
    };
    let target = match &args.file {
        Some(file) => folder.join(file),
        None => folder.clone(),
    };
    // A name that is taken is told before anything comes.
    let known = registry(session)?.models().remove(name);
    let is_own = |path: &PathBuf| target.canonicalize().is_ok_and(|target| target == *path);
    if known.as_ref().is_some_and(|path| !is_own(path)) {
        let problem = format!("there is a model `{name}` already");
        return Err(Report::failure(problem).hint("--name NAME gives this one another name"));
    }
    let hub = Hub::from_environment()?;
    let listing = interruptible(|progress| hub.listing(repository, progress))?;
    tell(&listing, output)?;
    let pulled = with_progress(output, PULLING, |progress| {
        pull(&hub, &listing, args.file.as_deref(), &folder, progress)
    })?;
    for file in &pulled.unchecked {
        output.note(format!(
            "warning: the hub tells no checksum of {file}; its size is right"
        ));
    }
    let summary = ModelSummary::read(&pulled.path).map_err(HubError::from)?;
    if known.is_none() {
        registry(session)?.add(name, &pulled.path)?;
    }
    output.line(format!("{name}  {}", summary.line()))?;
    Ok(None)
}

/// What comes, and on which terms.
fn tell(listing: &Listing, output: &mut Output) -> Result<(), Report> {
    output.line(format!("{}  commit {}", listing.repository, listing.commit))?;
    output.text("license  ")?;
    let license = listing.license.as_deref();
    output.data_line(license.unwrap_or("its card does not say"), &[])?;
    output.line("")?;
    output.flush()
}
