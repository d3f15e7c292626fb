//! Where each record of a source is, one row a record, in two files beside the index: heads of fixed size, and texts.
//!
//! The index refers to rows. When a source changes, unchanged records keep their row and only its position is written
//! anew: nothing of them is indexed again. A table is written row by row, in any order, so that a source of any number
//! of records takes no memory for it.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use super::positioned_file::PositionedFile;
use super::record_row::{HEAD, RecordRow, RowHead, encode};

const MAGIC: &[u8; 8] = b"RTROWS02";
/// Magic, count of rows, bytes of texts.
const HEADER: u64 = 24;

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

/// The two files of a table, from the name that the state has for it.
fn files(table: &Path) -> [PathBuf; 2] {
    ["rows", "texts"].map(|kind| table.with_extension(kind))
}

/// The table that a file name belongs to.
pub fn table_of(file: &str) -> Option<&str> {
    file.strip_suffix(".rows")
        .or_else(|| file.strip_suffix(".texts"))
        .filter(|name| name.starts_with("records-"))
}

fn place(row: u32) -> u64 {
    HEADER + u64::from(row) * HEAD as u64
}

/// A table that is being written.
pub struct RecordTableBuilder {
    rows: PositionedFile,
    texts: PositionedFile,
    count: u32,
    text_bytes: u64,
}

impl RecordTableBuilder {
    /// Starts a table; what was there under its name is gone.
    pub fn create(table: &Path) -> std::io::Result<Self> {
        let [rows, texts] = files(table);
        let open = |path| {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(true);
            options.open(path).map(PositionedFile::new)
        };
        Ok(Self {
            rows: open(rows)?,
            texts: open(texts)?,
            count: 0,
            text_bytes: 0,
        })
    }

    /// Rows up to the last one that was put.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Writes one row; rows before it that are never put stay gone.
    pub fn put(&mut self, number: u32, row: &RecordRow) -> std::io::Result<()> {
        self.rows
            .write(&encode(row, self.text_bytes), place(number))?;
        let mut texts = Vec::with_capacity(row.id.len());
        texts.extend_from_slice(row.id.as_bytes());
        texts.extend_from_slice(row.key.as_deref().unwrap_or_default().as_bytes());
        self.texts.write(&texts, self.text_bytes)?;
        self.text_bytes += texts.len() as u64;
        self.count = self.count.max(number + 1);
        Ok(())
    }

    /// A row that was put before.
    pub fn row(&self, number: u32) -> Result<Option<RecordRow>, RecordTableError> {
        if number >= self.count {
            return Ok(None);
        }
        read_row(&self.rows, &self.texts, number)
    }

    /// Writes the header last, so that a table that was not finished is no table.
    pub fn finish(self) -> std::io::Result<()> {
        let mut header = MAGIC.to_vec();
        header.extend_from_slice(&u64::from(self.count).to_le_bytes());
        header.extend_from_slice(&self.text_bytes.to_le_bytes());
        self.texts.sync()?;
        self.rows.write(&header, 0)?;
        self.rows.sync()
    }
}

fn read_row(
    rows: &PositionedFile,
    texts: &PositionedFile,
    number: u32,
) -> Result<Option<RecordRow>, RecordTableError> {
    let mut head = [0; HEAD];
    rows.read(&mut head, place(number))?;
    let Some(head) = RowHead::decode(&head)? else {
        return Ok(None);
    };
    // A damaged length must not ask for memory that the file can't fill.
    let length = head.text_length();
    if length as u64 > texts.size()? {
        return Err(RecordTableError::Damaged);
    }
    let mut text = vec![0; length];
    texts.read(&mut text, head.text_start)?;
    head.with_texts(&text).map(Some)
}

/// An opened table: it stays readable when a newer one takes its place.
#[derive(Debug)]
pub struct RecordTable {
    rows: PositionedFile,
    texts: PositionedFile,
    count: u32,
}

impl RecordTable {
    /// Opens a table; reads no row.
    pub fn open(table: &Path) -> Result<Self, RecordTableError> {
        let [rows, texts] = files(table);
        let rows = PositionedFile::new(File::open(rows)?);
        let texts = PositionedFile::new(File::open(texts)?);
        let mut header = [0; HEADER as usize];
        rows.read(&mut header, 0)?;
        let numbers = header
            .strip_prefix(MAGIC)
            .and_then(|rest| {
                Some((
                    rest.get(..8)?.try_into().ok()?,
                    rest.get(8..)?.try_into().ok()?,
                ))
            })
            .map(|(count, bytes)| (u64::from_le_bytes(count), u64::from_le_bytes(bytes)));
        let (count, text_bytes) = numbers.ok_or(RecordTableError::Damaged)?;
        let count = u32::try_from(count).map_err(|_| RecordTableError::Damaged)?;
        if rows.size()? < place(count) || texts.size()? < text_bytes {
            return Err(RecordTableError::Damaged);
        }
        Ok(Self { rows, texts, count })
    }

