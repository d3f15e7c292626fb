//! The cells of typed tables: from JSON, each checked against its column, to Arrow columns.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Float64Array, Int64Array, ListArray, StringArray,
    StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::Field;
use arrow::error::ArrowError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::hugging_face::{Column, ColumnType, picture_fields};
use crate::domain::PictureReference;
use crate::export::Refusal;

/// A value that fits its column.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::export) enum Cell {
    Null,
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Picture {
        bytes: Option<Vec<u8>>,
        path: Option<String>,
    },
    List(Vec<Cell>),
    Struct(Vec<Cell>),
}

/// The cells of a row, one for each column; what the row lacks is null.
pub(in crate::export) fn cells(
    columns: &[Column],
    row: Map<String, Value>,
) -> Result<Vec<Cell>, Refusal> {
    members(columns, row, "")
}

fn members(
    columns: &[Column],
    mut object: Map<String, Value>,
    place: &str,
) -> Result<Vec<Cell>, Refusal> {
    let named = |name: &str| match place {
        "" => name.to_owned(),
        _ => format!("{place}.{name}"),
    };
    let mut take = |column: &Column| match object.remove(column.name) {
        Some(value) => cell(&column.kind, value, &named(column.name)),
        None => Ok(Cell::Null),
    };
    let cells: Vec<Cell> = columns.iter().map(&mut take).collect::<Result<_, _>>()?;
    match object.keys().next() {
        Some(unknown) => Err(Refusal::new(format!(
            "`{}` is no column of this table",
            named(unknown)
        ))),
        None => Ok(cells),
    }
}

fn cell(kind: &ColumnType, value: Value, place: &str) -> Result<Cell, Refusal> {
    let misfit = |what: &str| Err(Refusal::new(format!("`{place}` is not {what}")));
    match (kind, value) {
        (_, Value::Null) => Ok(Cell::Null),
        (ColumnType::Text, Value::String(text)) => Ok(Cell::Text(text)),
        (ColumnType::Text, _) => misfit("text"),
        (ColumnType::Json, value) => Ok(Cell::Text(value.to_string())),
        (ColumnType::Integer, value) => match value.as_i64() {
            Some(number) => Ok(Cell::Integer(number)),
            None => misfit("a whole number of 64 bits"),
        },
        (ColumnType::Float, value) => match value.as_f64() {
            Some(number) => Ok(Cell::Float(number)),
            None => misfit("a number"),
        },
        (ColumnType::Boolean, Value::Bool(truth)) => Ok(Cell::Boolean(truth)),
        (ColumnType::Boolean, _) => misfit("true or false"),
        (ColumnType::Picture, value) => match picture(value) {
            Some(picture) => Ok(picture),
            None => misfit("a picture: a path, a `data:` address, or `{bytes, path}`"),
        },
        (ColumnType::List(element), Value::Array(items)) => {
            let items = items.into_iter().enumerate();
            let cells = items.map(|(n, item)| cell(element, item, &format!("{place}[{n}]")));
            cells.collect::<Result<_, _>>().map(Cell::List)
        }
        (ColumnType::List(_), _) => misfit("a list"),
        (ColumnType::Struct(columns), Value::Object(object)) => {
            members(columns, object, place).map(Cell::Struct)
        }
        (ColumnType::Struct(_), _) => misfit("an object"),
    }
}

/// A path or an address; bytes of a `data:` address; or the structure that tables hold, its bytes in base64.
fn picture(value: Value) -> Option<Cell> {
    let (bytes, path) = match value {
        Value::String(text) => match PictureReference::from_text(&text) {
            PictureReference::Inline(inline) => {
                (Some(STANDARD.decode(&*inline.base64).ok()?), None)
            }
            PictureReference::Path(path) | PictureReference::Url(path) => (None, Some(path)),
        },
        Value::Object(object) => {
            let text = |key: &str| match object.get(key) {
                None | Some(Value::Null) => Some(None),
                Some(Value::String(text)) => Some(Some(text)),
                Some(_) => None,
            };
            let bytes = text("bytes")?.map(|base64| STANDARD.decode(base64));
            (bytes.transpose().ok()?, text("path")?.cloned())
        }
        _ => return None,
    };
    (bytes.is_some() || path.is_some()).then_some(Cell::Picture { bytes, path })
}

