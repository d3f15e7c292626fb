//! The folder `.retake/`: finding it, the sources it names, this machine's paths, and trust. Never writes to a source.

mod declaration;
mod endpoint;
mod kept_candidates;
mod line_log;
mod mcp_server;
mod record_texts;
mod replay_log;
mod trust;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use declaration::{LocalPaths, WorkspaceFile};
pub use declaration::{Source, SourceDeclaration};
pub use kept_candidates::KeptCandidates;
pub use line_log::{HeldLog, LineLog};
pub use mcp_server::{McpEndpoint, McpServer};
pub use record_texts::RecordTexts;
pub use replay_log::{
    ReplayEntry, ReplayLog, ReplayLogHead, ReplayPlace, ReplayVerdicts, replayed_hash,
};
pub use trust::Trust;

use crate::config::EndpointConfig;

/// A folder with `.retake/` in it.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    file: WorkspaceFile,
    local: LocalPaths,
    trust: Trust,
}

/// Why a workspace can't be used.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// There is none here.
    #[error("no workspace here: neither {0} nor a folder above it holds .retake/")]
    NotFound(PathBuf),
    /// A file of it can't be read or written.
    #[error("{path} can't be {doing}")]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        doing: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file of it is wrong.
    #[error("{path} is wrong: {reason}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A source has this name already.
    #[error("a source named `{name}` is there already: {path}")]
    NameTaken {
        /// The name.
        name: String,
        /// Its path.
        path: PathBuf,
    },
    /// No source has this name.
    #[error("no source is named `{0}`")]
    NoSource(String),
    /// It came from elsewhere, and wants something outside itself.
    #[error("this workspace came from elsewhere and names paths outside itself; they stay closed")]
    NotTrusted,
    /// It came from elsewhere, or was changed by hand, and wants programs to be started.
    #[error(
        "this workspace declares MCP servers, and nobody has trusted it as it is; none is started"
    )]
    NotTrustedTools,
}

const FOLDER: &str = ".retake";
const FILE: &str = "workspace.toml";
const LOCAL: &str = "workspace.local.toml";
/// What of the folder is this machine's own.
const IGNORED: &str =
    "/index/\n/cache/\n/blobs/records/\n/runs/*.progress\n/lock\n/workspace.local.toml\n";

impl Workspace {
    /// The workspace of `start` or of the nearest folder above it.
    pub fn find(start: &Path, user_folder: Option<&Path>) -> Result<Self, WorkspaceError> {
        let start = canonical(start);
        match start
            .ancestors()
            .find(|folder| folder.join(FOLDER).is_dir())
        {
            Some(root) => Self::open(root, user_folder),
            None => Err(WorkspaceError::NotFound(start)),
        }
    }

    /// The workspace in exactly this folder.
    pub fn open(root: &Path, user_folder: Option<&Path>) -> Result<Self, WorkspaceError> {
        let root = canonical(root);
        let folder = root.join(FOLDER);
        if !folder.is_dir() {
            return Err(WorkspaceError::NotFound(root));
        }
        let file = WorkspaceFile::load(&folder.join(FILE))?;
        let local = LocalPaths::load(&folder.join(LOCAL))?;
        let trust = Trust::of(&folder, user_folder, &file.text(), &local.text());
        Ok(Self {
            root,
            file,
            local,
            trust,
        })
    }

