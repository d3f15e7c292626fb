//! A file that is read and written at places, without a cursor that threads would share.

use std::fs::File;
use std::io;

/// An open file.
#[derive(Debug)]
pub struct PositionedFile(File);

impl PositionedFile {
    /// Takes an open file; its cursor is of no account from now on.
    pub fn new(file: File) -> Self {
        Self(file)
    }

    /// Bytes in it now.
    pub fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    /// Fills `bytes` from `offset` on; an error where the file ends before.
    pub fn read(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::read_exact_at(&self.0, bytes, offset);
        #[cfg(windows)]
        return whole(bytes.len(), |done| {
            std::os::windows::fs::FileExt::seek_read(
                &self.0,
                &mut bytes[done..],
                offset + done as u64,
            )
        });
    }

    /// Writes all of `bytes` at `offset`.
    pub fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::write_all_at(&self.0, bytes, offset);
        #[cfg(windows)]
        return whole(bytes.len(), |done| {
            std::os::windows::fs::FileExt::seek_write(&self.0, &bytes[done..], offset + done as u64)
        });
    }

    /// Waits until everything is on disk.
    pub fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

/// Goes on until `length` bytes went through.
#[cfg(windows)]
fn whole(length: usize, mut go: impl FnMut(usize) -> io::Result<usize>) -> io::Result<()> {
    let mut done = 0;
    while done < length {
        match go(done)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            some => done += some,
        }
    }
    Ok(())
}
