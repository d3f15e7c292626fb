//! Rows in tables: Parquet and Arrow IPC, a batch at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::sync::Arc;

use arrow::datatypes::Schema;
use arrow::json::ReaderBuilder;
use arrow::json::reader::Decoder;
use serde_json::Value;
use serde_json::value::RawValue;

use super::hugging_face::HuggingFaceTable;
use super::table_file::TableFile;
use super::table_row::RowKind;
use super::table_shape::Shape;
use crate::domain::Record;
use crate::export::json_text::one_line;
use crate::export::{ExportError, Refusal};
use crate::jobs::Progress;

/// A batch ends after so many rows …
const BATCH_ROWS: usize = 1024;
/// … or so many bytes of JSON.
const BATCH_BYTES: usize = 8 << 20;

/// JSON rows into a table of columns that were found in them.
struct TableWriter {
    file: TableFile<File>,
    decoder: Decoder,
    bytes: usize,
}

impl TableWriter {
    fn new(file: File, schema: Schema, is_parquet: bool) -> Result<Self, ExportError> {
        let schema = Arc::new(schema);
        let decoder = ReaderBuilder::new(Arc::clone(&schema)).with_batch_size(BATCH_ROWS + 1);
        Ok(Self {
            file: TableFile::new(file, &schema, is_parquet)?,
            decoder: decoder.build_decoder()?,
            bytes: 0,
        })
    }

    fn put(&mut self, row: &str) -> Result<(), ExportError> {
        self.decoder.decode(row.as_bytes())?;
        self.bytes += row.len();
        if self.bytes >= BATCH_BYTES || self.decoder.len() >= BATCH_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ExportError> {
        self.bytes = 0;
        match self.decoder.flush()? {
            Some(batch) => self.file.write(&batch),
            None => Ok(()),
        }
    }

    fn finish(mut self) -> Result<(), ExportError> {
        self.flush()?;
        self.file.finish()
    }
}

/// A table of trajectories, or of pairs: what the first record is.
pub(in crate::export) struct TypedTable {
    file: File,
    is_parquet: bool,
    table: Option<(RowKind, HuggingFaceTable<File>)>,
}

impl TypedTable {
    pub fn new(file: File, is_parquet: bool) -> Self {
        Self {
            file,
            is_parquet,
            table: None,
        }
    }

    pub fn put(&mut self, record: &Record, row: &str) -> Result<Result<(), Refusal>, ExportError> {
        let kind = RowKind::of(record);
        let (table_kind, table) = match &mut self.table {
            Some(table) => table,
            none => none.insert((
                kind,
                HuggingFaceTable::new(self.file.try_clone()?, kind.columns(), self.is_parquet)?,
            )),
        };
        if *table_kind != kind {
            return Ok(Err(table_kind.refusal()));
        }
        table.put(row)
    }

    /// A table without rows has the columns of trajectories.
    pub fn finish(self) -> Result<(), ExportError> {
        match self.table {
            Some((_, table)) => table.finish(),
            None => {
                let columns = RowKind::Trajectory.columns();
                HuggingFaceTable::new(self.file, columns, self.is_parquet)?.finish()
            }
        }
    }
}

/// A table of the records' own fields. Columns are known after the last row, so rows wait in a file.
pub(in crate::export) struct InferredTable {
    spool: BufWriter<File>,
    shape: Shape,
}

impl InferredTable {
    pub fn new(spool: File) -> Self {
        Self {
            spool: BufWriter::new(spool),
            shape: Shape::default(),
        }
    }

    pub fn put(&mut self, row: &str) -> Result<Result<(), Refusal>, ExportError> {
        let value = match serde_json::from_str(row) {
            Ok(value @ Value::Object(_)) => value,
            Ok(_) => {
                return Ok(Err(Refusal::new(
                    "it is no object, and a row of a table is one",
                )));
            }
            Err(error) => return Ok(Err(error.into())),
        };
        self.shape.add(&value);
        self.spool.write_all(one_line(row).as_bytes())?;
        self.spool.write_all(b"\n")?;
        Ok(Ok(()))
    }

    /// Writes the table and says which fields became text.
    pub fn finish(
        mut self,
        file: File,
        is_parquet: bool,
        progress: &Progress,
    ) -> Result<Vec<String>, ExportError> {
        self.spool.flush()?;
        let mut spool = self.spool.get_ref();
        spool.seek(SeekFrom::Start(0))?;
        let mut table = TableWriter::new(file, self.shape.schema(), is_parquet)?;
        let holds_mixed = self.shape.holds_mixed();
        let mut lines = BufReader::new(spool);
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            progress.check()?;
            if holds_mixed {
                let row: &RawValue = serde_json::from_str(&line).map_err(io::Error::from)?;
                let row = self.shape.fit(row).map_err(io::Error::from)?;
                table.put(row.get())?;
            } else {
                table.put(&line)?;
            }
            line.clear();
        }
        table.finish()?;
        let mut mixed = Vec::new();
        self.shape.mixed_fields("", &mut mixed);
        let note = |field| format!("`{field}` holds several kinds of values: written as text");
        Ok(mixed.into_iter().map(note).collect())
    }
}
