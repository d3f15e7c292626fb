use burn::tensor::Tensor;

use super::{Activation, Linear};
use crate::model::kernels;

/// Two layers with a function between them.
#[derive(Debug, Clone)]
pub(in crate::model) struct FeedForward {
    /// `[inputs]` to `[intermediate]`.
    pub up: Linear,
    /// The function between.
    pub activation: Activation,
    /// `[intermediate]` to `[outputs]`.
    pub down: Linear,
}

impl FeedForward {
    /// `[…, inputs]` to `[…, outputs]`.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        self.down
            .forward(self.activation.forward(self.up.forward(input)))
    }
}

/// A feed-forward part whose middle is multiplied by a gate (SwiGLU).
#[derive(Debug, Clone)]
pub(in crate::model) struct GatedFeedForward {
    /// Gate and middle at once: `[inputs]` to `[2 × intermediate]`, the gate first.
    pub gate_up: Linear,
    /// The function of the gate.
    pub activation: Activation,
    /// `[intermediate]` to `[outputs]`.
    pub down: Linear,
}

impl GatedFeedForward {
    /// `[…, inputs]` to `[…, outputs]`.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        let both = self.gate_up.forward(input);
        if self.activation == Activation::Silu && kernels::fits(&both) {
            return self.down.forward(kernels::gated_of(both));
        }
        let intermediate = both.dims()[D - 1] / 2;
        let gate = both.clone().narrow(D - 1, 0, intermediate);
        let up = both.narrow(D - 1, intermediate, intermediate);
        self.down.forward(self.activation.forward(gate) * up)
    }
}
