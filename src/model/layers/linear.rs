use burn::tensor::Tensor;

use super::Weight;

/// `x · weightᵀ + bias`.
#[derive(Debug, Clone)]
pub(in crate::model) struct Linear {
    /// `[outputs, inputs]`, as files have it.
    pub weight: Weight,
    /// `[outputs]`.
    pub bias: Option<Tensor<1>>,
}

impl Linear {
    /// `[…, inputs]` to `[…, outputs]`.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        let mut shape = input.dims();
        let inputs = shape.last().copied().unwrap_or(1);
        let rows = shape.iter().product::<usize>() / inputs.max(1);
        // One matrix product for all rows of all batches.
        let mut output = self.weight.product(input.reshape([rows, inputs]));
        if let Some(bias) = &self.bias {
            output = output + bias.clone().unsqueeze();
        }
        if let Some(last) = shape.last_mut() {
            *last = self.weight.dims()[0];
        }
        output.reshape(shape)
    }
}
