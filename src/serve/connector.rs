use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::ConnectError;
use super::own_controller::OwnController;
use super::shared_server::SharedServer;
use super::without_pictures::{WithoutPictures, are_left_out};
use crate::config::{Config, ControllerConfig, EndpointConfig, cache_folder};
use crate::controller::{
    Address, Controller, ControllerError, HttpController, HttpOptions, Key, Provenance, RetryPolicy,
};
use crate::jobs::Progress;
use crate::model::{
    DeviceChoice, ModelRegistry, ModelSummary, Quantization, WeightFiles, last_part,
};
use crate::workspace::Workspace;

/// The controller that somebody wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WantedModel {
    /// A name, a folder, a GGUF file, or the URL of a server, with `#MODEL` behind it where that has several; `None` takes the one
    /// of the settings.
    pub model: Option<String>,
    /// Where it runs, if retake serves it itself; `None` takes what the settings say.
    pub device: Option<DeviceChoice>,
    /// A LoRA adapter in PEFT's layout, if retake serves it itself.
    pub adapter: Option<PathBuf>,
    /// Whether its weights are kept in fewer bits, if retake serves it itself.
    pub quantization: Option<Quantization>,
    /// The environment variable that holds the key of a server.
    pub key_variable: Option<String>,
    /// Whether pictures are left out where the model takes text alone, in the place of an error.
    pub drops_images: bool,
}

/// Makes controllers of names: models with names, folders, and servers that the user's settings or a trusted workspace name.
#[derive(Debug, Clone)]
pub struct Connector {
    settings: ControllerConfig,
    /// Servers of the user's settings.
    own: BTreeMap<String, EndpointConfig>,
    /// Servers of the workspace.
    shared: BTreeMap<String, EndpointConfig>,
    is_trusted: bool,
    /// Names of models, and where these are.
    models: BTreeMap<String, PathBuf>,
    /// The program that serves models.
    program: Option<PathBuf>,
    /// Where running servers are written down.
    servers: Option<PathBuf>,
}

/// What a name stands for.
enum Target {
    Server(EndpointConfig),
    Files(PathBuf),
}

/// How long a server may take to list its models.
const LISTING: Duration = Duration::from_secs(10);

impl Connector {
    /// Reads where names are: settings, the user's folder, and the workspace, if there is one.
    pub fn new(
        config: &Config,
        user_folder: Option<&Path>,
        workspace: Option<&Workspace>,
    ) -> Result<Self, ConnectError> {
        let models = match user_folder {
            Some(folder) => ModelRegistry::open(folder)?.models(),
            None => BTreeMap::new(),
        };
        Ok(Self {
            settings: config.controller.clone(),
            own: config.models.clone(),
            shared: workspace.map(Workspace::endpoints).unwrap_or_default(),
            is_trusted: workspace.is_some_and(Workspace::is_trusted),
            models,
            program: std::env::current_exe().ok(),
            servers: cache_folder().map(|folder| folder.join("servers")),
        })
    }

    /// The same with another program that has the command `serve`, and another folder of servers.
    #[must_use]
    pub fn with_program(mut self, program: PathBuf, servers: PathBuf) -> Self {
        self.program = Some(program);
        self.servers = Some(servers);
        self
    }

