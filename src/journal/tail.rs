use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::line::Shared;
use super::machine::Machine;
use super::scan::{self, Scanned};
use super::{Notice, NoticeKind};
use crate::domain::review::ReviewRecord;

/// How much is read at a time to find the last good line.
const BLOCK: u64 = 64 << 10;

/// What a writer knows of the end of its file.
#[derive(Debug, Clone)]
pub(super) struct Tail {
    /// Behind the last good line.
    pub(super) end: u64,
    /// Whether that line has an end.
    pub(super) is_ended: bool,
    /// The last good line without its end, and where it starts.
    last_line: Vec<u8>,
    last_start: u64,
    /// The highest id and number of the last lines.
    pub(super) last_id: Option<Uuid>,
    pub(super) sequence: u64,
}

impl Default for Tail {
    /// Of an empty file.
    fn default() -> Self {
        Self {
            end: 0,
            is_ended: true,
            last_line: Vec::new(),
            last_start: 0,
            last_id: None,
            sequence: 0,
        }
    }
}

impl Tail {
    /// Reads the end of a file, as much as is needed to find a good line. What follows that line is not good.
    pub(super) fn find(file: &mut File, length: u64) -> io::Result<Self> {
        let mut size = BLOCK;
        loop {
            let start = length.saturating_sub(size);
            let bytes = read_range(file, start..length)?;
            // A part of a line at the beginning is no line.
            let first = match start {
                0 => Some(0),
                _ => memchr::memchr(b'\n', &bytes).map(|end| end + 1),
            };
            let mut tail = Self::default();
            if let Some(first) = first {
                let scanned = scan::scan(&bytes[first..], &mut Shared::default());
                tail.take(&bytes[first..], start + first as u64, &scanned);
            }
            if tail.end > 0 || start == 0 {
                return Ok(tail);
            }
            size = size.saturating_mul(4);
        }
    }

    /// Takes notice of what was scanned in bytes that start at `offset`.
    fn take(&mut self, bytes: &[u8], offset: u64, scanned: &Scanned) {
        let Some(last) = scanned.last else { return };
        self.end = offset + last.next as u64;
        self.is_ended = last.next > last.end;
        self.last_start = offset + last.start as u64;
        self.last_line = bytes[last.start..last.end].to_vec();
        let ids = scanned.records.iter().map(|record| record.id);
        self.last_id = ids.max().max(self.last_id);
        let numbers = scanned.records.iter().map(|record| record.sequence);
        let numbers = numbers.chain(scanned.other_sequences.iter().copied());
        self.sequence = numbers.max().unwrap_or(0).max(self.sequence);
    }

    /// Whether the file still has the last good line where it was.
    pub(super) fn is_in(&self, file: &mut File, length: u64) -> io::Result<bool> {
        if length < self.end {
            return Ok(false);
        }
        let range = self.last_start..self.last_start + self.last_line.len() as u64;
        Ok(read_range(file, range)? == self.last_line)
    }

    /// Reads what was appended since, and returns its records.
    pub(super) fn follow(&mut self, file: &mut File, length: u64) -> io::Result<Vec<ReviewRecord>> {
        if length == self.end {
            return Ok(Vec::new());
        }
        let bytes = read_range(file, self.end..length)?;
        let scanned = scan::scan(&bytes, &mut Shared::default());
        let offset = self.end;
        self.take(&bytes, offset, &scanned);
        Ok(scanned.records)
    }

    /// Takes notice of lines that were written at the end.
    pub(super) fn wrote(&mut self, bytes: &[u8], start: u64) {
        let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let first = memchr::memrchr(b'\n', body).map_or(0, |end| end + 1);
        self.last_line = body[first..].to_vec();
        self.last_start = start + first as u64;
        self.end = start + bytes.len() as u64;
        self.is_ended = true;
    }
}

pub(super) fn read_range(file: &mut File, range: Range<u64>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    append_range(file, range, &mut bytes)?;
    Ok(bytes)
}

/// Reads a range of a file behind what is there already.
pub(super) fn append_range(
    file: &mut File,
    range: Range<u64>,
    bytes: &mut Vec<u8>,
) -> io::Result<()> {
    file.seek(SeekFrom::Start(range.start))?;
    let length = range.end.saturating_sub(range.start);
    // The file may be shorter than it was: room for a large range is made while it is read.
    bytes.reserve(usize::try_from(length.min(4 << 20)).unwrap_or(0));
    file.take(length).read_to_end(bytes)?;
    Ok(())
}

/// Cuts what follows the last good line off a locked file, after it is copied beside it.
pub(super) fn cut(
    file: &mut File,
    path: &Path,
    range: Range<u64>,
    machine: &mut dyn Machine,
) -> io::Result<Notice> {
    let bytes = read_range(file, range.clone())?;
    let (copy, mut out) = new_copy(path)?;
    let written = out.write_all(&bytes).and_then(|()| out.sync_all());
    if let Err(error) = written {
        // Half a copy is no copy; the file itself still has everything.
        let _ = fs::remove_file(&copy);
        return Err(error);
    }
    machine.truncate(file, range.start)?;
    Ok(Notice {
        file: path.to_owned(),
        at: None,
        kind: NoticeKind::Cut {
            bytes: range.end - range.start,
            copy,
        },
    })
}

/// `<file>.cut-<n>`, with the first number that is free.
fn new_copy(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut number = 1_u32;
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".cut-{number}"));
        let copy = PathBuf::from(name);
        match OpenOptions::new().write(true).create_new(true).open(&copy) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < u32::MAX => {
                number += 1;
            }
            opened => return opened.map(|file| (copy, file)),
        }
    }
}
