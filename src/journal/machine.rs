use std::fs::File;
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::review::Timestamp;

/// The clock and the disk that a journal is written with: the one place where both can fail.
pub(super) trait Machine: Send {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_milliseconds(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn append(&mut self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn truncate(&mut self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)?;
        file.sync_data()
    }
}

/// This machine.
pub(super) struct ThisMachine;

impl Machine for ThisMachine {}
