//! `workspace.toml` (shared, edited by people too) and `workspace.local.toml` (this machine's paths).

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

use super::mcp_server::{McpServer, mcp_servers};
use super::{WorkspaceError, endpoint};
use crate::config::EndpointConfig;
use crate::domain::percent_encode;

/// A source as a person adds it; paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceDeclaration {
    /// Its name, the first part of its records' ids.
    pub name: String,
    /// The file or folder.
    pub path: PathBuf,
    /// The format, where the person said so.
    pub format: Option<String>,
    /// Picture roots.
    pub images: Vec<PathBuf>,
}

/// A source, ready to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// The file or folder, absolute.
    pub path: PathBuf,
    /// The format, where a person said so.
    pub format: Option<String>,
    /// Picture roots, absolute.
    pub images: Vec<PathBuf>,
    /// Why it can't be read on this machine (no path known, or not trusted).
    pub closed: Option<String>,
    /// The folder that nothing in it may lead out of, where the workspace is not trusted.
    pub confined_to: Option<PathBuf>,
}

/// What `workspace.toml` says of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declared {
    name: String,
    path: Option<PathBuf>,
    format: Option<String>,
    images: Vec<PathBuf>,
}

#[derive(Debug)]
pub(super) struct WorkspaceFile {
    path: PathBuf,
    document: DocumentMut,
}

#[derive(Debug)]
pub(super) struct LocalPaths {
    path: PathBuf,
    document: DocumentMut,
}

/// The path relative to `root` if it is inside it.
pub(super) fn inside(path: &Path, root: &Path) -> Option<PathBuf> {
    let canonical = |p: &Path| p.canonicalize().unwrap_or_else(|_| p.to_owned());
    if !path.exists() && path.components().any(|part| part == Component::ParentDir) {
        return None;
    }
    canonical(path)
        .strip_prefix(canonical(root))
        .ok()
        .map(Path::to_owned)
}

pub(super) fn resolve(
    declared: Declared,
    local: &LocalPaths,
    root: &Path,
    trusted: bool,
) -> Source {
    let local_path = local.path_of(&declared.name);
    let path = local_path.or(declared.path);
    let mut closed = None;
    let mut open = |path: PathBuf| {
        let path = root.join(path);
        if !trusted && inside(&path, root).is_none() {
            closed = Some(outside(&path));
        }
        path
    };
    let path = path.map(&mut open);
    let images: Vec<PathBuf> = declared
        .images
        .into_iter()
        .chain(local.images_of(&declared.name))
        .map(|image| root.join(image))
        .filter(|image| trusted || inside(image, root).is_some())
        .collect();
    if path.is_none() {
        closed = Some(format!(
            "its path on this machine is not known: add `{} = \"PATH\"` under [paths] in .retake/workspace.local.toml",
            declared.name
        ));
    }
    Source {
        path: path.unwrap_or_default(),
        name: declared.name,
        format: declared.format,
        images,
        closed,
        confined_to: (!trusted).then(|| root.to_owned()),
    }
}

fn outside(path: &Path) -> String {
    format!(
        "{} is outside this workspace, which came from elsewhere: look at .retake/workspace.toml, then run `retake trust`",
        path.display()
    )
}

impl Source {
    /// Why a file of it must not be read: a link in a workspace that is not trusted leads out of it.
    pub fn refusal(&self, file: &Path) -> Option<String> {
        let root = self.confined_to.as_deref()?;
        inside(file, root).is_none().then(|| outside(file))
    }
}

fn split(paths: &[PathBuf], root: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let mut shared = Vec::new();
    let mut local = Vec::new();
    for path in paths {
        match inside(path, root) {
            Some(relative) => shared.push(relative),
            None => local.push(path.clone()),
        }
    }
    (shared, local)
}