    /// The names that are known here, in order.
    pub fn names(&self) -> Vec<String> {
        let shared = self.shared.keys().filter(|_| self.is_trusted);
        let mut names: Vec<String> = self
            .own
            .keys()
            .chain(self.models.keys())
            .chain(shared)
            .cloned()
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// The controller that is wanted. A model of one's own is loaded by a server in a child process if none has it yet, which may take
    /// a while; another server is asked for its models.
    pub fn connect(
        &self,
        wanted: &WantedModel,
        progress: &Progress,
    ) -> Result<Box<dyn Controller>, ConnectError> {
        let asked = wanted.model.as_deref().unwrap_or(&self.settings.model);
        if asked.is_empty() {
            return Err(ConnectError::NoName);
        }
        progress.check()?;
        let controller = match self.target(asked)? {
            Target::Server(server) => self.other(asked, &server, wanted)?,
            Target::Files(path) => {
                let server = self.own_server(asked, &path, wanted)?;
                Box::new(OwnController::new(server, progress)?)
            }
        };
        let takes_pictures = controller.provenance().takes_pictures;
        Ok(match are_left_out(wanted.drops_images, takes_pictures) {
            true => Box::new(WithoutPictures(controller)),
            false => controller,
        })
    }

    /// One's own names go before those of a workspace, which can't redirect them.
    fn target(&self, asked: &str) -> Result<Target, ConnectError> {
        if asked.starts_with("http://") || asked.starts_with("https://") {
            let (base_url, model) = match asked.split_once('#') {
                Some((url, model)) => (url, Some(model.to_owned())),
                None => (asked, None),
            };
            return Ok(Target::Server(EndpointConfig {
                base_url: base_url.to_owned(),
                model: model.filter(|model| !model.is_empty()),
                key_env: None,
                silence_seconds: None,
            }));
        }
        if let Some(server) = self.own.get(asked) {
            return Ok(Target::Server(server.clone()));
        }
        if let Some(path) = self.models.get(asked) {
            return Ok(Target::Files(path.clone()));
        }
        match self.shared.get(asked) {
            Some(server) if self.is_trusted => return Ok(Target::Server(server.clone())),
            Some(_) => return Err(ConnectError::NotTrusted(asked.to_owned())),
            None => {}
        }
        let path = PathBuf::from(asked);
        match path.exists() {
            true => Ok(Target::Files(path)),
            false => Err(ConnectError::Unknown {
                name: asked.to_owned(),
                names: self.names(),
            }),
        }
    }

    /// A controller of a server that retake has not started.
    fn other(
        &self,
        asked: &str,
        server: &EndpointConfig,
        wanted: &WantedModel,
    ) -> Result<Box<dyn Controller>, ConnectError> {
        let address = Address::new(&server.base_url)?;
        let variable = wanted.key_variable.as_ref().or(server.key_env.as_ref());
        let key = variable
            .map(|name| Key::from_environment(name))
            .transpose()?;
        let silence = server
            .silence_seconds
            .unwrap_or(self.settings.silence_seconds);
        let options = |silence| HttpOptions {
            key: key.clone(),
            silence,
            retries: RetryPolicy::default(),
            ..HttpOptions::default()
        };
        let listed = HttpController::new(address.clone(), asked, options(LISTING)).listed();
        let known = match (listed, &server.model) {
            (Ok(listed), model) => chosen(asked, &address, listed, model.as_deref())?,
            (Err(error), Some(model)) if may_be_no_list(&error) => Provenance::named(model),
            (Err(error), _) => return Err(error.into()),
        };
        let silence = Duration::from_secs(silence.max(1));
        let mut controller = HttpController::new(address, &known.model, options(silence));
        controller.set_provenance(known);
        Ok(Box::new(controller))
    }

    /// How the server of a model of one's own is started and found again.
    fn own_server(
        &self,
        asked: &str,
        path: &Path,
        wanted: &WantedModel,
    ) -> Result<SharedServer, ConnectError> {
        let device = match wanted.device {
            Some(device) => device,
            None => self
                .settings
                .device
                .parse()
                .map_err(|reason| ConnectError::Setting {
                    setting: "controller.device",
                    reason,
                })?,
        };
        let device = device.for_weights(wanted.quantization)?;
        let path = canonical(path)?;
        // What is no model is told here, before a process is started for it.
        ModelSummary::read(&path)?;
        let adapter = wanted.adapter.as_deref().map(canonical).transpose()?;
        let mut told = vec![
            env!("CARGO_PKG_VERSION").to_owned(),
            device.to_string(),
            path.display().to_string(),
            WeightFiles::of_model(&path)?.stamp()?,
            running_system(),
        ];
        if let Some(adapter) = &adapter {
            told.push(adapter.display().to_string());
            told.push(WeightFiles::of_adapter(adapter).stamp()?);
        }
        let program = self.program.clone().ok_or(ConnectError::NoPlace)?;
        told.push(program_stamp(&program));
        let servers = self.servers.clone().ok_or(ConnectError::NoPlace)?;
        let mut arguments: Vec<OsString> = vec!["serve".into(), "--model".into(), path.into()];
        let idle = self.settings.idle_seconds.max(1).to_string();
        let device = device.to_string();
        // A path says more of this machine than records need.
        let called = match self.models.contains_key(asked) {
            true => asked.to_owned(),
            false => last_part(asked),
        };
        for (name, value) in [
            ("--name", called.as_str()),
            ("--device", &device),
            ("--idle", &idle),
        ] {
            arguments.extend([OsString::from(name), OsString::from(value)]);
        }
        if let Some(adapter) = adapter {
            arguments.extend([OsString::from("--adapter"), adapter.into()]);
        }
        if let Some(quantization) = wanted.quantization {
            let kind = quantization.to_string();
            arguments.extend([OsString::from("--quantize"), kind.clone().into()]);
            told.push(kind);
        }
        Ok(SharedServer {
            name: called,
            program,
            arguments,
            folder: servers,
            id: id_of(&told),
            silence: Duration::from_secs(self.settings.silence_seconds.max(1)),
        })
    }
}

/// The model of a server that is meant.
fn chosen(
    asked: &str,
    address: &Address,
    listed: Vec<Provenance>,
    model: Option<&str>,
) -> Result<Provenance, ConnectError> {
    if let Some(model) = model {
        // Servers know models by names that they do not list, too.
        let known = listed.into_iter().find(|known| known.model == model);
        return Ok(known.unwrap_or_else(|| Provenance::named(model)));
    }
    let names: Vec<String> = listed.iter().map(|known| known.model.clone()).collect();
    let is_only = listed.len() == 1;
    let mut fitting = listed
        .into_iter()
        .filter(|known| is_only || known.model == asked);
    fitting.next().ok_or_else(|| ConnectError::Several {
        server: address.to_string(),
        names,
    })
}

/// Whether a server that answers so may do its work all the same: some list no models, or not to everybody.
fn may_be_no_list(error: &ControllerError) -> bool {
    match error {
        ControllerError::Refused { status, .. } => *status != 401,
        ControllerError::Silent { .. }
        | ControllerError::Cut { .. }
        | ControllerError::Misunderstood { .. } => true,
        _ => false,
    }
}

fn canonical(path: &Path) -> Result<PathBuf, ConnectError> {
    path.canonicalize().map_err(|source| ConnectError::File {
        path: path.to_owned(),
        doing: "read",
        source,
    })
}

/// Another build of the program is another server.
fn program_stamp(program: &Path) -> String {
    let changed = program.metadata().and_then(|data| data.modified()).ok();
    let changed = changed.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let changed = changed.unwrap_or_default().as_nanos();
    format!("{} {changed}", program.display())
}

/// What tells this run of this machine from another one that sees the same files; empty where the system does not say.
fn running_system() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}

fn id_of(told: &[String]) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in told {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize().to_hex().chars().take(20).collect()
}
