use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};

use super::json_text::one_line;

/// Rows that wait in a file until it is known what all of them hold.
pub(super) struct Spool(BufWriter<File>);

impl Spool {
    /// Rows wait in this file, which is empty.
    pub fn new(file: File) -> Self {
        Self(BufWriter::new(file))
    }

    pub fn put(&mut self, row: &str) -> io::Result<()> {
        self.0.write_all(one_line(row).as_bytes())?;
        self.0.write_all(b"\n")
    }

    /// The rows, in the order in which they came.
    pub fn rows(self) -> io::Result<impl Iterator<Item = io::Result<String>>> {
        let mut file = self
            .0
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(BufReader::new(file).lines())
    }
}
