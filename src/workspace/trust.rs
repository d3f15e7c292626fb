//! A workspace that came from elsewhere can name any path of this machine. Until its user says otherwise, only paths
//! inside it are followed. The user's own settings hold the hash of what they have seen: a changed file asks again.

use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, value};

use super::WorkspaceError;

/// Whether a workspace may follow what its files name.
#[derive(Debug)]
pub struct Trust {
    key: String,
    record: Option<PathBuf>,
    trusted: bool,
}

impl Trust {
    pub(super) fn of(folder: &Path, user_folder: Option<&Path>, file: &str, local: &str) -> Self {
        let mut trust = Self::own(folder, user_folder);
        trust.trusted = false;
        trust.reread(file, local);
        trust
    }

    /// Looks again whether the user has agreed to the files; without a place for settings, what was agreed lasts. Files that
    /// say nothing (somebody is just making the workspace) leave nothing to agree to.
    pub(super) fn reread(&mut self, file: &str, local: &str) {
        if file.is_empty() && local.is_empty() {
            self.trusted = true;
            return;
        }
        let Some(path) = &self.record else { return };
        let known = std::fs::read_to_string(path).ok().and_then(|text| {
            let document: DocumentMut = text.parse().ok()?;
            let hash = document.get("workspaces")?.get(&self.key)?.as_str()?;
            Some(hash.to_owned())
        });
        self.trusted = known.is_some_and(|hash| hash == fingerprint(file, local));
    }

    pub(super) fn own(folder: &Path, user_folder: Option<&Path>) -> Self {
        let place = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        Self {
            key: place.to_string_lossy().into_owned(),
            record: user_folder.map(|user| user.join("trusted.toml")),
            trusted: true,
        }
    }

    /// Whether the user has agreed to the files as they are.
    pub fn is_trusted(&self) -> bool {
        self.trusted
    }

    pub(super) fn record(&mut self, file: &str, local: &str) -> Result<(), WorkspaceError> {
        self.trusted = true;
        // Without a place for settings, trust lasts as long as the process.
        let Some(path) = &self.record else {
            return Ok(());
        };
        let fail = |source| WorkspaceError::File {
            path: path.clone(),
            doing: "written",
            source,
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(fail)?;
        }
        let lock = std::fs::File::create(path.with_extension("lock")).map_err(fail)?;
        lock.lock().map_err(fail)?;
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            text => text.map_err(fail)?,
        };
        // What can't be understood is not thrown away.
        let mut document: DocumentMut =
            text.parse()
                .map_err(|error: toml_edit::TomlError| WorkspaceError::Wrong {
                    path: path.clone(),
                    reason: error.to_string(),
                })?;
        let table = document
            .entry("workspaces")
            .or_insert(Item::Table(Table::new()));
        if let Some(table) = table.as_table_like_mut() {
            table.insert(&self.key, value(fingerprint(file, local)));
        }
        super::declaration::replace_file(path, &document.to_string()).map_err(fail)
    }
}

fn fingerprint(file: &str, local: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(file.len() as u64).to_le_bytes());
    hasher.update(file.as_bytes());
    hasher.update(local.as_bytes());
    hasher.finalize().to_hex().to_string()
}
