use burn::tensor::{DType, Tensor, module};

use crate::model::kernels;

/// Root mean square normalisation (Zhang and Sennrich 2019).
#[derive(Debug, Clone)]
pub(in crate::model) struct RmsNorm {
    /// `[length]`.
    pub weight: Tensor<1>,
    /// What is added to the mean square.
    pub epsilon: f64,
}

impl RmsNorm {
    /// Over the last dimension, in 32 bits whatever the input's type.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        if kernels::fits(&input) && kernels::fits(&self.weight) {
            return kernels::rms_norm_of(input, self.weight.clone(), self.epsilon);
        }
        let kind = input.dtype();
        let input = single(input);
        let mean_square = input.clone().square().mean_dim(D - 1);
        let scaled = input / mean_square.add_scalar(self.epsilon).sqrt();
        scaled.cast(kind) * self.weight.clone().unsqueeze()
    }
}

/// Layer normalisation.
#[derive(Debug, Clone)]
pub(in crate::model) struct LayerNorm {
    /// `[length]`.
    pub weight: Tensor<1>,
    /// `[length]`.
    pub bias: Tensor<1>,
    /// What is added to the variance.
    pub epsilon: f64,
}

impl LayerNorm {
    /// Over the last dimension, in 32 bits whatever the input's type.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        let kind = input.dtype();
        let (weight, bias) = (single(self.weight.clone()), single(self.bias.clone()));
        module::layer_norm(single(input), weight, Some(bias), self.epsilon).cast(kind)
    }
}

/// In 32 bits.
pub(super) fn single<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    match tensor.dtype() {
        DType::F32 => tensor,
        _ => tensor.cast(DType::F32),
    }
}
