//! One record's row of the record table: a head of fixed size, and its texts elsewhere.

use crate::domain::ContentHash;
use crate::ingest::container::Location;

use super::record_table::RecordTableError;

/// Where a record is, and what building needs to know of it without reading it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// The record part of its id.
    pub id: String,
    /// Its key, where its file is an object of records.
    pub key: Option<String>,
    /// Its file's number in the source.
    pub file: u32,
    /// Its number in its file, from 0.
    pub number: u64,
    /// Where it is in the file.
    pub location: Location,
    /// BLAKE3 of its canonical JSON.
    pub hash: ContentHash,
    /// A hash of its task, to find equal ones; 0 without a task.
    pub task: u64,
    /// The row of the first record with the same task, for the later ones.
    pub duplicate_of: Option<u32>,
    /// A hash of everything outside the record that its documents depend on (an equal task, a reference answer).
    pub derived: u64,
    /// What it adds to the counts of its source.
    pub share: Share,
}

/// What one record adds to the counts of its source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// Whether it holds a trajectory.
    pub trajectory: bool,
    /// Whether that is a run, which is scored with a reference answer.
    pub run: bool,
    /// Its steps.
    pub steps: u32,
    /// Its pairs.
    pub pairs: u32,
}

/// Bytes of a head.
pub const HEAD: usize = 112;
const NO_KEY: u32 = u32::MAX;
const NO_ROW: u32 = u32::MAX;

/// The head of a row, and where its texts are.
pub struct RowHead {
    row: RecordRow,
    id_length: u32,
    key_length: u32,
    /// The byte in the texts at which the id starts; the key follows.
    pub text_start: u64,
}

/// The head of a row whose texts start at `text_start`.
pub fn encode(row: &RecordRow, text_start: u64) -> [u8; HEAD] {
    let (tag, first, second) = match row.location {
        Location::Span { offset, length } => (1u32, offset, length),
        Location::Row { group, row } => (2u32, group, row),
    };
    let key_length = row.key.as_ref().map_or(NO_KEY, |key| key.len() as u32);
    let flags = u32::from(row.share.trajectory) | u32::from(row.share.run) << 1;
    let small = [tag, row.file, row.id.len() as u32, key_length];
    let large = [first, second, row.number, row.task, row.derived, text_start];
    let counts = [
        row.duplicate_of.unwrap_or(NO_ROW),
        row.share.steps,
        row.share.pairs,
        flags,
    ];
    let bytes = small
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .chain(large.iter().flat_map(|number| number.to_le_bytes()))
        .chain(row.hash.0)
        .chain(counts.iter().flat_map(|number| number.to_le_bytes()));
    let mut head = [0; HEAD];
    for (slot, byte) in head.iter_mut().zip(bytes) {
        *slot = byte;
    }
    head
}

impl RowHead {
    /// Reads a head; `None` where a record has gone.
    pub fn decode(head: &[u8; HEAD]) -> Result<Option<Self>, RecordTableError> {
        let small = |at: usize| {
            let bytes = head.get(at..at + 4).and_then(|b| b.try_into().ok());
            bytes.map_or(0, u32::from_le_bytes)
        };
        let large = |at: usize| {
            let bytes = head.get(at..at + 8).and_then(|b| b.try_into().ok());
            bytes.map_or(0, u64::from_le_bytes)
        };
        let location = match small(0) {
            0 => return Ok(None),
            1 => Location::Span {
                offset: large(16),
                length: large(24),
            },
            2 => Location::Row {
                group: large(16),
                row: large(24),
            },
            _ => return Err(RecordTableError::Damaged),
        };
        let hash = head.get(64..96).and_then(|bytes| bytes.try_into().ok());
        Ok(Some(Self {
            row: RecordRow {
                id: String::new(),
                key: None,
                file: small(4),
                number: large(32),
                location,
                hash: ContentHash(hash.ok_or(RecordTableError::Damaged)?),
                task: large(40),
                duplicate_of: Some(small(96)).filter(|row| *row != NO_ROW),
                derived: large(48),
                share: Share {
                    trajectory: small(108) & 1 != 0,
                    run: small(108) & 2 != 0,
                    steps: small(100),
                    pairs: small(104),
                },
            },
            id_length: small(8),
            key_length: small(12),
            text_start: large(56),
        }))
    }

    /// Bytes of id and key together.
    pub fn text_length(&self) -> usize {
        let key = if self.key_length == NO_KEY {
            0
        } else {
            self.key_length
        };
        self.id_length as usize + key as usize
    }

    /// The whole row, with the texts that its head points at.
    pub fn with_texts(self, texts: &[u8]) -> Result<RecordRow, RecordTableError> {
        let (id, key) = texts
            .split_at_checked(self.id_length as usize)
            .filter(|_| texts.len() == self.text_length())
            .ok_or(RecordTableError::Damaged)?;
        let text =
            |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| RecordTableError::Damaged);
        Ok(RecordRow {
            id: text(id)?,
            key: (self.key_length != NO_KEY).then(|| text(key)).transpose()?,
            ..self.row
        })
    }
}