    /// Makes `.retake/` in a folder; what its maker puts there is trusted. One that somebody else makes at the same moment
    /// is opened.
    pub fn create(root: &Path, user_folder: Option<&Path>) -> Result<Self, WorkspaceError> {
        std::fs::create_dir_all(root).map_err(|source| WorkspaceError::File {
            path: root.to_owned(),
            doing: "written",
            source,
        })?;
        let root = canonical(root);
        let folder = root.join(FOLDER);
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |source| WorkspaceError::File {
                path,
                doing: "written",
                source,
            }
        };
        std::fs::create_dir_all(&folder).map_err(fail(&folder))?;
        let _lock = lock(&folder)?;
        if folder.join(FILE).exists() {
            return Self::open(&root, user_folder);
        }
        let ignore = folder.join(".gitignore");
        std::fs::write(&ignore, IGNORED).map_err(fail(&ignore))?;
        let mut workspace = Self {
            file: WorkspaceFile::empty(&folder.join(FILE)),
            local: LocalPaths::empty(&folder.join(LOCAL)),
            trust: Trust::own(&folder, user_folder),
            root,
        };
        workspace.save()?;
        Ok(workspace)
    }

    /// The folder that holds `.retake/`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `.retake/` itself.
    pub fn folder(&self) -> PathBuf {
        self.root.join(FOLDER)
    }

    /// Where the index is; can be deleted at any time.
    pub fn index_folder(&self) -> PathBuf {
        self.folder().join("index")
    }

    /// Where unpacked files are; can be deleted at any time.
    pub fn cache_folder(&self) -> PathBuf {
        self.folder().join("cache")
    }

    /// Where the journals are: what people decided.
    pub fn journal_folder(&self) -> PathBuf {
        self.folder().join("journal")
    }

    /// The records that were reviewed, as they were then.
    pub fn record_texts(&self) -> RecordTexts {
        RecordTexts::new(self.folder().join("blobs").join("records"))
    }

    /// The candidates that pairs were made of.
    pub fn kept_candidates(&self) -> KeptCandidates {
        KeptCandidates::new(self.folder().join("blobs").join("candidates"))
    }

    /// Where pictures that tools make are kept, by hash.
    pub fn pictures_folder(&self) -> PathBuf {
        self.folder().join("blobs").join("pictures")
    }

    /// Where what controllers make is kept: branches, explorations, new runs.
    pub fn runs_folder(&self) -> PathBuf {
        self.folder().join("runs")
    }

    /// The file of the runs of a name, which is a source of that name once something is in it.
    pub fn run_path(&self, name: &str) -> PathBuf {
        self.runs_folder().join(format!("{name}.jsonl"))
    }

    /// Makes the file of the runs of a name a source, if it is none yet; `images` are where its pictures are. Of these, an untrusted
    /// workspace takes up those alone that are inside it.
    pub fn add_run(&mut self, name: &str, images: &[PathBuf]) -> Result<(), WorkspaceError> {
        let path = self.run_path(name);
        let is_open = |image: &&PathBuf| {
            self.is_trusted() || declaration::inside(image, &self.root).is_some()
        };
        let images: Vec<PathBuf> = images.iter().filter(is_open).cloned().collect();
        match self
            .sources()
            .into_iter()
            .find(|source| source.name == name)
        {
            Some(known) if known.path == path || known.path == canonical(&path) => {
                let is_new = |image: &PathBuf| !known.images.contains(image);
                let new: Vec<PathBuf> = images.into_iter().filter(is_new).collect();
                match new.is_empty() {
                    true => Ok(()),
                    false => self.add_images(name, &new),
                }
            }
            Some(known) => Err(WorkspaceError::NameTaken {
                name: known.name,
                path: known.path,
            }),
            None => self.add_source(SourceDeclaration {
                name: name.to_owned(),
                path,
                format: None,
                images,
            }),
        }
    }

    /// What replays said; can be deleted at any time.
    pub fn replay_log(&self) -> ReplayLog {
        ReplayLog::new(self.cache_folder().join("replays.jsonl"))
    }

    /// The id under which this checkout writes journals, and which no other has; where there is none yet, `make` makes it.
    ///
    /// It is bound to the folder's path: a copy of the folder is another checkout.
    pub fn writer_id<E: From<WorkspaceError>>(
        &mut self,
        make: impl FnOnce() -> Result<String, E>,
    ) -> Result<String, E> {
        let place = self.folder().to_string_lossy().into_owned();
        if let Some(known) = self.local.writer_at(&place) {
            return Ok(known);
        }
        let _lock = self.reload()?;
        if let Some(made_meanwhile) = self.local.writer_at(&place) {
            return Ok(made_meanwhile);
        }
        let made = make()?;
        self.local.set_writer(&place, &made);
        self.local.save()?;
        self.keep_trust()?;
        Ok(made)
    }

    /// Whether paths outside the workspace may be followed.
    pub fn is_trusted(&self) -> bool {
        self.trust.is_trusted()
    }

    /// Every source, with absolute paths, in the order in which they were added.
    pub fn sources(&self) -> Vec<Source> {
        self.file
            .sources()
            .into_iter()
            .map(|declared| {
                declaration::resolve(declared, &self.local, &self.root, self.is_trusted())
            })
            .collect()
    }

    /// The servers that the workspace names. They are not to be spoken to before [`Workspace::is_trusted`].
    pub fn endpoints(&self) -> BTreeMap<String, EndpointConfig> {
        self.file.endpoints()
    }

    /// The servers of tools that are declared. None is started before the workspace is trusted: their commands are somebody's.
    pub fn mcp_servers(&self) -> Result<Vec<McpServer>, WorkspaceError> {
        let servers = self.file.mcp_servers(&self.root)?;
        match servers.is_empty() || self.is_trusted() {
            true => Ok(servers),
            false => Err(WorkspaceError::NotTrustedTools),
        }
    }

    /// Adds a source. Paths inside the workspace are stored relative to it, others go to this machine's own file.
    pub fn add_source(&mut self, declared: SourceDeclaration) -> Result<(), WorkspaceError> {
        let _lock = self.reload()?;
        if let Some(known) = self.sources().into_iter().find(|s| s.name == declared.name) {
            return Err(WorkspaceError::NameTaken {
                name: known.name,
                path: known.path,
            });
        }
        let outside = |path: &PathBuf| declaration::inside(path, &self.root).is_none();
        let leaves = outside(&declared.path) || declared.images.iter().any(outside);
        if leaves && !self.is_trusted() {
            return Err(WorkspaceError::NotTrusted);
        }
        declaration::declare(declared, &mut self.file, &mut self.local, &self.root);
        self.save()
    }

    /// Forgets a source; its files and what people decided about it stay.
    pub fn remove_source(&mut self, name: &str) -> Result<(), WorkspaceError> {
        let _lock = self.reload()?;
        if !self.file.remove(name) {
            return Err(WorkspaceError::NoSource(name.to_owned()));
        }
        self.local.remove(name);
        self.save()
    }

    /// Adds picture roots to a source.
    pub fn add_images(&mut self, name: &str, images: &[PathBuf]) -> Result<(), WorkspaceError> {
        let _lock = self.reload()?;
        let leaves = images
            .iter()
            .any(|path| declaration::inside(path, &self.root).is_none());
        if leaves && !self.is_trusted() {
            return Err(WorkspaceError::NotTrusted);
        }
        declaration::declare_images(name, images, &mut self.file, &mut self.local, &self.root)?;
        self.save()
    }

    /// Records in the user's own settings that this workspace, as it is now, may follow its paths.
    pub fn trust(&mut self) -> Result<(), WorkspaceError> {
        self.trust.record(&self.file.text(), &self.local.text())
    }

    /// Reads the files again under a lock that is held while the result lives: two calls at once lose nothing.
    fn reload(&mut self) -> Result<std::fs::File, WorkspaceError> {
        let folder = self.folder();
        let lock = lock(&folder)?;
        self.file = WorkspaceFile::load(&folder.join(FILE))?;
        self.local = LocalPaths::load(&folder.join(LOCAL))?;
        self.trust.reread(&self.file.text(), &self.local.text());
        Ok(lock)
    }

    fn save(&mut self) -> Result<(), WorkspaceError> {
        self.file.save()?;
        self.local.save()?;
        self.keep_trust()
    }

    /// What was trusted stays so after a change of our own.
    fn keep_trust(&mut self) -> Result<(), WorkspaceError> {
        match self.is_trusted() {
            true => self.trust.record(&self.file.text(), &self.local.text()),
            false => Ok(()),
        }
    }
}

/// Held by whoever changes the files of a workspace.
fn lock(folder: &Path) -> Result<std::fs::File, WorkspaceError> {
    let path = folder.join("lock");
    let lock = std::fs::File::create(&path).and_then(|file| file.lock().map(|()| file));
    lock.map_err(|source| WorkspaceError::File {
        path,
        doing: "written",
        source,
    })
}

/// One folder has one path, however it was named: the index compares paths.
fn canonical(path: &Path) -> PathBuf {
    path.canonicalize()
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.to_owned())
}
