//! Files that appear under their names when all of them are complete.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::ExportError;

/// The longest name that every file system takes, less an ending.
const MAX_NAME: usize = 200;

/// A hidden folder beside its destination, or in it where that is there already; dropped without
/// [`Staging::commit`] it is gone.
pub(super) struct Staging {
    temporary: PathBuf,
    destination: PathBuf,
    is_there: bool,
    overwrite: bool,
    /// Names of records that are taken, in lower case.
    names: HashSet<String>,
    /// What was added, below the folder.
    files: Vec<StagedFile>,
    known: HashSet<PathBuf>,
    /// Files for intermediate results.
    scratch: Vec<PathBuf>,
}

struct StagedFile {
    path: PathBuf,
    /// Whether the same bytes may be there already: a copy of a picture.
    may_be_there: bool,
    /// Whether it takes the place of what is there: a list that other exports are in, too.
    replaces: bool,
}

impl Staging {
    /// Begins files in a folder, which is made if it is not there.
    pub fn in_folder(folder: &Path, overwrite: bool) -> Result<Self, ExportError> {
        let is_there = match fs::metadata(folder) {
            Ok(known) if known.is_dir() => true,
            Ok(_) => return Err(ExportError::NotFolder(folder.to_path_buf())),
            Err(_) => false,
        };
        // Without the slash at its end, which `with_file_name` would not see.
        let destination: PathBuf = folder.components().collect();
        let destination = match destination.as_os_str().is_empty() {
            true => PathBuf::from("."),
            false => destination,
        };
        let temporary = if is_there {
            destination.join(temporary_name())
        } else {
            destination.with_file_name(temporary_name())
        };
        fs::create_dir(&temporary).map_err(|source| failed(folder, source))?;
        Ok(Self {
            temporary,
            destination,
            is_there,
            overwrite,
            names: HashSet::new(),
            files: Vec::new(),
            known: HashSet::new(),
            scratch: Vec::new(),
        })
    }

