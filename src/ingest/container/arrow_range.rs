use std::ops::Range;

use arrow::array::{ArrayData, RecordBatch, RecordBatchOptions, make_array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;
use arrow::ipc;
use arrow::ipc::reader::read_record_batch;

use super::arrow_message::{ArrowMessages, Message, broken, check_buffers};

/// Whether rows of this type can be cut out of a batch without reading the rest of it.
fn can_be_cut(kind: &DataType) -> bool {
    match kind {
        DataType::Struct(fields) => fields.iter().all(|field| can_be_cut(field.data_type())),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => can_be_cut(item.data_type()),
        DataType::Null
        | DataType::Boolean
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::FixedSizeBinary(_)
        | DataType::Dictionary(_, _) => true,
        other => other.primitive_width().is_some(),
    }
}

/// Reads some rows of a batch, and of the file only the bytes that hold them: a batch of a thousand rows with pictures
/// is hundreds of megabytes. More than `budget` bytes are an error. Compressed batches and the types that lie
/// scattered (views, unions, run ends) are read whole and sliced.
pub(super) fn read_rows(
    messages: &mut ArrowMessages,
    message: &Message,
    rows: Range<u64>,
    budget: u64,
) -> Result<RecordBatch, ArrowError> {
    let schema = messages.schema.clone();
    let header = message.header()?;
    let batch = record_batch(message, &header)?;
    let count = rows.end.saturating_sub(rows.start);
    if !reads_by_range(messages, &batch) {
        let whole = read_whole(messages, message)?;
        let (from, count) = (to_usize(rows.start)?, to_usize(count)?);
        return match from.checked_add(count) {
            Some(end) if end <= whole.num_rows() => Ok(whole.slice(from, count)),
            _ => Err(broken(message.start, "it has fewer rows")),
        };
    }
    let mut reader = RangeReader {
        nodes: batch
            .nodes()
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .into_iter(),
        buffers: batch
            .buffers()
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .into_iter(),
        messages,
        message,
        budget,
    };
    let columns = schema
        .fields()
        .iter()
        .map(|field| reader.array(field, rows.clone()).map(make_array))
        .collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(to_usize(count)?));
    RecordBatch::try_new_with_options(schema, columns, &options)
}

/// Whether [`read_rows`] can read rows of this batch without the others.
pub(super) fn reads_by_range(messages: &ArrowMessages, batch: &ipc::RecordBatch<'_>) -> bool {
    let mut fields = messages.schema.fields().iter();
    batch.compression().is_none() && fields.all(|field| can_be_cut(field.data_type()))
}

/// A message's record batch header, its row count checked.
pub(super) fn record_batch<'a>(
    message: &Message,
    header: &ipc::Message<'a>,
) -> Result<ipc::RecordBatch<'a>, ArrowError> {
    let batch = header
        .header_as_record_batch()
        .ok_or_else(|| broken(message.start, "it holds no rows"))?;
    // A row takes a bit at least, save in columns of nothing but nulls.
    let most = message
        .body_length
        .saturating_mul(8)
        .saturating_add(1 << 20);
    if u64::try_from(batch.length()).is_ok_and(|rows| rows <= most) {
        Ok(batch)
    } else {
        Err(broken(
            message.start,
            "it claims more rows than it has bytes for",
        ))
    }
}

/// The whole batch.
pub(super) fn read_whole(
    messages: &mut ArrowMessages,
    message: &Message,
) -> Result<RecordBatch, ArrowError> {
    let header = message.header()?;
    let batch = record_batch(message, &header)?;
    let body = messages.body(message)?;
    check_buffers(message, &batch, &body)?;
    read_record_batch(
        &body,
        batch,
        messages.schema.clone(),
        &messages.dictionaries,
        None,
        &header.version(),
    )
}

/// Walks a batch's nodes and buffers in the order of the columns, reading a range of each.
struct RangeReader<'a> {
    messages: &'a mut ArrowMessages,
    message: &'a Message,
    nodes: std::vec::IntoIter<&'a ipc::FieldNode>,
    buffers: std::vec::IntoIter<&'a ipc::Buffer>,
    /// Bytes that may still be read.
    budget: u64,
}

