//! What a language model does most, written for the CPU: products with weights of 8 bits, attention, norms and gates, each in
//! one pass over memory and on all threads. They join Burn through its extension mechanism, for its backend Flex and 32 bits;
//! [`fits`] tells where they can be used, and layers have a general way for everything else.
//!
//! | file | what |
//! |---|---|
//! | `instructions` | which instructions are used: the one place with `unsafe` |
//! | `exponential` | the exponential function |
//! | `blocks` | weights of 8 bits |
//! | `rows` | what is done row by row |
//! | `multiply`, `attention` | small matrix products, and attention made of them |

mod attention;
mod blocks;
mod exponential;
mod instructions;
mod multiply;
mod rows;

use burn::backend::flex::FlexTensor;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{DType, Device, Int, Tensor, TensorData, f16};

use attention::{Attention, Segment, attend};
pub(super) use blocks::{BLOCK, pack};
use blocks::{Blocks, product, unpack, unpack_rows};
use rows::{Rows, gated, rms_norm, rotate};

/// Rows of inputs up to which a product goes through the weights as they are; with more of them, unpacking all weights first
/// pays.
const MOST_ROWS: usize = 32;

/// Weights that are unpacked at a time.
const UNPACKED_AT_A_TIME: usize = 1 << 23;

/// Whether a tensor is one that the operations here are for: of 32 bits, on the CPU, and no part of what gradients are taken of.
pub(super) fn fits<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32 && is_cpu(&tensor.device())
}

/// Whether a device is the CPU, without gradients.
pub(super) fn is_cpu(device: &Device) -> bool {
    *device == Device::flex() && !device.is_autodiff()
}

/// [`CpuOps::block_product`].
pub(super) fn block_product_of(
    input: Tensor<2>,
    values: Tensor<2, Int>,
    scales: Tensor<2>,
) -> Tensor<2> {
    let (values, scales) = (values.into_dispatch(), scales.into_dispatch());
    Tensor::from_dispatch(Dispatch::block_product(
        input.into_dispatch(),
        values,
        scales,
    ))
}

/// [`CpuOps::block_rows`].
pub(super) fn block_rows_of(
    ids: Tensor<1, Int>,
    values: Tensor<2, Int>,
    scales: Tensor<2>,
) -> Tensor<2> {
    let (values, scales) = (values.into_dispatch(), scales.into_dispatch());
    Tensor::from_dispatch(Dispatch::block_rows(ids.into_dispatch(), values, scales))
}

