use std::io::{self, ErrorKind, Read};

use super::encoding::{Encoding, encoding_of};

/// A reader seen through a buffer that keeps what is held and drops the rest.
pub(super) struct Window<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that are read.
    filled: usize,
    /// The next byte to look at.
    position: usize,
    /// From here on nothing is dropped.
    held: Option<usize>,
    /// The offset in the file of the buffer's first byte.
    base: u64,
    chunk: usize,
}

impl<R: Read> Window<R> {
    /// `reader` stands at `offset` in its file and is read `chunk` bytes at a time.
    pub fn new(reader: R, offset: u64, chunk: usize) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            filled: 0,
            position: 0,
            held: None,
            base: offset,
            chunk: chunk.max(1),
        }
    }

    /// The offset in the file of the next byte.
    pub fn offset(&self) -> u64 {
        self.base + self.position as u64
    }

    /// What is read and not yet passed.
    pub fn rest(&self) -> &[u8] {
        self.buffer
            .get(self.position..self.filled)
            .unwrap_or_default()
    }

    /// Passes over `count` bytes of `rest`.
    pub fn advance(&mut self, count: usize) {
        self.position = (self.position + count).min(self.filled);
    }

    /// Passes over all of `rest`.
    pub fn advance_all(&mut self) {
        self.position = self.filled;
    }

    /// Keeps everything from here on.
    pub fn hold(&mut self) {
        self.held = Some(self.position);
    }

    /// Drops what is held.
    pub fn release(&mut self) {
        self.held = None;
    }

    /// Hands out the bytes from where they were held up to here.
    pub fn take(&mut self) -> Vec<u8> {
        let from = self.held.take().unwrap_or(self.position);
        let length = self.position - from;
        if from > 0 || length <= self.chunk {
            return self
                .buffer
                .get(from..self.position)
                .map(<[u8]>::to_vec)
                .unwrap_or_default();
        }
        // A large record has the buffer to itself: hand it out rather than copy it.
        let rest = self.rest().to_vec();
        let mut record = std::mem::replace(&mut self.buffer, rest);
        record.truncate(length);
        record.shrink_to_fit();
        self.base += length as u64;
        self.position = 0;
        self.filled = self.buffer.len();
        record
    }

    /// Reads more, after what is there. `false` at the end of the file.
    pub fn fill(&mut self) -> io::Result<bool> {
        let keep = self.held.unwrap_or(self.position);
        if keep > 0 {
            self.buffer.copy_within(keep..self.filled, 0);
            self.filled -= keep;
            self.position -= keep;
            self.base += keep as u64;
            self.held = self.held.map(|_| 0);
        }
        let wanted = self.filled + self.chunk;
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        } else if self.buffer.len() / 4 > wanted {
            self.buffer.truncate(wanted);
            self.buffer.shrink_to_fit();
        }
        loop {
            let target = self.buffer.get_mut(self.filled..).unwrap_or_default();
            match self.reader.read(target) {
                Ok(count) => {
                    self.filled = (self.filled + count).min(self.buffer.len());
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Passes over JSON whitespace; the byte after it, or `None` at the end of the file.
    pub fn skip_space(&mut self) -> io::Result<Option<u8>> {
        loop {
            let rest = self.rest();
            let visible = rest
                .iter()
                .position(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
            if let Some(at) = visible {
                let byte = rest.get(at).copied();
                self.advance(at);
                return Ok(byte);
            }
            self.advance_all();
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// At the start of a file: passes over a byte order mark. The inner error names an encoding that isn't UTF-8.
    pub fn skip_mark(&mut self) -> io::Result<Result<(), &'static str>> {
        while self.rest().len() < 4 && self.fill()? {}
        Ok(match encoding_of(self.rest()) {
            Encoding::Utf8 { mark } => {
                self.advance(mark);
                Ok(())
            }
            Encoding::Other(name) => Err(name),
        })
    }
}