impl RangeReader<'_> {
    fn array(&mut self, field: &Field, rows: Range<u64>) -> Result<ArrayData, ArrowError> {
        let count = rows.end.saturating_sub(rows.start);
        // Counted even where a row has no bytes: nulls become text, too.
        self.spend(count)?;
        let node = self
            .nodes
            .next()
            .ok_or_else(|| self.broken("a column is missing"))?;
        if u64::try_from(node.length()).map_or(true, |length| rows.end > length) {
            return Err(self.broken("a column has fewer rows than the batch"));
        }
        let kind = field.data_type();
        let builder = ArrayData::builder(kind.clone())
            .len(to_usize(count)?)
            .align_buffers(true);
        if *kind == DataType::Null {
            return builder.build();
        }
        let validity = self.buffer()?;
        let nulls = match node.null_count() {
            0 => None,
            _ => Some(NullBuffer::new(self.bits(validity, &rows)?)),
        };
        let builder = builder.nulls(nulls);
        match kind {
            DataType::Boolean => {
                let values = self.buffer()?;
                builder
                    .add_buffer(self.bits(values, &rows)?.sliced())
                    .build()
            }
            DataType::Utf8 | DataType::Binary => {
                let (offsets, values) = self.offsets::<4>(&rows)?;
                let bytes = self.buffer()?;
                let bytes = self.read(bytes, values)?;
                builder.add_buffer(offsets).add_buffer(bytes).build()
            }
            DataType::LargeUtf8 | DataType::LargeBinary => {
                let (offsets, values) = self.offsets::<8>(&rows)?;
                let bytes = self.buffer()?;
                let bytes = self.read(bytes, values)?;
                builder.add_buffer(offsets).add_buffer(bytes).build()
            }
            DataType::List(item) | DataType::Map(item, _) => {
                let (offsets, values) = self.offsets::<4>(&rows)?;
                let items = self.array(item, values)?;
                builder.add_buffer(offsets).add_child_data(items).build()
            }
            DataType::LargeList(item) => {
                let (offsets, values) = self.offsets::<8>(&rows)?;
                let items = self.array(item, values)?;
                builder.add_buffer(offsets).add_child_data(items).build()
            }
            DataType::FixedSizeList(item, size) => {
                let items = self.array(item, self.times(&rows, i64::from(*size))?)?;
                builder.add_child_data(items).build()
            }
            DataType::Struct(fields) => {
                let children = fields
                    .iter()
                    .map(|field| self.array(field, rows.clone()))
                    .collect::<Result<Vec<_>, _>>()?;
                builder.child_data(children).build()
            }
            DataType::Dictionary(key, values) => {
                // The only way to learn which dictionary a column uses is marked for removal, without another.
                #[expect(deprecated)]
                let id = field.dict_id().unwrap_or_default();
                let values = match self.messages.dictionaries.get(&id) {
                    Some(values) => values.to_data(),
                    // Left out when a column is all null.
                    None => ArrayData::new_empty(values),
                };
                let keys = self.fixed(key, &rows)?;
                builder.add_buffer(keys).add_child_data(values).build()
            }
            other => builder.add_buffer(self.fixed(other, &rows)?).build(),
        }
    }

    fn buffer(&mut self) -> Result<ipc::Buffer, ArrowError> {
        let next = self.buffers.next().copied();
        next.ok_or_else(|| self.broken("a column is missing"))
    }

    /// Values that all have the same width.
    fn fixed(&mut self, kind: &DataType, rows: &Range<u64>) -> Result<Buffer, ArrowError> {
        let width = match kind {
            DataType::FixedSizeBinary(width) => i64::from(*width),
            other => other.primitive_width().unwrap_or_default() as i64,
        };
        let buffer = self.buffer()?;
        self.read(buffer, self.times(rows, width)?)
    }

    /// `rows + 1` offsets of `WIDTH` bytes, moved to start at 0, and the range they point into.
    fn offsets<const WIDTH: usize>(
        &mut self,
        rows: &Range<u64>,
    ) -> Result<(Buffer, Range<u64>), ArrowError> {
        let buffer = self.buffer()?;
        if rows.is_empty() {
            return Ok((Buffer::from_vec(vec![0_u8; WIDTH]), 0..0));
        }
        let bytes = self.times(&(rows.start..rows.end.saturating_add(1)), WIDTH as i64)?;
        let raw = self.read(buffer, bytes)?;
        let offsets: Vec<i64> = raw
            .chunks_exact(WIDTH)
            .map(|chunk| match chunk.first_chunk::<8>() {
                Some(wide) => i64::from_le_bytes(*wide),
                None => i64::from(
                    chunk
                        .first_chunk()
                        .map_or(0, |narrow| i32::from_le_bytes(*narrow)),
                ),
            })
            .collect();
        let (first, last) = match (offsets.first(), offsets.last()) {
            (Some(first), Some(last)) if *first >= 0 && offsets.is_sorted() => (*first, *last),
            _ => return Err(self.broken("its offsets go backwards")),
        };
        let moved = offsets.iter().map(|offset| offset - first);
        let moved = if WIDTH == 8 {
            Buffer::from_iter(moved)
        } else {
            // They were i32, sorted and not negative, so their differences are i32.
            Buffer::from_iter(moved.map(|offset| i32::try_from(offset).unwrap_or(i32::MAX)))
        };
        Ok((moved, first.unsigned_abs()..last.unsigned_abs()))
    }

    /// Bits of a bitmap.
    fn bits(
        &mut self,
        buffer: ipc::Buffer,
        rows: &Range<u64>,
    ) -> Result<BooleanBuffer, ArrowError> {
        let count = to_usize(rows.end.saturating_sub(rows.start))?;
        let bytes = self.read(buffer, rows.start / 8..rows.end.div_ceil(8))?;
        Ok(BooleanBuffer::new(bytes, to_usize(rows.start % 8)?, count))
    }

    fn times(&self, rows: &Range<u64>, width: i64) -> Result<Range<u64>, ArrowError> {
        let width = u64::try_from(width).ok();
        let scaled = |row: u64| width.and_then(|width| row.checked_mul(width));
        match (scaled(rows.start), scaled(rows.end)) {
            (Some(start), Some(end)) => Ok(start..end),
            _ => Err(self.broken("a column is too long")),
        }
    }

    /// A range of bytes of one of the body's buffers.
    fn read(&mut self, buffer: ipc::Buffer, bytes: Range<u64>) -> Result<Buffer, ArrowError> {
        let length = bytes.end.saturating_sub(bytes.start);
        if length == 0 {
            return Ok(Buffer::from_vec(Vec::<u8>::new()));
        }
        self.spend(length)?;
        let inside = u64::try_from(buffer.length()).is_ok_and(|length| bytes.end <= length);
        let start = u64::try_from(buffer.offset())
            .ok()
            .and_then(|offset| offset.checked_add(bytes.start))
            .filter(|start| {
                let end = start.checked_add(length);
                inside && end.is_some_and(|end| end <= self.message.body_length)
            })
            .ok_or_else(|| self.broken("a column points outside of it"))?;
        let at = self.message.body.saturating_add(start);
        Ok(self.messages.bytes(at, length)?.into())
    }

    fn spend(&mut self, bytes: u64) -> Result<(), ArrowError> {
        let left = self.budget.checked_sub(bytes);
        self.budget = left.ok_or_else(|| ArrowError::MemoryError(OVER_BUDGET.to_owned()))?;
        Ok(())
    }

    fn broken(&self, what: &str) -> ArrowError {
        broken(self.message.start, what)
    }
}

/// The message of an [`ArrowError::MemoryError`] when rows take more bytes than allowed.
const OVER_BUDGET: &str = "it is larger than the limit for records";

fn to_usize(number: u64) -> Result<usize, ArrowError> {
    usize::try_from(number).map_err(|_| ArrowError::MemoryError(OVER_BUDGET.to_owned()))
}
