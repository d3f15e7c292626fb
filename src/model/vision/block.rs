use burn::tensor::Tensor;

use crate::model::layers::{
    AttentionPlan, FeedForward, GatedFeedForward, KeysAndValues, LayerNorm, Linear, RmsNorm,
    Rotation, attend,
};

/// Either kind of norm.
#[derive(Debug)]
pub(in crate::model) enum Norm {
    /// With mean and bias.
    Layer(Box<LayerNorm>),
    /// Without.
    RootMeanSquare(Box<RmsNorm>),
}

impl Norm {
    /// With mean and bias.
    pub fn layer(norm: LayerNorm) -> Self {
        Self::Layer(Box::new(norm))
    }

    /// Without.
    pub fn root_mean_square(norm: RmsNorm) -> Self {
        Self::RootMeanSquare(Box::new(norm))
    }

    /// Over the last dimension.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Layer(norm) => norm.forward(input),
            Self::RootMeanSquare(norm) => norm.forward(input),
        }
    }
}

/// Either kind of feed-forward part.
#[derive(Debug)]
pub(in crate::model) enum VisionFeedForward {
    /// Two layers.
    Plain(FeedForward),
    /// With a gate.
    Gated(GatedFeedForward),
}

/// Attention among patches, each with all of its segment.
#[derive(Debug)]
pub(in crate::model) struct VisionAttention {
    /// Queries, keys and values at once.
    pub queries_keys_values: Linear,
    /// Of the heads' outputs.
    pub output: Linear,
    /// Heads.
    pub heads: usize,
}

/// A layer of a vision tower.
#[derive(Debug)]
pub(in crate::model) struct VisionBlock {
    /// Before attention.
    pub attention_norm: Norm,
    /// Attention.
    pub attention: VisionAttention,
    /// Before the feed-forward part.
    pub feed_forward_norm: Norm,
    /// The feed-forward part.
    pub feed_forward: VisionFeedForward,
}

impl VisionBlock {
    /// `[patches, hidden]`; `segments` are the numbers of patches that see each other, in order.
    pub fn forward(
        &self,
        hidden: Tensor<2>,
        rotation: Option<&Rotation>,
        segments: &[usize],
    ) -> Tensor<2> {
        let seen = self.attention.forward(
            self.attention_norm.forward(hidden.clone()),
            rotation,
            segments,
        );
        let hidden = hidden + seen;
        let normed = self.feed_forward_norm.forward(hidden.clone());
        let changed = match &self.feed_forward {
            VisionFeedForward::Plain(layers) => layers.forward(normed),
            VisionFeedForward::Gated(layers) => layers.forward(normed),
        };
        hidden + changed
    }
}

impl VisionAttention {
    fn forward(
        &self,
        input: Tensor<2>,
        rotation: Option<&Rotation>,
        segments: &[usize],
    ) -> Tensor<2> {
        let [patches, hidden] = input.dims();
        let head = hidden / self.heads.max(1);
        let all = self.queries_keys_values.forward(input);
        // `[1, heads, patches, head]` each.
        let part = |place: usize| {
            let part = all.clone().narrow(1, place * hidden, hidden);
            let part = part.reshape([1, patches, self.heads, head]);
            part.swap_dims(1, 2)
        };
        let (mut queries, mut keys, values) = (part(0), part(1), part(2));
        if let Some(rotation) = rotation {
            queries = rotation.apply(queries);
            keys = rotation.apply(keys);
        }
        let mut outputs = Vec::new();
        let mut start = 0;
        // Neighbours of the same length are a batch.
        for run in segments.chunk_by(|a, b| a == b) {
            let (count, length) = (run.len(), run.first().copied().unwrap_or(0));
            let batch = |all: &Tensor<4>| {
                let part = all.clone().narrow(2, start, count * length);
                part.reshape([self.heads, count, length, head])
                    .swap_dims(0, 1)
            };
            let plan = AttentionPlan::full(self.heads * count, length, length);
            let segment = KeysAndValues {
                keys: batch(&keys),
                values: batch(&values),
            };
            let seen = attend(batch(&queries), &[segment], &plan);
            outputs.push(seen.reshape([count * length, hidden]));
            start += count * length;
        }
        self.output.forward(Tensor::cat(outputs, 0))
    }
}
