use std::fs;
use std::path::{Path, PathBuf};

use super::ContainerError;

/// A file below a folder that may hold records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its path below the folder, with `/` between folders.
    pub relative: String,
}

const ENDINGS: &[&str] = &["json", "jsonl", "ndjson", "parquet", "arrow", "feather"];
const COMPRESSED: &[&str] = &["gz", "zst"];

/// How the names of data files end, for messages.
pub fn data_endings() -> String {
    let endings: Vec<String> = ENDINGS.iter().map(|ending| format!(".{ending}")).collect();
    format!("{}, with or without .gz or .zst", endings.join(" "))
}

/// The files below `folder` whose names end like data, by their relative paths; their content decides what they are.
///
/// Hidden files and folders are passed over; where there is nothing else, hidden folders are looked into, as saved
/// evaluations lie in a `.cache` folder. Links to files are followed (that is how the Hugging Face cache is laid out),
/// links to folders are not (they can lead in circles).
///
/// # Errors
/// When the folder or one below it can't be read.
pub fn files_in(folder: &Path) -> Result<Vec<FolderFile>, ContainerError> {
    let files = walk(folder, &|name: &str| !name.starts_with('.'))?;
    if !files.is_empty() {
        return Ok(files);
    }
    walk(folder, &|name: &str| ![".git", ".retake"].contains(&name))
}

fn walk(folder: &Path, enter: &dyn Fn(&str) -> bool) -> Result<Vec<FolderFile>, ContainerError> {
    let mut files = Vec::new();
    let mut folders = vec![(folder.to_path_buf(), String::new())];
    while let Some((path, relative)) = folders.pop() {
        for entry in fs::read_dir(&path).map_err(ContainerError::io(&path))? {
            let entry = entry.map_err(ContainerError::io(&path))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = entry.path();
            let kind = entry.file_type().map_err(ContainerError::io(&path))?;
            if kind.is_dir() {
                if enter(&name) {
                    folders.push((path, format!("{relative}{name}/")));
                }
            } else if looks_like_data(&name) && (kind.is_file() || path.is_file()) {
                let relative = format!("{relative}{name}");
                files.push(FolderFile { path, relative });
            }
        }
    }
    files.sort_by(|a, b| a.relative.cmp(&b.relative));
    Ok(files)
}

fn looks_like_data(name: &str) -> bool {
    if name.starts_with('.') {
        return false;
    }
    let name = name.to_ascii_lowercase();
    let mut parts = name.rsplit('.');
    let last = parts.next().unwrap_or_default();
    let ending = match COMPRESSED.contains(&last) {
        true => parts.next().unwrap_or_default(),
        false => last,
    };
    // A name without a stem, such as `json`, has no ending.
    ENDINGS.contains(&ending) && parts.next().is_some()
}