pub(super) fn declare(
    declared: SourceDeclaration,
    file: &mut WorkspaceFile,
    local: &mut LocalPaths,
    root: &Path,
) {
    let mut table = Table::new();
    table.insert("name", value(declared.name.as_str()));
    match inside(&declared.path, root) {
        Some(relative) => table.insert("path", value(text(&relative))),
        None => {
            local.set("paths", &declared.name, value(text(&declared.path)));
            None
        }
    };
    if let Some(format) = &declared.format {
        table.insert("format", value(format.as_str()));
    }
    let (shared, own) = split(&declared.images, root);
    if !shared.is_empty() {
        table.insert("images", value(paths_array(&shared)));
    }
    if !own.is_empty() {
        local.set("images", &declared.name, value(paths_array(&own)));
    }
    if let Some(sources) = file
        .document
        .entry("source")
        .or_insert(Item::ArrayOfTables(ArrayOfTables::new()))
        .as_array_of_tables_mut()
    {
        sources.push(table);
    }
}

pub(super) fn declare_images(
    name: &str,
    images: &[PathBuf],
    file: &mut WorkspaceFile,
    local: &mut LocalPaths,
    root: &Path,
) -> Result<(), WorkspaceError> {
    let (shared, own) = split(images, root);
    let table = file
        .document
        .get_mut("source")
        .and_then(Item::as_array_of_tables_mut)
        .and_then(|tables| {
            tables
                .iter_mut()
                .find(|table| table.get("name").and_then(Item::as_str) == Some(name))
        })
        .ok_or_else(|| WorkspaceError::NoSource(name.to_owned()))?;
    let mut all = paths_in(table.get("images"));
    all.extend(
        shared
            .into_iter()
            .filter(|p| !all.contains(p))
            .collect::<Vec<_>>(),
    );
    if !all.is_empty() {
        table.insert("images", value(paths_array(&all)));
    }
    let mut all = local.images_of(name);
    all.extend(
        own.into_iter()
            .filter(|p| !all.contains(p))
            .collect::<Vec<_>>(),
    );
    if !all.is_empty() {
        local.set("images", name, value(paths_array(&all)));
    }
    Ok(())
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn paths_array(paths: &[PathBuf]) -> Array {
    paths.iter().map(|path| text(path)).collect()
}

fn paths_in(item: Option<&Item>) -> Vec<PathBuf> {
    item.and_then(Item::as_array)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.as_str().map(PathBuf::from))
        .collect()
}

