//! The file of a table: batches of columns go in, Parquet or Arrow IPC comes out.

use std::io::{BufWriter, Write};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::writer::FileWriter;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use crate::export::ExportError;

/// A row group of Parquet ends after so many rows or bytes, and a page after so many rows: to show one record, a reader
/// unpacks the pages that hold it.
const GROUP_ROWS: usize = 4096;
const GROUP_BYTES: usize = 32 << 20;
const PAGE_ROWS: usize = 64;

/// A table that is being written. Memory holds one row group of it.
pub(in crate::export) enum TableFile<W: Write + Send> {
    Parquet(Box<ArrowWriter<W>>),
    Arrow(Box<FileWriter<BufWriter<W>>>),
}

impl<W: Write + Send> TableFile<W> {
    /// Begins a file of these columns; what the schema says of itself in its metadata is kept.
    pub fn new(file: W, schema: &Arc<Schema>, is_parquet: bool) -> Result<Self, ExportError> {
        if is_parquet {
            let writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties(schema)))?;
            Ok(Self::Parquet(Box::new(writer)))
        } else {
            let writer = FileWriter::try_new_buffered(file, schema)?;
            Ok(Self::Arrow(Box::new(writer)))
        }
    }

    /// Appends rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ExportError> {
        match self {
            Self::Parquet(writer) => writer.write(batch)?,
            Self::Arrow(writer) => writer.write(batch)?,
        }
        Ok(())
    }

    /// Ends the file.
    pub fn finish(self) -> Result<(), ExportError> {
        match self {
            Self::Parquet(writer) => {
                writer.close()?;
            }
            Self::Arrow(mut writer) => {
                writer.finish()?;
                writer.into_inner()?.flush()?;
            }
        }
        Ok(())
    }
}

fn properties(schema: &Schema) -> WriterProperties {
    let builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_max_row_group_bytes(Some(GROUP_BYTES))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS);
    // Readers that know Parquet alone look for them among the file's own metadata.
    let metadata = schema.metadata();
    let pairs = metadata
        .iter()
        .map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    let builder =
        builder.set_key_value_metadata((!metadata.is_empty()).then(|| pairs.collect::<Vec<_>>()));
    let fields = schema.fields().iter();
    fields
        .fold(builder, |builder, field| {
            plain_bytes(builder, field, &mut Vec::new())
        })
        .build()
}

/// Bytes are pictures: compressed already, and each different.
fn plain_bytes(
    builder: WriterPropertiesBuilder,
    field: &Field,
    above: &mut Vec<String>,
) -> WriterPropertiesBuilder {
    above.push(field.name().clone());
    let builder = match field.data_type() {
        DataType::Binary => {
            let path = ColumnPath::new(above.clone());
            builder
                .set_column_compression(path.clone(), Compression::UNCOMPRESSED)
                .set_column_dictionary_enabled(path, false)
        }
        DataType::Struct(fields) => fields
            .iter()
            .fold(builder, |builder, field| plain_bytes(builder, field, above)),
        DataType::List(element) => {
            above.push("list".to_owned());
            let builder = plain_bytes(builder, element, above);
            above.pop();
            builder
        }
        _ => builder,
    };
    above.pop();
    builder
}
