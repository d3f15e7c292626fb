//! A file that appears under its name when it is complete.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::ExportError;

/// A temporary file beside its destination; dropped without [`NewFile::commit`] it is gone.
pub(super) struct NewFile {
    file: File,
    temporary: PathBuf,
    destination: PathBuf,
    overwrite: bool,
}

impl NewFile {
    /// Begins a file. A link is followed: what it points at is replaced, not the link.
    pub fn create(to: &Path, overwrite: bool) -> Result<Self, ExportError> {
        let destination = fs::canonicalize(to).unwrap_or_else(|_| to.to_path_buf());
        check_free(&destination, overwrite)?;
        let (temporary, file) = open_beside(&destination)?;
        Ok(Self {
            file,
            temporary,
            destination,
            overwrite,
        })
    }

    /// A file for intermediate results, which is never committed.
    pub fn create_beside(to: &Path) -> Result<Self, ExportError> {
        let (temporary, file) = open_beside(to)?;
        Ok(Self {
            file,
            temporary,
            destination: to.to_path_buf(),
            overwrite: false,
        })
    }

    pub fn writer(&self) -> &File {
        &self.file
    }

    /// Makes the file durable and gives it its name.
    pub fn commit(&mut self) -> Result<(), ExportError> {
        let done = |result: io::Result<()>| {
            result.map_err(|source| ExportError::File {
                path: self.destination.clone(),
                source,
            })
        };
        done(self.file.sync_all())?;
        check_free(&self.destination, self.overwrite)?;
        done(fs::rename(&self.temporary, &self.destination))?;
        sync_folder(&self.destination);
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // After a commit there is nothing under this name.
        drop(fs::remove_file(&self.temporary));
    }
}

/// Whether a file may be written here.
pub(super) fn check_free(path: &Path, overwrite: bool) -> Result<(), ExportError> {
    let path = || path.to_path_buf();
    match fs::symlink_metadata(path()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(ExportError::File {
            path: path(),
            source,
        }),
        Ok(known) if known.is_dir() => Err(ExportError::IsFolder(path())),
        Ok(known) if !known.is_file() && !known.is_symlink() => Err(ExportError::NotPlain(path())),
        Ok(_) if !overwrite => Err(ExportError::Exists(path())),
        Ok(_) => Ok(()),
    }
}

fn open_beside(destination: &Path) -> Result<(PathBuf, File), ExportError> {
    let temporary = temporary_name(destination);
    match OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&temporary)
    {
        Ok(file) => Ok((temporary, file)),
        Err(source) => Err(ExportError::File {
            path: destination.to_path_buf(),
            source,
        }),
    }
}

/// A hidden name in the same folder, so that renaming stays on one file system.
pub(super) fn temporary_name(destination: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!(".retake-export-{}-{count}.part", std::process::id());
    destination.with_file_name(name)
}

/// Makes a rename durable, where the system can.
pub(super) fn sync_folder(of: &Path) {
    let folder = of.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        drop(folder.sync_all());
    }
}
