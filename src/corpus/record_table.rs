//! Where each record of a source is, one fixed-size row a record, in a file beside the index.
//!
//! The index refers to rows. When a source changes, unchanged records keep their row and only its position is written
//! anew: nothing of them is indexed again.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::domain::ContentHash;
use crate::ingest::container::Location;

/// One record's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// The record part of its id.
    pub id: String,
    /// Its key, where its file is an object of records.
    pub key: Option<String>,
    /// Its file's number in the source.
    pub file: u32,
    /// Where it is in the file.
    pub location: Location,
    /// BLAKE3 of its canonical JSON.
    pub hash: ContentHash,
    /// A hash of its task, to find equal ones; 0 without a task.
    pub task: u64,
    /// A hash of everything outside the record that its documents depend on (an equal task, a reference answer).
    pub derived: u64,
}

/// Rows by number; `None` where a record has gone.
pub type RecordRows = Vec<Option<RecordRow>>;

const MAGIC: &[u8; 8] = b"RTROWS01";
const HEADER: u64 = 16;
const ROW: usize = 92;
const NO_KEY: u32 = u32::MAX;

/// A table that can't be read: it is damaged, and the index is made anew.
#[derive(Debug, thiserror::Error)]
pub enum RecordTableError {
    /// The system says no.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Not what this program writes.
    #[error("the record table is damaged")]
    Damaged,
}

/// Writes all rows.
pub fn write(path: &Path, rows: &RecordRows) -> std::io::Result<()> {
    let mut head = Vec::with_capacity(HEADER as usize + rows.len() * ROW);
    let mut texts: Vec<u8> = Vec::new();
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&(rows.len() as u64).to_le_bytes());
    for row in rows {
        let Some(row) = row else {
            head.extend_from_slice(&[0; ROW]);
            continue;
        };
        let (tag, first, second) = match row.location {
            Location::Span { offset, length } => (1u32, offset, length),
            Location::Row { group, row } => (2u32, group, row),
        };
        let key_length = row.key.as_ref().map_or(NO_KEY, |key| key.len() as u32);
        for number in [tag, row.file, row.id.len() as u32, key_length] {
            head.extend_from_slice(&number.to_le_bytes());
        }
        for number in [first, second, row.task, row.derived, texts.len() as u64] {
            head.extend_from_slice(&number.to_le_bytes());
        }
        head.extend_from_slice(&row.hash.0);
        head.extend_from_slice(&[0; 4]);
        texts.extend_from_slice(row.id.as_bytes());
        texts.extend_from_slice(row.key.as_deref().unwrap_or_default().as_bytes());
    }
    let mut file = File::create(path)?;
    file.write_all(&head)?;
    file.write_all(&texts)?;
    file.sync_all()
}

fn parse_all(bytes: &[u8]) -> Result<RecordRows, RecordTableError> {
    let count = count(
        bytes
            .get(..HEADER as usize)
            .ok_or(RecordTableError::Damaged)?,
    )?;
    let texts_at = texts_at(count)? as usize;
    let texts = bytes.get(texts_at..).ok_or(RecordTableError::Damaged)?;
    bytes
        .get(HEADER as usize..texts_at)
        .ok_or(RecordTableError::Damaged)?
        .chunks_exact(ROW)
        .map(|row| {
            let Some(head) = RowHead::parse(row)? else {
                return Ok(None);
            };
            let start = usize::try_from(head.text_start).map_err(|_| RecordTableError::Damaged)?;
            let text = texts
                .get(start..)
                .and_then(|rest| rest.get(..head.text_length()))
                .ok_or(RecordTableError::Damaged)?;
            head.finish(text).map(Some)
        })
        .collect()
}

/// An opened table: it stays readable when a newer one takes its place.
#[derive(Debug)]
pub struct RecordTable {
    file: Mutex<File>,
    count: u64,
}

impl RecordTable {
    /// Opens a table; reads no row.
    pub fn open(path: &Path) -> Result<Self, RecordTableError> {
        let mut file = File::open(path)?;
        let mut header = [0; HEADER as usize];
        file.read_exact(&mut header)?;
        let count = count(&header)?;
        if file.metadata()?.len() < texts_at(count)? {
            return Err(RecordTableError::Damaged);
        }
        Ok(Self {
            file: Mutex::new(file),
            count,
        })
    }

