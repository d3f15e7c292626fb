use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::JournalError;
use super::line::Shared;
use super::scan::{Scanned, scan};
use super::tail::read_range;
use crate::jobs::Progress;

/// How much of a file a thread reads at a time.
const BLOCK: u64 = 2 << 20;

/// A part of a file: the lines that begin in it.
pub(super) struct Block {
    pub(super) path: PathBuf,
    range: Range<u64>,
    length: u64,
}

impl Block {
    /// The blocks of a file of this length.
    pub(super) fn of(path: &Path, length: u64) -> impl Iterator<Item = Self> {
        let path = path.to_owned();
        let starts = (0..length).step_by(BLOCK as usize);
        starts.map(move |start| Self {
            path: path.clone(),
            range: start..length.min(start + BLOCK),
            length,
        })
    }

    fn read(&self, shared: &mut Shared) -> io::Result<ReadBlock> {
        let mut file = File::open(&self.path)?;
        // With the byte before it, to see whether a line begins where the block does.
        let from = self.range.start.saturating_sub(1);
        let mut bytes = read_range(&mut file, from..self.range.end)?;
        let mut first = 0;
        if self.range.start > 0 {
            let inside = bytes.len().saturating_sub(1);
            match memchr::memchr(b'\n', &bytes[..inside]) {
                Some(end) => first = end + 1,
                None => return Ok(ReadBlock::default()),
            }
        }
        // The last line may end in a later block.
        let mut end = self.range.end;
        while bytes.last().is_some_and(|last| *last != b'\n') && end < self.length {
            let more = read_range(&mut file, end..self.length.min(end + BLOCK))?;
            if more.is_empty() {
                break;
            }
            let until = memchr::memchr(b'\n', &more).map_or(more.len(), |at| at + 1);
            bytes.extend_from_slice(&more[..until]);
            end += more.len() as u64;
        }
        Ok(ReadBlock::scan(
            &bytes[first..],
            from + first as u64,
            shared,
        ))
    }
}

/// What a block holds.
#[derive(Default)]
pub(super) struct ReadBlock {
    pub(super) scanned: Scanned,
    /// Where its first line begins in the file.
    pub(super) start: u64,
    /// The last good line.
    pub(super) last_line: Vec<u8>,
}

impl ReadBlock {
    /// Reads lines that begin at `start` in their file.
    pub(super) fn scan(bytes: &[u8], start: u64, shared: &mut Shared) -> Self {
        let scanned = scan(bytes, shared);
        let last_line = scanned
            .last
            .map(|last| bytes[last.start..last.end].to_vec());
        Self {
            last_line: last_line.unwrap_or_default(),
            scanned,
            start,
        }
    }
}

/// Reads blocks with one thread for each core; what it returns is in their order.
pub(super) fn read_blocks(
    blocks: &[Block],
    progress: &Progress,
) -> Result<Vec<ReadBlock>, JournalError> {
    let next = AtomicUsize::new(0);
    let read: Mutex<Vec<Option<ReadBlock>>> = Mutex::new((0..blocks.len()).map(|_| None).collect());
    let work = || -> Result<(), JournalError> {
        let mut shared = Shared::default();
        loop {
            progress.check()?;
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(block) = blocks.get(number) else {
                return Ok(());
            };
            let found = block
                .read(&mut shared)
                .map_err(JournalError::read(&block.path))?;
            progress.advance(block.range.end - block.range.start);
            let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(place) = read.get_mut(number) {
                *place = Some(found);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let others = threads.min(blocks.len()).saturating_sub(1);
        let others: Vec<_> = (0..others).map(|_| scope.spawn(work)).collect();
        let own = work();
        let joined = others
            .into_iter()
            .map(|thread| thread.join().unwrap_or(Err(JournalError::Thread)));
        joined.fold(own, |result, other| result.and(other))
    })?;
    let read = read.into_inner().unwrap_or_else(PoisonError::into_inner);
    read.into_iter()
        .map(|read| read.ok_or(JournalError::Thread))
        .collect()
}