    /// Reads one row; `None` past the end, and where a record has gone.
    pub fn row(&self, number: u32) -> Result<Option<RecordRow>, RecordTableError> {
        if number >= self.count {
            return Ok(None);
        }
        read_row(&self.rows, &self.texts, number)
    }

    /// Reads the bytes of all rows, to look at many of them.
    pub fn load(&self) -> Result<LoadedTable, RecordTableError> {
        let length = |bytes: u64| usize::try_from(bytes).map_err(|_| RecordTableError::Damaged);
        let mut rows = vec![0; length(place(self.count) - HEADER)?];
        self.rows.read(&mut rows, HEADER)?;
        let mut texts = vec![0; length(self.texts.size()?)?];
        self.texts.read(&mut texts, 0)?;
        Ok(LoadedTable { rows, texts })
    }
}

/// All rows of a table, still as bytes: those of 300,000 records take 50 MB as values and 40 MB so, in two pieces.
#[derive(Debug, Default)]
pub struct LoadedTable {
    rows: Vec<u8>,
    texts: Vec<u8>,
}

impl LoadedTable {
    /// Rows, those of records that have gone included.
    pub fn count(&self) -> u32 {
        (self.rows.len() / HEAD) as u32
    }

    /// One row; `None` past the end, and where a record has gone.
    pub fn row(&self, number: u32) -> Result<Option<RecordRow>, RecordTableError> {
        let start = number as usize * HEAD;
        let Some(head) = self.rows.get(start..).and_then(|rest| rest.first_chunk()) else {
            return Ok(None);
        };
        let Some(head) = RowHead::decode(head)? else {
            return Ok(None);
        };
        let start = usize::try_from(head.text_start).map_err(|_| RecordTableError::Damaged)?;
        let texts = self.texts.get(start..);
        let text = texts.and_then(|rest| rest.get(..head.text_length()));
        head.with_texts(text.ok_or(RecordTableError::Damaged)?)
            .map(Some)
    }

    /// All rows that are there, with their numbers.
    pub fn rows(&self) -> impl Iterator<Item = Result<(u32, RecordRow), RecordTableError>> + '_ {
        (0..self.count()).filter_map(|number| match self.row(number) {
            Ok(row) => Some(Ok((number, row?))),
            Err(error) => Some(Err(error)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::record_row::Share;
    use super::*;
    use crate::domain::ContentHash;
    use crate::ingest::container::Location;

    fn row(id: &str, key: Option<&str>, location: Location) -> RecordRow {
        RecordRow {
            id: id.to_owned(),
            key: key.map(str::to_owned),
            file: 3,
            number: 11,
            location,
            hash: ContentHash([9; 32]),
            task: 5,
            duplicate_of: key.map(|_| 2),
            derived: 7,
            share: Share {
                trajectory: true,
                run: key.is_some(),
                steps: 4,
                pairs: 1,
            },
        }
    }

    fn some_rows() -> Vec<Option<RecordRow>> {
        let span = |offset, length| Location::Span { offset, length };
        vec![
            Some(row("a", None, span(1, 2))),
            None,
            Some(row(
                "漢字~2",
                Some("17"),
                Location::Row { group: 4, row: 9 },
            )),
            Some(row("", Some(""), span(0, 0))),
        ]
    }

    #[test]
    fn rows_come_back_one_by_one_and_all_at_once_whatever_the_order_of_writing() {
        let table = std::env::temp_dir().join(format!("records-test-{}", std::process::id()));
        let rows = some_rows();
        let mut builder = RecordTableBuilder::create(&table).expect("created");
        for number in [3, 0, 2] {
            let row = rows[number].as_ref().expect("a row");
            builder.put(number as u32, row).expect("written");
            assert_eq!(
                builder.row(number as u32).expect("read").as_ref(),
                Some(row)
            );
        }
        assert_eq!(builder.row(1).expect("read"), None);
        assert!(RecordTable::open(&table).is_err(), "not finished yet");
        builder.finish().expect("finished");

        let opened = RecordTable::open(&table).expect("opened");
        let loaded = opened.load().expect("loaded");
        for (number, expected) in rows.iter().enumerate() {
            assert_eq!(&opened.row(number as u32).expect("read"), expected);
            assert_eq!(&loaded.row(number as u32).expect("read"), expected);
        }
        assert_eq!(opened.row(4).expect("past the end"), None);
        assert_eq!(loaded.row(4).expect("past the end"), None);
        assert_eq!(loaded.rows().count(), 3);

        for file in files(&table) {
            let bytes = std::fs::read(&file).expect("bytes");
            for cut in 0..bytes.len() {
                std::fs::write(&file, &bytes[..cut]).expect("cut");
                assert!(RecordTable::open(&table).is_err(), "cut at {cut}");
            }
            std::fs::write(&file, &bytes).expect("mended");
        }
        for file in files(&table) {
            std::fs::remove_file(file).expect("removed");
        }
    }
}
