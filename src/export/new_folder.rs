//! Files in a folder that appear when all of them are complete.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::ExportError;
use super::new_file::{check_free, sync_folder, temporary_name};

/// The longest name that every file system takes, less an ending.
const MAX_NAME: usize = 200;

/// A temporary folder beside its destination, or in it where that is there already.
pub(super) struct NewFolder {
    temporary: PathBuf,
    destination: PathBuf,
    is_there: bool,
    overwrite: bool,
    names: HashSet<String>,
    /// What was added, below the folder.
    files: Vec<PathBuf>,
}

impl NewFolder {
    pub fn create(to: &Path, overwrite: bool) -> Result<Self, ExportError> {
        let is_there = match fs::metadata(to) {
            Ok(known) if known.is_dir() => true,
            Ok(_) => return Err(ExportError::NotFolder(to.to_path_buf())),
            Err(_) => false,
        };
        // Without the slash at its end, which `with_file_name` would not see.
        let destination: PathBuf = to.components().collect();
        let temporary = if is_there {
            temporary_name(&destination.join("inside"))
        } else {
            temporary_name(&destination)
        };
        fs::create_dir(&temporary).map_err(|source| failed(to, source))?;
        Ok(Self {
            temporary,
            destination,
            is_there,
            overwrite,
            names: HashSet::new(),
            files: Vec::new(),
        })
    }

    /// Adds `<id>/<name>`, or `<id>.json` without a name. An id that is taken gets `~2`, `~3`.
    pub fn add(&mut self, id: &str, name: Option<&str>, text: &str) -> Result<(), ExportError> {
        let id = self.unique(file_name(id));
        let path = match name {
            Some(name) => PathBuf::from(id).join(name),
            None => PathBuf::from(format!("{id}.json")),
        };
        check_free(&self.destination.join(&path), self.overwrite)?;
        let temporary = self.temporary.join(&path);
        let written = || -> io::Result<()> {
            if let (Some(_), Some(folder)) = (name, temporary.parent()) {
                fs::create_dir(folder)?;
            }
            let mut file = fs::File::create_new(&temporary)?;
            file.write_all(text.trim().as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()
        };
        written().map_err(|source| failed(&self.destination.join(&path), source))?;
        self.files.push(path);
        Ok(())
    }

    fn unique(&mut self, name: String) -> String {
        let mut unique = name.clone();
        let mut count = 1;
        // Some file systems do not tell upper from lower case.
        while !self.names.insert(unique.to_lowercase()) {
            count += 1;
            unique = format!("{name}~{count}");
        }
        unique
    }

    /// Gives the folder its name, or moves its files into the folder that is there.
    pub fn commit(mut self) -> Result<(), ExportError> {
        if !self.is_there {
            fs::rename(&self.temporary, &self.destination)
                .map_err(|source| failed(&self.destination, source))?;
            sync_folder(&self.destination);
            return Ok(());
        }
        for path in &self.files {
            check_free(&self.destination.join(path), self.overwrite)?;
        }
        let files = std::mem::take(&mut self.files);
        for (count, path) in files.iter().enumerate() {
            if let Err(source) = self.place(path) {
                // What stood there before cannot be had back, so only new files go.
                for placed in files.iter().take(count).filter(|_| !self.overwrite) {
                    drop(fs::remove_file(self.destination.join(placed)));
                }
                return Err(failed(&self.destination.join(path), source));
            }
        }
        sync_folder(&self.destination.join("inside"));
        Ok(())
    }

    fn place(&self, path: &Path) -> io::Result<()> {
        let target = self.destination.join(path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::rename(self.temporary.join(path), target)
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        // After a commit there is nothing, or an empty folder, under this name.
        drop(fs::remove_dir_all(&self.temporary));
    }
}

fn failed(path: &Path, source: io::Error) -> ExportError {
    ExportError::File {
        path: path.to_path_buf(),
        source,
    }
}

/// An id as a file name: ids are percent-encoded, but may be dots alone, hidden, or too long.
fn file_name(id: &str) -> String {
    let mut name = match id.strip_prefix('.') {
        Some(rest) => format!("%2E{rest}"),
        None => id.replace(['/', '\\'], "%2F"),
    };
    if name.is_empty() {
        name.push_str("record");
    }
    let end = (0..=MAX_NAME).rev().find(|end| name.is_char_boundary(*end));
    name.truncate(end.unwrap_or(0));
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_file_names() {
        assert_eq!(file_name("173_abc"), "173_abc");
        assert_eq!(file_name(".."), "%2E.");
        assert_eq!(file_name("a/../b"), "a%2F..%2Fb");
        assert_eq!(file_name(""), "record");
        assert_eq!(file_name(&"漢".repeat(100)).len(), 198);
    }
}