    /// Begins a file, with room beside it for others, and returns its name. A link is followed: what it points at is
    /// replaced, not the link.
    pub fn beside(to: &Path, overwrite: bool) -> Result<(Self, PathBuf), ExportError> {
        let file = fs::canonicalize(to).unwrap_or_else(|_| to.to_path_buf());
        check_free(&file, overwrite)?;
        let name = file.file_name().map(PathBuf::from);
        let name = name.ok_or_else(|| ExportError::IsFolder(to.to_path_buf()))?;
        // A bare name has an empty path for its folder, which is none to the file system.
        let folder = file
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(failed(to, io::ErrorKind::NotFound.into()));
        }
        Ok((Self::in_folder(folder, overwrite)?, name))
    }

    /// A new file below the folder.
    pub fn file(&mut self, path: &Path) -> Result<File, ExportError> {
        check_free(&self.destination.join(path), self.overwrite)?;
        self.create(path, false, false)
    }

    /// A new file that takes the place of one that is there.
    pub fn replacement(&mut self, path: &Path) -> Result<File, ExportError> {
        check_free(&self.destination.join(path), true)?;
        self.create(path, false, true)
    }

    /// What is there now under this name.
    pub fn present(&self, path: &Path) -> Result<Option<String>, ExportError> {
        let path = self.destination.join(path);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(failed(&path, source)),
        }
    }

    fn create(
        &mut self,
        path: &Path,
        may_be_there: bool,
        replaces: bool,
    ) -> Result<File, ExportError> {
        let temporary = self.temporary.join(path);
        let opened = || -> io::Result<File> {
            if let Some(folder) = temporary.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true);
            options.open(&temporary)
        };
        let file = opened().map_err(|source| failed(&self.destination.join(path), source))?;
        self.known.insert(path.to_path_buf());
        self.files.push(StagedFile {
            path: path.to_path_buf(),
            may_be_there,
            replaces,
        });
        Ok(file)
    }

    /// A file for intermediate results, which is never committed.
    pub fn scratch(&mut self) -> Result<File, ExportError> {
        let path = self.temporary.join(temporary_name());
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let file = options
            .open(&path)
            .map_err(|source| failed(&path, source))?;
        self.scratch.push(path);
        Ok(file)
    }

    /// Copies a file below the folder; the same bytes twice are one file. Says `false` if other bytes are there.
    pub fn copy(&mut self, path: &Path, from: &mut dyn Read) -> Result<bool, ExportError> {
        if self.known.contains(path) {
            let staged = self.temporary.join(path);
            return is_same(&staged, from).map_err(|source| failed(&staged, source));
        }
        let place = self.destination.join(path);
        let mut file = self.create(path, true, false)?;
        io::copy(from, &mut file).map_err(|source| failed(&place, source))?;
        Ok(true)
    }

    /// Adds `<id>/<name>`, or `<id>.json` without a name, below `folder`. An id that is taken gets `~2`, `~3`. Returns its path.
    pub fn document(
        &mut self,
        folder: &Path,
        id: &str,
        name: Option<&str>,
        text: &str,
    ) -> Result<PathBuf, ExportError> {
        let id = self.unique(folder, file_name(id));
        let path = folder.join(match name {
            Some(name) => PathBuf::from(id).join(name),
            None => PathBuf::from(format!("{id}.json")),
        });
        let mut file = self.file(&path)?;
        let written = file
            .write_all(text.trim().as_bytes())
            .and_then(|()| file.write_all(b"\n"));
        written.map_err(|source| failed(&self.destination.join(&path), source))?;
        Ok(path)
    }

    fn unique(&mut self, folder: &Path, name: String) -> String {
        let mut unique = name.clone();
        let mut count = 1;
        // Some file systems do not tell upper from lower case.
        let key = |name: &str| folder.join(name.to_lowercase()).display().to_string();
        while !self.names.insert(key(&unique)) {
            count += 1;
            unique = format!("{name}~{count}");
        }
        unique
    }

    /// Makes the files durable and gives them their names.
    pub fn commit(mut self) -> Result<(), ExportError> {
        for file in &self.files {
            let path = self.temporary.join(&file.path);
            let synced = File::open(&path).and_then(|file| file.sync_all());
            synced.map_err(|source| failed(&self.destination.join(&file.path), source))?;
        }
        for path in &self.scratch {
            fs::remove_file(path).map_err(|source| failed(path, source))?;
        }
        if !self.is_there {
            fs::rename(&self.temporary, &self.destination)
                .map_err(|source| failed(&self.destination, source))?;
            sync_folder(&self.destination);
            return Ok(());
        }
        let files = std::mem::take(&mut self.files);
        let mut wanted = Vec::with_capacity(files.len());
        for file in &files {
            let place = self.destination.join(&file.path);
            if file.may_be_there && place.exists() {
                let staged = self.temporary.join(&file.path);
                let same = File::open(staged).and_then(|mut staged| is_same(&place, &mut staged));
                if same.map_err(|source| failed(&place, source))? {
                    continue;
                }
            }
            check_free(&place, self.overwrite || file.replaces)?;
            wanted.push(&file.path);
        }
        for (count, path) in wanted.iter().enumerate() {
            if let Err(source) = self.place(path) {
                // What stood there before cannot be had back, so only new files go.
                for placed in wanted.iter().take(count).filter(|_| !self.overwrite) {
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

impl Drop for Staging {
    fn drop(&mut self) {
        // After a commit there is nothing, or an empty folder, under this name.
        drop(fs::remove_dir_all(&self.temporary));
    }
}

/// Whether a file may be written here.
fn check_free(path: &Path, overwrite: bool) -> Result<(), ExportError> {
    let path = || path.to_path_buf();
    match fs::symlink_metadata(path()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(failed(&path(), source)),
        Ok(known) if known.is_dir() => Err(ExportError::IsFolder(path())),
        Ok(known) if !known.is_file() && !known.is_symlink() => Err(ExportError::NotPlain(path())),
        Ok(_) if !overwrite => Err(ExportError::Exists(path())),
        Ok(_) => Ok(()),
    }
}

fn is_same(path: &Path, other: &mut dyn Read) -> io::Result<bool> {
    let mut bytes = Vec::new();
    other.read_to_end(&mut bytes)?;
    Ok(fs::read(path)? == bytes)
}

/// A hidden name in the same file system, so that renaming is one step.
fn temporary_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!(".retake-export-{}-{count}.part", std::process::id())
}

/// Makes a rename durable, where the system can.
fn sync_folder(of: &Path) {
    let folder = of.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        drop(folder.sync_all());
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
    use super::file_name;

    #[test]
    fn ids_become_file_names() {
        assert_eq!(file_name("173_abc"), "173_abc");
        assert_eq!(file_name(".."), "%2E.");
        assert_eq!(file_name("a/../b"), "a%2F..%2Fb");
        assert_eq!(file_name(""), "record");
        assert_eq!(file_name(&"漢".repeat(100)).len(), 198);
    }
}
