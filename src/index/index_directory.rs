use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::directory::error::{
    DeleteError, LockError, OpenDirectoryError, OpenReadError, OpenWriteError,
};
use tantivy::directory::{
    Directory, DirectoryLock, FileHandle, Lock, META_LOCK, MmapDirectory, WatchCallback,
    WatchHandle, WritePtr,
};

/// Tantivy's folder of an index, which those may read, too, who must not write it: other people, and everybody on a
/// read-only file system.
#[derive(Debug, Clone)]
pub(super) struct IndexDirectory {
    folder: PathBuf,
    inner: MmapDirectory,
}

impl IndexDirectory {
    /// The folder must exist.
    pub fn open(folder: &Path) -> Result<Self, OpenDirectoryError> {
        Ok(Self {
            folder: folder.to_owned(),
            inner: MmapDirectory::open(folder)?,
        })
    }

    /// The lock of a reader, which keeps the files of a commit from being removed while they are opened. A lock file that
    /// can't be written is locked as it is. Without one nobody has written here since the folder became read-only.
    fn lock_for_reading(&self, lock: &Lock) -> DirectoryLock {
        let file = File::open(self.folder.join(&lock.filepath)).ok();
        let locked = file.filter(|file| file.lock_shared().is_ok());
        DirectoryLock::from(Box::new(locked))
    }
}

fn must_not_write(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

impl Directory for IndexDirectory {
    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        match self.inner.acquire_lock(lock) {
            Err(LockError::IoError(error))
                if lock.filepath == META_LOCK.filepath && must_not_write(&error) =>
            {
                Ok(self.lock_for_reading(lock))
            }
            locked => locked,
        }
    }

    /// Tantivy's temporary files are for their owner alone; whoever may look into the folder may read the commit.
    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        self.inner.atomic_write(path, data)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&self.folder)?.permissions().mode();
            let permissions = std::fs::Permissions::from_mode(mode & 0o666);
            std::fs::set_permissions(self.folder.join(path), permissions)?;
        }
        Ok(())
    }

    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.inner.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.inner.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.inner.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        self.inner.open_write(path)
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.inner.atomic_read(path)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.inner.sync_directory()
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.inner.watch(callback)
    }
}
