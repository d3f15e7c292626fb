use std::sync::Arc;

use arrow::array::{Array, ArrayAccessor, AsArray, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::error::ArrowError;
use arrow::json::writer::{NullableEncoder, make_encoder};
use arrow::json::{Encoder, EncoderFactory, EncoderOptions};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Each row of a batch as the text of a JSON object, its keys in the order of the columns.
///
/// Nulls are written, so that a row says of every column whether it is empty. Binary values become padded base64 of
/// the standard alphabet. Everything else is as `arrow-json` writes it: times in RFC 3339, decimals as numbers,
/// dictionaries as their values, NaN and infinities as null.
pub(super) fn row_texts(batch: &RecordBatch) -> Result<Vec<Vec<u8>>, ArrowError> {
    let options = EncoderOptions::default()
        .with_explicit_nulls(true)
        .with_encoder_factory(Arc::new(BinaryAsBase64));
    let rows = StructArray::from(batch.clone());
    let field: FieldRef = Arc::new(Field::new("row", rows.data_type().clone(), false));
    let mut encoder = make_encoder(&field, &rows, &options)?;
    Ok((0..rows.len())
        .map(|row| {
            let mut text = Vec::new();
            encoder.encode(row, &mut text);
            text
        })
        .collect())
}

#[derive(Debug)]
struct BinaryAsBase64;

impl EncoderFactory for BinaryAsBase64 {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let encoder: Box<dyn Encoder + 'a> = match array.data_type() {
            DataType::Binary => Box::new(Base64(array.as_binary::<i32>())),
            DataType::LargeBinary => Box::new(Base64(array.as_binary::<i64>())),
            DataType::BinaryView => Box::new(Base64(array.as_binary_view())),
            DataType::FixedSizeBinary(_) => Box::new(Base64(array.as_fixed_size_binary())),
            _ => return Ok(None),
        };
        Ok(Some(NullableEncoder::new(encoder, array.nulls().cloned())))
    }
}

struct Base64<A>(A);

impl<'a, A: ArrayAccessor<Item = &'a [u8]>> Encoder for Base64<A> {
    fn encode(&mut self, index: usize, out: &mut Vec<u8>) {
        let value = self.0.value(index);
        out.push(b'"');
        let from = out.len();
        let length = base64::encoded_len(value.len(), true).unwrap_or(0);
        out.resize(from + length, 0);
        let written = out
            .get_mut(from..)
            .and_then(|target| STANDARD.encode_slice(value, target).ok());
        out.truncate(from + written.unwrap_or(0));
        out.push(b'"');
    }
}
