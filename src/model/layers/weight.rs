use burn::tensor::{DType, Device, Int, Tensor};

use crate::model::kernels;

/// A matrix of `[outputs, inputs]` that inputs are multiplied with, or whose rows are looked up.
#[derive(Debug, Clone)]
pub(in crate::model) enum Weight {
    /// In the numbers that the model computes with.
    Whole(Tensor<2>),
    /// In blocks of 8 bits; the model computes in 32, on the CPU.
    Blocks {
        /// Whole numbers of 8 bits, `[outputs, inputs]`.
        values: Tensor<2, Int>,
        /// What they are multiplied with, of 16 bits: `[outputs, inputs / 32]`.
        scales: Tensor<2>,
    },
}

impl Weight {
    /// Outputs and inputs.
    pub fn dims(&self) -> [usize; 2] {
        match self {
            Self::Whole(weight) => weight.dims(),
            Self::Blocks { values, .. } => values.dims(),
        }
    }

    /// Where it is.
    pub fn device(&self) -> Device {
        match self {
            Self::Whole(weight) => weight.device(),
            Self::Blocks { values, .. } => values.device(),
        }
    }

    /// The type that it is computed with.
    pub fn dtype(&self) -> DType {
        match self {
            Self::Whole(weight) => weight.dtype(),
            Self::Blocks { .. } => DType::F32,
        }
    }

    /// `input · weightᵀ`: `[rows, inputs]` to `[rows, outputs]`.
    pub fn product(&self, input: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Whole(weight) => input.matmul(weight.clone().transpose()),
            Self::Blocks { values, scales } => {
                kernels::block_product_of(input, values.clone(), scales.clone())
            }
        }
    }

    /// The rows of these numbers, `[rows, inputs]`.
    pub fn rows(&self, ids: Tensor<1, Int>) -> Tensor<2> {
        match self {
            Self::Whole(weight) => weight.clone().select(0, ids),
            Self::Blocks { values, scales } => {
                kernels::block_rows_of(ids, values.clone(), scales.clone())
            }
        }
    }
}
