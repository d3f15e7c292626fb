use burn::tensor::{DType, Device, Int, Tensor};

use crate::model::kernels;

/// A matrix of `[outputs, inputs]` that inputs are multiplied with, or whose rows are looked up.
// There are a few hundred of them, mostly of the larger kind: a box would save nothing.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone)]
pub(in crate::model) enum Weight {
    /// In the numbers that the model computes with.
    Whole(Tensor<2>),
    /// In blocks of 8 bits; the model computes in 32, on the CPU.
    Blocks(Box<WeightBlocks>),
}

/// A matrix in blocks of 32 weights that share a scale.
#[derive(Debug, Clone)]
pub(in crate::model) struct WeightBlocks {
    /// Whole numbers of 8 bits, `[outputs, inputs]`.
    pub values: Tensor<2, Int>,
    /// What they are multiplied with, of 16 bits: `[outputs, inputs / 32]`.
    pub scales: Tensor<2>,
}

impl Weight {
    /// Outputs and inputs.
    pub fn dims(&self) -> [usize; 2] {
        match self {
            Self::Whole(weight) => weight.dims(),
            Self::Blocks(blocks) => blocks.values.dims(),
        }
    }

    /// Where it is.
    pub fn device(&self) -> Device {
        match self {
            Self::Whole(weight) => weight.device(),
            Self::Blocks(blocks) => blocks.values.device(),
        }
    }

    /// The type that it is computed with.
    pub fn dtype(&self) -> DType {
        match self {
            Self::Whole(weight) => weight.dtype(),
            Self::Blocks(_) => DType::F32,
        }
    }

    /// `input · weightᵀ`: `[rows, inputs]` to `[rows, outputs]`.
    pub fn product(&self, input: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Whole(weight) => input.matmul(weight.clone().transpose()),
            Self::Blocks(blocks) => {
                kernels::block_product_of(input, blocks.values.clone(), blocks.scales.clone())
            }
        }
    }

    /// The rows of these numbers, `[rows, inputs]`.
    pub fn rows(&self, ids: Tensor<1, Int>) -> Tensor<2> {
        match self {
            Self::Whole(weight) => weight.clone().select(0, ids),
            Self::Blocks(blocks) => {
                kernels::block_rows_of(ids, blocks.values.clone(), blocks.scales.clone())
            }
        }
    }
}