impl Cell {
    /// Bytes that it takes in a column, about.
    pub fn size(&self) -> usize {
        match self {
            Self::Null | Self::Boolean(_) => 1,
            Self::Integer(_) | Self::Float(_) => 8,
            Self::Text(text) => 4 + text.len(),
            Self::Picture { bytes, path } => {
                8 + bytes.as_ref().map_or(0, Vec::len) + path.as_ref().map_or(0, String::len)
            }
            Self::List(cells) | Self::Struct(cells) => {
                4 + cells.iter().map(Self::size).sum::<usize>()
            }
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

const NULL: &Cell = &Cell::Null;

/// An Arrow column of cells that fit it.
pub(in crate::export) fn array(kind: &ColumnType, cells: &[&Cell]) -> Result<ArrayRef, ArrowError> {
    let cells_of = cells.iter().copied();
    Ok(match kind {
        ColumnType::Text | ColumnType::Json => {
            Arc::new(StringArray::from_iter(cells_of.map(|cell| match cell {
                Cell::Text(text) => Some(text.as_str()),
                _ => None,
            })))
        }
        ColumnType::Integer => Arc::new(Int64Array::from_iter(cells_of.map(|cell| match cell {
            Cell::Integer(number) => Some(*number),
            _ => None,
        }))),
        ColumnType::Float => Arc::new(Float64Array::from_iter(cells_of.map(|cell| match cell {
            Cell::Float(number) => Some(*number),
            _ => None,
        }))),
        ColumnType::Boolean => Arc::new(BooleanArray::from_iter(cells_of.map(|cell| match cell {
            Cell::Boolean(truth) => Some(*truth),
            _ => None,
        }))),
        ColumnType::Picture => {
            let bytes = BinaryArray::from_iter(cells_of.clone().map(|cell| match cell {
                Cell::Picture { bytes, .. } => bytes.as_deref(),
                _ => None,
            }));
            let paths = StringArray::from_iter(cells_of.map(|cell| match cell {
                Cell::Picture { path, .. } => path.as_deref(),
                _ => None,
            }));
            let members: Vec<ArrayRef> = vec![Arc::new(bytes), Arc::new(paths)];
            Arc::new(StructArray::try_new(
                picture_fields(),
                members,
                nulls(cells),
            )?)
        }
        ColumnType::List(element) => {
            let items = |cell: &'_ Cell| match cell {
                Cell::List(items) => items.len(),
                _ => 0,
            };
            let offsets = OffsetBuffer::from_lengths(cells_of.clone().map(items));
            let inside: Vec<&Cell> = cells_of
                .flat_map(|cell| match cell {
                    Cell::List(items) => items.as_slice(),
                    _ => &[],
                })
                .collect();
            let field = Arc::new(Field::new_list_field(element.data_type(), true));
            let values = array(element, &inside)?;
            Arc::new(ListArray::try_new(field, offsets, values, nulls(cells))?)
        }
        ColumnType::Struct(columns) => {
            let member = |(place, column): (usize, &Column)| {
                let inside: Vec<&Cell> = cells
                    .iter()
                    .map(|cell| match cell {
                        Cell::Struct(members) => members.get(place).unwrap_or(NULL),
                        _ => NULL,
                    })
                    .collect();
                array(&column.kind, &inside)
            };
            let members = columns.iter().enumerate().map(member);
            let members = members.collect::<Result<Vec<_>, _>>()?;
            let fields = columns.iter().map(Column::field).collect();
            Arc::new(StructArray::try_new(fields, members, nulls(cells))?)
        }
    })
}

fn nulls(cells: &[&Cell]) -> Option<NullBuffer> {
    let is_there: Vec<bool> = cells.iter().map(|cell| !cell.is_null()).collect();
    is_there.contains(&false).then(|| is_there.into())
}
