//! Tables in the layout of Hugging Face's `datasets`: Arrow columns, and in the schema's metadata what they mean to it, so
//! that `load_dataset("parquet", data_files=…)` gives typed columns and pictures that decode.
//!
//! The metadata is `{"info": {"features": …}}` under the key `huggingface`. Lists are spelled `[element]` in it: that is what
//! every version since 2.14 reads in one way. `Sequence` turned lists of structures inside out before 4.0, and `List` is
//! unknown there. Source: `Features.from_dict` and `Features.arrow_schema` in `datasets/features/features.py`.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Fields, Schema};
use serde_json::{Map, Value, json};

use super::table_cell::{Cell, array, cells};
use super::table_file::TableFile;
use crate::export::{ExportError, Refusal};

/// A batch ends after so many rows …
const BATCH_ROWS: usize = 1024;
/// … or so many bytes.
const BATCH_BYTES: usize = 8 << 20;
/// No row takes more: a batch has to stay below what 32 bits count.
const LARGEST_ROW: usize = 1 << 30;

/// What a column holds, or a member of a structure. Everything may be null.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnType {
    /// Text.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A number of 64 bits.
    Float,
    /// True or false.
    Boolean,
    /// A picture, `Image` to `datasets`. In JSON a path or an address, a `data:` address, or `{bytes, path}` with bytes in
    /// base64; a path is opened as it is, against the folder that the reader runs in.
    Picture,
    /// Any JSON value, kept as its text; `Json` to `datasets` from 4.7, which hands out the value. Earlier ones do not load it.
    Json,
    /// A list of one type.
    List(Box<ColumnType>),
    /// An object of these members.
    Struct(Vec<Column>),
}

/// A column, or a member of a structure.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name, as rows have it.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnType,
}

impl Column {
    /// A column of this name.
    pub fn new(name: &'static str, kind: ColumnType) -> Self {
        Self { name, kind }
    }

    /// A column of text.
    pub fn text(name: &'static str) -> Self {
        Self::new(name, ColumnType::Text)
    }

    /// Its Arrow field.
    pub(in crate::export) fn field(&self) -> Field {
        self.kind.named(self.name)
    }
}

impl ColumnType {
    /// A list of this type.
    pub fn list(self) -> Self {
        Self::List(Box::new(self))
    }

    /// The Arrow type.
    pub(in crate::export) fn data_type(&self) -> DataType {
        match self {
            Self::Text | Self::Json => DataType::Utf8,
            Self::Integer => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Picture => DataType::Struct(picture_fields()),
            Self::List(element) => {
                DataType::List(Arc::new(element.named(Field::LIST_FIELD_DEFAULT_NAME)))
            }
            Self::Struct(members) => DataType::Struct(members.iter().map(Column::field).collect()),
        }
    }

    fn named(&self, name: &str) -> Field {
        let field = Field::new(name, self.data_type(), true);
        match self {
            // Arrow's canonical extension type.
            Self::Json => field.with_metadata(HashMap::from([
                ("ARROW:extension:name".to_owned(), "arrow.json".to_owned()),
                ("ARROW:extension:metadata".to_owned(), String::new()),
            ])),
            _ => field,
        }
    }

    /// What `datasets` calls it.
    fn feature(&self) -> Value {
        let value = |data_type: &str| json!({"dtype": data_type, "_type": "Value"});
        match self {
            Self::Text => value("string"),
            Self::Json => json!({"_type": "Json"}),
            Self::Integer => value("int64"),
            Self::Float => value("float64"),
            Self::Boolean => value("bool"),
            Self::Picture => json!({"_type": "Image"}),
            Self::List(element) => json!([element.feature()]),
            Self::Struct(members) => features(members),
        }
    }
}

fn features(columns: &[Column]) -> Value {
    let feature = |column: &Column| (column.name.to_owned(), column.kind.feature());
    Value::Object(columns.iter().map(feature).collect())
}

/// The members of a picture's structure.
pub(in crate::export) fn picture_fields() -> Fields {
    Fields::from(vec![
        Field::new("bytes", DataType::Binary, true),
        Field::new("path", DataType::Utf8, true),
    ])
}

/// The Arrow schema of these columns, with what `datasets` wants to know of them.
pub(in crate::export) fn schema(columns: &[Column]) -> Schema {
    let info = json!({"info": {"features": features(columns)}});
    let fields: Fields = columns.iter().map(Column::field).collect();
    Schema::new(fields).with_metadata(HashMap::from([(
        "huggingface".to_owned(),
        info.to_string(),
    )]))
}

/// Rows of JSON into a table of known columns. Memory holds a batch of rows and a row group of the file.
pub struct HuggingFaceTable<W: Write + Send> {
    file: TableFile<W>,
    schema: Arc<Schema>,
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    bytes: usize,
}

impl<W: Write + Send> HuggingFaceTable<W> {
    /// Begins a table of these columns in a file.
    pub fn new(file: W, columns: Vec<Column>, is_parquet: bool) -> Result<Self, ExportError> {
        let schema = Arc::new(schema(&columns));
        Ok(Self {
            file: TableFile::new(file, &schema, is_parquet)?,
            schema,
            columns,
            rows: Vec::new(),
            bytes: 0,
        })
    }

    /// Takes a row, an object of the columns; refused is what does not fit them.
    pub fn put(&mut self, row: &str) -> Result<Result<(), Refusal>, ExportError> {
        let row: Map<String, Value> = match serde_json::from_str(row) {
            Ok(row) => row,
            Err(error) => return Ok(Err(error.into())),
        };
        let cells = match cells(&self.columns, row) {
            Ok(cells) => cells,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let bytes: usize = cells.iter().map(Cell::size).sum();
        if bytes > LARGEST_ROW {
            let reason = "it takes more than 1 GB, and a row of a table can't";
            return Ok(Err(Refusal::new(reason)));
        }
        self.rows.push(cells);
        self.bytes += bytes;
        if self.bytes >= BATCH_BYTES || self.rows.len() >= BATCH_ROWS {
            self.flush()?;
        }
        Ok(Ok(()))
    }

    fn flush(&mut self) -> Result<(), ExportError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (place, column) in self.columns.iter().enumerate() {
            let cells: Vec<&Cell> = self.rows.iter().filter_map(|row| row.get(place)).collect();
            arrays.push(array(&column.kind, &cells)?);
        }
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays)?;
        self.rows.clear();
        self.bytes = 0;
        self.file.write(&batch)
    }

    /// Ends the table.
    pub fn finish(mut self) -> Result<(), ExportError> {
        self.flush()?;
        self.file.finish()
    }
}
