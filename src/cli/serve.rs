use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::config::{PictureConfig, cache_folder};
use crate::controller::Provenance;
use crate::jobs::Progress;
use crate::media::{DecodeLimits, PictureRoots};
use crate::model::{Model, WeightFiles};
use crate::report::Report;
use crate::serve::{Access, Bound, ServeOptions, Server, remembered_hash};

use super::Ended;
use super::model::{LoadArgs, load_from, registry};
use super::output::Output;
use super::session::{Session, interruptible};

/// Serve a model to retake and other programs by OpenAI's chat completions
///
/// Prints where it listens and the key as a line of JSON, and answers until Ctrl-C. Without options it listens on a free port of this
/// machine with a random key.
#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    load: LoadArgs,
    /// The model's name in answers (else the one it was asked for by)
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Listen here for others, too; needs --key-variable, and takes pictures as data: URLs alone
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        requires = "key_variable",
        conflicts_with = "socket"
    )]
    listen: Option<SocketAddr>,
    /// The environment variable that holds the key
    #[arg(long, value_name = "NAME")]
    key_variable: Option<String>,
    /// Listen on a Unix socket, for whoever may open it
    #[arg(long, value_name = "FILE")]
    socket: Option<PathBuf>,
    /// Folders in which pictures may be opened by path, besides those of the workspace here (not with --listen)
    #[arg(long, value_name = "DIR", conflicts_with = "listen")]
    images: Vec<PathBuf>,
    /// Leave pictures out where the model takes text alone
    #[arg(long)]
    drop_images: bool,
    /// End after so many seconds without a request
    #[arg(long, value_name = "SECONDS")]
    idle: Option<u64>,
}

pub(super) fn run(args: &ServeArgs, session: &Session, output: &mut Output) -> Ended {
    let key = key(args)?;
    let registry = registry(session)?;
    let asked = args.load.name(session, output)?;
    let path = registry.resolve(&asked)?;
    let (model, notes) = load_from(&path, &args.load, output)?;
    for note in &notes {
        output.note(format!("warning: {note}"));
    }
    let name = match &args.name {
        Some(name) => name.clone(),
        None => registry.name_of(&asked),
    };
    let provenance = interruptible(|progress| provenance(&name, &model, args, progress))?;
    let options = ServeOptions {
        provenance,
        access: match (&args.socket, &key) {
            (Some(_), None) => Access::Open,
            (_, Some(key)) => Access::Key(key.clone()),
            (None, None) => return Err(Report::failure("there is no key")),
        },
        picture_roots: args
            .listen
            .is_none()
            .then(|| PictureRoots::new(picture_roots(args, session))),
        picture_limits: limits(&session.config.pictures),
        sampling: model.suggested_sampling(),
        drops_images: args.drop_images,
        idle: args.idle.map(Duration::from_secs),
    };
    let server = Server::bind(model, options, &bound(args)?)?;
    let process = std::process::id();
    let place = match server.bound() {
        Bound::Tcp(address) => {
            let url = format!("http://{address}/v1");
            // A key that its user has chosen is shown nowhere.
            let key = key.filter(|_| args.key_variable.is_none());
            json!({"url": url, "key": key, "model": name, "pid": process, "notes": notes})
        }
        #[cfg(unix)]
        Bound::Unix(path) => json!({"socket": path, "model": name, "pid": process, "notes": notes}),
    };
    output.json(&place)?;
    output.flush()?;
    let ended = interruptible(|progress| server.run(progress));
    if let Some(socket) = &args.socket {
        // It is of no use to the next; that it may be gone already is fine.
        let _ = std::fs::remove_file(socket);
    }
    ended?;
    Ok(None)
}

/// What the server tells of its model.
fn provenance(
    name: &str,
    model: &Model,
    args: &ServeArgs,
    progress: &Progress,
) -> Result<Provenance, Report> {
    let cache = cache_folder();
    let hash = |files: &WeightFiles| remembered_hash(files, cache.as_deref(), progress);
    let adapter = args.load.adapter.as_deref().map(WeightFiles::of_adapter);
    Ok(Provenance {
        weights: Some(hash(&WeightFiles::of_model(model.path())?)?),
        adapter: adapter.as_ref().map(hash).transpose()?,
        architecture: Some(model.architecture().to_owned()),
        device: Some(model.device().name().to_owned()),
        backend: Some(model.backend()),
        retake: Some(env!("CARGO_PKG_VERSION").to_owned()),
        context: u64::try_from(model.context()).ok(),
        takes_pictures: Some(model.takes_pictures()),
        ..Provenance::named(name)
    })
}

/// The folders that were named, and those in which the workspace here looks for pictures.
fn picture_roots(args: &ServeArgs, session: &Session) -> Vec<PathBuf> {
    let mut roots = args.images.clone();
    if let Ok(workspace) = session.workspace() {
        for source in workspace
            .sources()
            .into_iter()
            .filter(|s| s.closed.is_none())
        {
            let own = match source.path.is_dir() {
                true => Some(source.path.clone()),
                false => source.path.parent().map(Path::to_owned),
            };
            roots.extend(source.images.into_iter().chain(own));
        }
        roots.push(workspace.pictures_folder());
    }
    roots
}

fn bound(args: &ServeArgs) -> Result<Bound, Report> {
    if let Some(address) = args.listen {
        return Ok(Bound::Tcp(address));
    }
    match &args.socket {
        None => Ok(Bound::Tcp((Ipv4Addr::LOCALHOST, 0).into())),
        #[cfg(unix)]
        Some(path) => Ok(Bound::Unix(path.clone())),
        #[cfg(not(unix))]
        Some(_) => Err(Report::usage("this system has no Unix sockets")),
    }
}

/// The key of the environment, else a random one; none for a socket.
fn key(args: &ServeArgs) -> Result<Option<String>, Report> {
    if let Some(name) = &args.key_variable {
        let key = std::env::var(name).unwrap_or_default();
        if key.trim().is_empty() {
            let problem =
                format!("the environment has no variable {name}, which is to hold the key");
            return Err(Report::usage(problem).hint(format!("set it: export {name}=…")));
        }
        return Ok(Some(key.trim().to_owned()));
    }
    if args.socket.is_some() {
        return Ok(None);
    }
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes)
        .map_err(|error| Report::failure(format!("the system gives no random bits: {error}")))?;
    Ok(Some(
        bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    ))
}

/// What pictures may cost by the settings.
pub(super) fn limits(pictures: &PictureConfig) -> DecodeLimits {
    DecodeLimits {
        max_bytes: pictures.max_file_mb.saturating_mul(1 << 20),
        max_pixels: pictures.max_megapixels.saturating_mul(1_000_000),
        ..DecodeLimits::default()
    }
}
