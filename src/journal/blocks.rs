use std::fs::File;
use std::io;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use super::JournalError;
use super::line::Shared;
use super::scan::{Scanned, scan};
use super::tail::{append_range, read_range};
use crate::jobs::Progress;

/// How much of a file a thread reads at a time.
const BLOCK: u64 = 256 << 10;
/// How much is read at a time to find the end of a line.
const LINE: u64 = 16 << 10;

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

    /// Reads it; `bytes` is room that is used again.
    fn read(&self, shared: &mut Shared, bytes: &mut Vec<u8>) -> io::Result<ReadBlock> {
        let mut file = File::open(&self.path)?;
        // With the byte before it, to see whether a line begins where the block does.
        let from = self.range.start.saturating_sub(1);
        bytes.clear();
        append_range(&mut file, from..self.range.end, bytes)?;
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
            let more = read_range(&mut file, end..self.length.min(end + LINE))?;
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

/// Reads blocks with one thread for each core, and gives them in their order to `take`, which runs on this thread while
/// the others read on. `take` gets an iterator; what it leaves there is not read.
pub(super) fn read_blocks<T>(
    blocks: &[Block],
    progress: &Progress,
    take: impl FnOnce(&mut dyn Iterator<Item = ReadBlock>) -> T,
) -> Result<T, JournalError> {
    let reading = Reading {
        blocks,
        progress,
        next: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
        read: Mutex::new((0..blocks.len()).map(|_| None).collect()),
        arrived: Condvar::new(),
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let others = threads.min(blocks.len()).saturating_sub(1);
        for _ in 0..others {
            let reading = &reading;
            scope.spawn(move || {
                let mut room = Room::default();
                while reading.read_next(&mut room).is_some() {}
            });
        }
        let mut in_order = InOrder {
            reading: &reading,
            room: Room::default(),
            at: 0,
            failed: None,
        };
        let taken = take(&mut in_order);
        reading.is_over.store(true, Ordering::Relaxed);
        match in_order.failed {
            Some(error) => Err(error),
            None => Ok(taken),
        }
    })
}

/// What the threads that read have in common.
struct Reading<'a> {
    blocks: &'a [Block],
    progress: &'a Progress,
    /// The first block that no thread has begun.
    next: AtomicUsize,
    /// Nobody waits for blocks any more.
    is_over: AtomicBool,
    /// What was read and not taken yet.
    read: Mutex<Vec<Option<Result<ReadBlock, JournalError>>>>,
    arrived: Condvar,
}

/// What a thread keeps from block to block.
#[derive(Default)]
struct Room {
    shared: Shared,
    bytes: Vec<u8>,
}

impl Reading<'_> {
    /// Reads the next block; `None` if none is left, or nobody waits for it.
    fn read_next(&self, room: &mut Room) -> Option<()> {
        if self.is_over.load(Ordering::Relaxed) {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let block = self.blocks.get(number)?;
        // Whoever waits for a block waits for ever if the thread that has begun it says nothing.
        let read = std::panic::catch_unwind(AssertUnwindSafe(|| self.read_block(block, room)));
        let read = read.unwrap_or(Err(JournalError::Thread));
        let mut places = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.get_mut(number) {
            *place = Some(read);
        }
        self.arrived.notify_all();
        Some(())
    }

    fn read_block(&self, block: &Block, room: &mut Room) -> Result<ReadBlock, JournalError> {
        self.progress.check()?;
        let found = block
            .read(&mut room.shared, &mut room.bytes)
            .map_err(JournalError::read(&block.path))?;
        self.progress.advance(block.range.end - block.range.start);
        Ok(found)
    }

    /// Takes a block, if it is read.
    fn take(&self, number: usize) -> Option<Result<ReadBlock, JournalError>> {
        let mut places = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        places.get_mut(number).and_then(Option::take)
    }

    /// Waits for a block that a thread has begun.
    fn wait(&self, number: usize) -> Result<ReadBlock, JournalError> {
        let mut places = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match places.get_mut(number) {
                None => return Err(JournalError::Thread),
                Some(place) => {
                    if let Some(read) = place.take() {
                        return read;
                    }
                }
            }
            places = self
                .arrived
                .wait(places)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The blocks in their order. Where the next one is not read yet, another is read meanwhile.
struct InOrder<'a> {
    reading: &'a Reading<'a>,
    room: Room,
    at: usize,
    failed: Option<JournalError>,
}

impl Iterator for InOrder<'_> {
    type Item = ReadBlock;

    fn next(&mut self) -> Option<ReadBlock> {
        if self.failed.is_some() || self.at == self.reading.blocks.len() {
            return None;
        }
        let read = loop {
            if let Some(read) = self.reading.take(self.at) {
                break read;
            }
            if self.reading.read_next(&mut self.room).is_none() {
                break self.reading.wait(self.at);
            }
        };
        self.at += 1;
        match read {
            Ok(block) => Some(block),
            Err(error) => {
                self.failed = Some(error);
                None
            }
        }
    }
}
