use burn::tensor::Tensor;

use super::Norm;
use crate::model::layers::FeedForward;

/// Makes one token of each square of patches (Qwen).
#[derive(Debug)]
pub(in crate::model) struct PatchMerger {
    /// Of each patch, or of the whole square.
    pub norm: Norm,
    /// Whether the norm is over the whole square.
    pub is_norm_of_square: bool,
    /// Patches in a square.
    pub patches: usize,
    /// From a square to a token.
    pub layers: FeedForward,
}

impl PatchMerger {
    /// `[patches, width]` to `[tokens, hidden]`.
    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        let [patches, width] = input.dims();
        let squares = [patches / self.patches.max(1), width * self.patches];
        let input = match self.is_norm_of_square {
            true => self.norm.forward(input.reshape(squares)),
            false => self.norm.forward(input).reshape(squares),
        };
        self.layers.forward(input)
    }
}