fn load(path: &Path) -> Result<DocumentMut, WorkspaceError> {
    match std::fs::read_to_string(path) {
        Ok(text) => text
            .parse()
            .map_err(|e: toml_edit::TomlError| WorkspaceError::Wrong {
                path: path.to_owned(),
                reason: e.to_string(),
            }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(DocumentMut::new()),
        Err(source) => Err(WorkspaceError::File {
            path: path.to_owned(),
            doing: "read",
            source,
        }),
    }
}

/// Writes a small file whole or not at all.
pub(super) fn replace_file(path: &Path, text: &str) -> std::io::Result<()> {
    let temporary = path.with_extension(format!("tmp{}", std::process::id()));
    let mut file = std::fs::File::create(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)
}

fn save(path: &Path, document: &DocumentMut) -> Result<(), WorkspaceError> {
    replace_file(path, &document.to_string()).map_err(|source| WorkspaceError::File {
        path: path.to_owned(),
        doing: "written",
        source,
    })
}

impl WorkspaceFile {
    /// The servers of tools that it declares.
    pub(super) fn mcp_servers(&self, root: &Path) -> Result<Vec<McpServer>, WorkspaceError> {
        mcp_servers(&self.document, root).map_err(|reason| WorkspaceError::Wrong {
            path: self.path.clone(),
            reason,
        })
    }

    pub(super) fn empty(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            document: DocumentMut::new(),
        }
    }

    pub(super) fn load(path: &Path) -> Result<Self, WorkspaceError> {
        let file = Self {
            path: path.to_owned(),
            document: load(path)?,
        };
        file.check()?;
        Ok(file)
    }

    fn check(&self) -> Result<(), WorkspaceError> {
        let wrong = |reason: String| WorkspaceError::Wrong {
            path: self.path.clone(),
            reason,
        };
        endpoint::endpoints(&self.document).map_err(wrong)?;
        let Some(item) = self.document.get("source") else {
            return Ok(());
        };
        let tables = item
            .as_array_of_tables()
            .ok_or_else(|| wrong("`source` must be written as [[source]]".to_owned()))?;
        for (n, table) in tables.iter().enumerate() {
            let name = table.get("name").and_then(Item::as_str).unwrap_or_default();
            if name.is_empty() || name != percent_encode(name) {
                return Err(wrong(format!(
                    "the [[source]] number {} needs a `name` of letters, digits, `-`, `_` and `.`",
                    n + 1
                )));
            }
            if let Some(key) = table
                .iter()
                .map(|(key, _)| key)
                .find(|key| !["name", "path", "format", "images"].contains(key))
            {
                return Err(wrong(format!(
                    "the source `{name}` has an unknown key `{key}`"
                )));
            }
        }
        Ok(())
    }

    pub(super) fn text(&self) -> String {
        self.document.to_string()
    }

    /// The servers that it names; it was checked when it was read.
    pub(super) fn endpoints(&self) -> BTreeMap<String, EndpointConfig> {
        endpoint::endpoints(&self.document).unwrap_or_default()
    }

    pub(super) fn save(&self) -> Result<(), WorkspaceError> {
        save(&self.path, &self.document)
    }

    pub(super) fn sources(&self) -> Vec<Declared> {
        self.document
            .get("source")
            .and_then(Item::as_array_of_tables)
            .into_iter()
            .flatten()
            .map(|table| {
                let string = |key: &str| table.get(key).and_then(Item::as_str).map(str::to_owned);
                Declared {
                    name: string("name").unwrap_or_default(),
                    path: string("path").map(PathBuf::from),
                    format: string("format"),
                    images: paths_in(table.get("images")),
                }
            })
            .collect()
    }

    pub(super) fn remove(&mut self, name: &str) -> bool {
        let Some(tables) = self
            .document
            .get_mut("source")
            .and_then(Item::as_array_of_tables_mut)
        else {
            return false;
        };
        let before = tables.len();
        tables.retain(|table| table.get("name").and_then(Item::as_str) != Some(name));
        tables.len() < before
    }
}

impl LocalPaths {
    pub(super) fn empty(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            document: DocumentMut::new(),
        }
    }

    pub(super) fn load(path: &Path) -> Result<Self, WorkspaceError> {
        Ok(Self {
            path: path.to_owned(),
            document: load(path)?,
        })
    }

    pub(super) fn text(&self) -> String {
        self.document.to_string()
    }

    pub(super) fn save(&self) -> Result<(), WorkspaceError> {
        save(&self.path, &self.document)
    }

    fn path_of(&self, name: &str) -> Option<PathBuf> {
        let path = self.document.get("paths")?.get(name)?.as_str()?;
        Some(PathBuf::from(path))
    }

    fn images_of(&self, name: &str) -> Vec<PathBuf> {
        paths_in(
            self.document
                .get("images")
                .and_then(|table| table.get(name)),
        )
    }

    /// The writer id of the workspace in this folder.
    pub(super) fn writer_at(&self, place: &str) -> Option<String> {
        let id = self.document.get("writers")?.get(place)?.as_str()?;
        Some(id.to_owned())
    }

    pub(super) fn set_writer(&mut self, place: &str, id: &str) {
        self.set("writers", place, value(id));
    }

    fn set(&mut self, table: &str, name: &str, item: Item) {
        let entry = self
            .document
            .entry(table)
            .or_insert(Item::Table(Table::new()));
        if let Some(table) = entry.as_table_like_mut() {
            table.insert(name, item);
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        for table in ["paths", "images"] {
            if let Some(table) = self
                .document
                .get_mut(table)
                .and_then(Item::as_table_like_mut)
            {
                table.remove(name);
            }
        }
    }
}