/// [`CpuOps::rms_norm`].
pub(super) fn rms_norm_of<const D: usize>(
    input: Tensor<D>,
    weight: Tensor<1>,
    epsilon: f64,
) -> Tensor<D> {
    let (input, weight) = (input.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(Dispatch::rms_norm(input, weight, epsilon as f32))
}

/// [`CpuOps::gated`].
pub(super) fn gated_of<const D: usize>(both: Tensor<D>) -> Tensor<D> {
    Tensor::from_dispatch(Dispatch::gated(both.into_dispatch()))
}

/// [`CpuOps::rotate`].
pub(super) fn rotate_of(input: Tensor<4>, cos: Tensor<4>, sin: Tensor<4>) -> Tensor<4> {
    let (cos, sin) = (cos.into_dispatch(), sin.into_dispatch());
    Tensor::from_dispatch(Dispatch::rotate(input.into_dispatch(), cos, sin))
}

/// [`CpuOps::attend`]; keys and values of what is shared, and of each row.
pub(super) fn attend_of(
    queries: Tensor<4>,
    shared: Option<[Tensor<4>; 2]>,
    own: [Tensor<4>; 2],
    is_causal: bool,
) -> Tensor<3> {
    let queries = queries.into_dispatch();
    let [keys, values] = own.map(Tensor::into_dispatch);
    Tensor::from_dispatch(
        match shared.map(|shared| shared.map(Tensor::into_dispatch)) {
            Some([shared_keys, shared_values]) => Dispatch::attend_shared(
                queries,
                shared_keys,
                shared_values,
                keys,
                values,
                is_causal,
            ),
            None => Dispatch::attend(queries, keys, values, is_causal),
        },
    )
}

/// Operations that Burn's backends do not have. Numbers are of 32 bits.
#[backend_extension(Flex)]
pub(super) trait CpuOps: Backend {
    /// `input · weightsᵀ` with weights in blocks: `[rows, inputs]`, `[outputs, inputs]` of 8 bits and `[outputs, inputs / 32]`
    /// scales of 16 bits to `[rows, outputs]`.
    fn block_product(
        input: FloatTensor<Self>,
        values: IntTensor<Self>,
        scales: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Rows of a matrix in blocks by their numbers, `[ids]` to `[ids, inputs]`.
    fn block_rows(
        ids: IntTensor<Self>,
        values: IntTensor<Self>,
        scales: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Root mean square normalisation over the last dimension.
    fn rms_norm(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f32,
    ) -> FloatTensor<Self>;

    /// `silu(gate) · up` over the last dimension, which has the gate first.
    fn gated(both: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Turns `[batch, heads, positions, head]` by `[batch or 1, 1, positions, head / 2]`, halves paired.
    fn rotate(
        input: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Attention of `[batch, heads, positions, head]` over the keys of each row, `[batch, key heads, keys, head]`:
    /// `[batch, positions, heads · head]`.
    fn attend(
        queries: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        is_causal: bool,
    ) -> FloatTensor<Self>;

    /// As [`Self::attend`], over keys before them, too, that all rows share: `[1, key heads, any, head]`.
    fn attend_shared(
        queries: FloatTensor<Self>,
        shared_keys: FloatTensor<Self>,
        shared_values: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        is_causal: bool,
    ) -> FloatTensor<Self>;
}

impl CpuOps for Flex {
    fn block_product(input: FlexTensor, values: FlexTensor, scales: FlexTensor) -> FlexTensor {
        let (rows, inputs) = matrix(&input);
        let (outputs, _) = matrix(&values);
        if rows <= MOST_ROWS {
            let input = input.to_contiguous();
            let output = product(slice(&input), rows, blocks(&values, &scales));
            return tensor(output, &[rows, outputs]);
        }
        let at_a_time = (UNPACKED_AT_A_TIME / inputs.max(1)).max(1);
        let parts = (0..outputs).step_by(at_a_time).map(|start| {
            let count = at_a_time.min(outputs - start);
            let part = blocks(&values, &scales).part(start, count);
            let weights = tensor(unpack(part), &[count, inputs]);
            let layout = weights.layout().transpose(0, 1);
            Flex::float_matmul(input.clone(), weights.with_layout(layout))
        });
        let mut parts: Vec<FlexTensor> = parts.collect();
        match parts.len() {
            1 => parts.swap_remove(0),
            _ => Flex::float_cat(parts, 1),
        }
    }

    fn block_rows(ids: FlexTensor, values: FlexTensor, scales: FlexTensor) -> FlexTensor {
        let (_, inputs) = matrix(&values);
        let count = ids.layout().shape().iter().product();
        // Whole numbers may be of any width.
        let ids = ids.into_data().try_into_vec_as::<i64>().unwrap_or_default();
        let rows = ids
            .iter()
            .map(|id| usize::try_from(*id).unwrap_or(usize::MAX));
        let output = unpack_rows(blocks(&values, &scales), rows);
        tensor(output, &[count, inputs])
    }

    fn rms_norm(input: FlexTensor, weight: FlexTensor, epsilon: f32) -> FlexTensor {
        let (input, weight) = (input.to_contiguous(), weight.to_contiguous());
        let output = rms_norm(slice(&input), slice(&weight), epsilon);
        tensor(output, input.layout().shape())
    }

    fn gated(both: FlexTensor) -> FlexTensor {
        let both = both.to_contiguous();
        let mut shape = both.layout().shape().to_vec();
        let length = shape.last().map_or(0, |last| last / 2);
        let output = gated(slice(&both), length);
        if let Some(last) = shape.last_mut() {
            *last = length;
        }
        tensor(output, &shape)
    }

    fn rotate(input: FlexTensor, cos: FlexTensor, sin: FlexTensor) -> FlexTensor {
        let (input, cos, sin) = (in_rows(input), in_rows(cos), in_rows(sin));
        let output = rotate(rows(&input), rows(&cos), rows(&sin));
        tensor(output, input.layout().shape())
    }

    fn attend(
        queries: FlexTensor,
        keys: FlexTensor,
        values: FlexTensor,
        is_causal: bool,
    ) -> FlexTensor {
        let (queries, keys, values) = (in_rows(queries), in_rows(keys), in_rows(values));
        attention(Attention {
            queries: rows(&queries),
            shared: None,
            own: Segment {
                keys: rows(&keys),
                values: rows(&values),
            },
            is_causal,
        })
    }

    fn attend_shared(
        queries: FlexTensor,
        shared_keys: FlexTensor,
        shared_values: FlexTensor,
        keys: FlexTensor,
        values: FlexTensor,
        is_causal: bool,
    ) -> FlexTensor {
        let (queries, keys, values) = (in_rows(queries), in_rows(keys), in_rows(values));
        let (shared_keys, shared_values) = (in_rows(shared_keys), in_rows(shared_values));
        attention(Attention {
            queries: rows(&queries),
            shared: Some(Segment {
                keys: rows(&shared_keys),
                values: rows(&shared_values),
            }),
            own: Segment {
                keys: rows(&keys),
                values: rows(&values),
            },
            is_causal,
        })
    }
}

/// What queries see as a tensor.
fn attention(attention: Attention<'_>) -> FlexTensor {
    let [batch, heads, positions] = attention.queries.counts;
    let head = attention.queries.length;
    tensor(attend(attention), &[batch, positions, heads * head])
}

/// The numbers of a tensor that is in order in memory.
fn slice(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().unwrap_or_default()
}

fn tensor(numbers: Vec<f32>, shape: &[usize]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers, shape.to_vec()))
}

/// Rows and columns.
fn matrix(tensor: &FlexTensor) -> (usize, usize) {
    match tensor.layout().shape()[..] {
        [rows, columns] => (rows, columns),
        _ => (0, 0),
    }
}

fn blocks<'a>(values: &'a FlexTensor, scales: &'a FlexTensor) -> Blocks<'a> {
    Blocks {
        values: values.as_slice::<i8>().unwrap_or_default().as_chunks().0,
        scales: scales.as_slice::<f16>().unwrap_or_default(),
        in_row: matrix(scales).1,
    }
}

/// A tensor whose rows are each in order, and not turned round.
fn in_rows(tensor: FlexTensor) -> FlexTensor {
    let strides = tensor.layout().strides();
    match strides.last() == Some(&1) && strides.iter().all(|stride| *stride >= 0) {
        true => tensor,
        false => tensor.to_contiguous(),
    }
}

/// The rows of a tensor of four dimensions.
fn rows(tensor: &FlexTensor) -> Rows<'_> {
    let layout = tensor.layout();
    let stride = |place: usize| {
        let stride = layout.strides().get(place).copied();
        stride
            .and_then(|stride| usize::try_from(stride).ok())
            .unwrap_or(0)
    };
    let count = |place: usize| layout.shape().get(place).copied().unwrap_or(0);
    let numbers: &[f32] = tensor.storage();
    Rows {
        numbers: numbers.get(layout.start_offset()..).unwrap_or_default(),
        counts: [count(0), count(1), count(2)],
        strides: [stride(0), stride(1), stride(2)],
        length: count(3),
    }
}