    /// Reads one row; `None` past the end, and where a record has gone.
    pub fn row(&self, row: u32) -> Result<Option<RecordRow>, RecordTableError> {
        if u64::from(row) >= self.count {
            return Ok(None);
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = [0; ROW];
        file.seek(SeekFrom::Start(HEADER + u64::from(row) * ROW as u64))?;
        file.read_exact(&mut bytes)?;
        let Some(head) = RowHead::parse(&bytes)? else {
            return Ok(None);
        };
        let start = texts_at(self.count)?.saturating_add(head.text_start);
        file.seek(SeekFrom::Start(start))?;
        let mut text = Vec::new();
        let length = head.text_length() as u64;
        Read::by_ref(&mut *file)
            .take(length)
            .read_to_end(&mut text)?;
        head.finish(&text).map(Some)
    }

    /// Reads all rows.
    pub fn rows(&self) -> Result<RecordRows, RecordTableError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(0))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        parse_all(&bytes)
    }
}

fn count(header: &[u8]) -> Result<u64, RecordTableError> {
    match header.split_first_chunk::<8>() {
        Some((magic, rest)) if magic == MAGIC => Ok(number(rest, 0)),
        _ => Err(RecordTableError::Damaged),
    }
}

fn texts_at(count: u64) -> Result<u64, RecordTableError> {
    count
        .checked_mul(ROW as u64)
        .and_then(|rows| rows.checked_add(HEADER))
        .ok_or(RecordTableError::Damaged)
}

fn number(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..at + 8)
        .and_then(|b| b.try_into().ok())
        .map_or(0, u64::from_le_bytes)
}

fn small(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..at + 4)
        .and_then(|b| b.try_into().ok())
        .map_or(0, u32::from_le_bytes)
}

struct RowHead {
    file: u32,
    location: Location,
    id_length: u32,
    key_length: u32,
    task: u64,
    derived: u64,
    text_start: u64,
    hash: ContentHash,
}

impl RowHead {
    fn parse(bytes: &[u8]) -> Result<Option<Self>, RecordTableError> {
        let (first, second) = (number(bytes, 16), number(bytes, 24));
        let location = match small(bytes, 0) {
            0 => return Ok(None),
            1 => Location::Span {
                offset: first,
                length: second,
            },
            2 => Location::Row {
                group: first,
                row: second,
            },
            _ => return Err(RecordTableError::Damaged),
        };
        let mut hash = [0; 32];
        hash.copy_from_slice(bytes.get(56..88).ok_or(RecordTableError::Damaged)?);
        Ok(Some(Self {
            file: small(bytes, 4),
            location,
            id_length: small(bytes, 8),
            key_length: small(bytes, 12),
            task: number(bytes, 32),
            derived: number(bytes, 40),
            text_start: number(bytes, 48),
            hash: ContentHash(hash),
        }))
    }

    fn text_length(&self) -> usize {
        let key = if self.key_length == NO_KEY {
            0
        } else {
            self.key_length
        };
        self.id_length as usize + key as usize
    }

    fn finish(self, text: &[u8]) -> Result<RecordRow, RecordTableError> {
        let (id, key) = text
            .split_at_checked(self.id_length as usize)
            .filter(|_| text.len() == self.text_length())
            .ok_or(RecordTableError::Damaged)?;
        let text =
            |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| RecordTableError::Damaged);
        Ok(RecordRow {
            id: text(id)?,
            key: (self.key_length != NO_KEY).then(|| text(key)).transpose()?,
            file: self.file,
            location: self.location,
            hash: self.hash,
            task: self.task,
            derived: self.derived,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, key: Option<&str>, location: Location) -> RecordRow {
        RecordRow {
            id: id.to_owned(),
            key: key.map(str::to_owned),
            file: 3,
            location,
            hash: ContentHash([9; 32]),
            task: 5,
            derived: 7,
        }
    }

    #[test]
    fn rows_come_back_one_by_one_and_all_at_once() {
        let folder = std::env::temp_dir().join(format!("retake-rows-{}", std::process::id()));
        let rows = vec![
            Some(row(
                "a",
                None,
                Location::Span {
                    offset: 1,
                    length: 2,
                },
            )),
            None,
            Some(row(
                "漢字~2",
                Some("17"),
                Location::Row { group: 4, row: 9 },
            )),
            Some(row(
                "",
                Some(""),
                Location::Span {
                    offset: 0,
                    length: 0,
                },
            )),
        ];
        write(&folder, &rows).expect("written");
        let table = RecordTable::open(&folder).expect("opened");
        assert_eq!(table.rows().expect("read"), rows);
        for (n, expected) in rows.iter().enumerate() {
            assert_eq!(&table.row(n as u32).expect("read"), expected);
        }
        assert_eq!(table.row(4).expect("past the end"), None);
        let bytes = std::fs::read(&folder).expect("bytes");
        for cut in 0..bytes.len() {
            std::fs::write(&folder, &bytes[..cut]).expect("cut");
            let read = RecordTable::open(&folder).and_then(|table| table.rows());
            assert!(read.is_err(), "cut at {cut}");
        }
        std::fs::remove_file(&folder).expect("removed");
    }
}
