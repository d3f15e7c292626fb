use burn::tensor::Tensor;

use crate::jobs::Progress;
use crate::model::ModelError;
use crate::model::config::Section;
use crate::model::layers::{Activation, FeedForward, Linear, Rotary};
use crate::model::vision::{
    Norm, PatchMerger, PictureEmbedding, Pixels, VisionAttention, VisionBlock, VisionFeedForward,
    VisionTower, patch_tokens, patches,
};
use crate::model::weights::Loader;

/// The numbers of the vision part.
#[derive(Debug, Clone)]
pub(super) struct VisionConfig {
    width: usize,
    intermediate: usize,
    depth: usize,
    heads: usize,
    channels: usize,
    patch: usize,
    frames: usize,
    /// Patches of a side of the square that becomes one token.
    pub merge: usize,
    hidden: usize,
    theta: f64,
    activation: Activation,
}

impl VisionConfig {
    /// Reads `vision_config`, for a language model of the width `hidden`.
    pub fn read(whole: &Section<'_>, hidden: usize) -> Result<Self, ModelError> {
        let vision = whole.demanded("vision_config")?;
        let width = vision.count_or("embed_dim", 1280)?;
        let heads = vision.count_or("num_heads", 16)?;
        let head = vision.divides("embed_dim", width, heads)?;
        vision.divides("embed_dim", head, 4)?;
        let ratio = vision.number_or("mlp_ratio", 4.0)?;
        Ok(Self {
            width,
            intermediate: (width as f64 * ratio) as usize,
            depth: vision.count_or("depth", 32)?,
            heads,
            channels: vision.count_or("in_channels", 3)?,
            patch: vision.count_or("patch_size", 14)?,
            frames: vision.count_or("temporal_patch_size", 2)?,
            merge: vision.count_or("spatial_merge_size", 2)?,
            hidden,
            theta: rotary_theta(&vision)?,
            activation: Activation::read(&vision, Activation::QuickGelu)?,
        })
    }
}

/// The base of the frequencies of patches.
pub(in crate::model) fn rotary_theta(vision: &Section<'_>) -> Result<f64, ModelError> {
    match vision.inside("rope_parameters") {
        Some(rotary) => rotary.number_or("rope_theta", 10_000.0),
        None => Ok(10_000.0),
    }
}

/// A vision transformer over patches of any grid.
#[derive(Debug)]
pub(super) struct Tower {
    config: VisionConfig,
    patches: Linear,
    rotary: Rotary,
    blocks: Vec<VisionBlock>,
    merger: PatchMerger,
}

impl Tower {
    /// Loads a tower whose tensors begin with `prefix`.
    pub fn load(loader: &mut Loader<'_>, prefix: &str, config: &VisionConfig) -> Self {
        let width = config.width;
        let square = width * config.merge * config.merge;
        let block = |loader: &mut Loader<'_>, place: usize| {
            let name = |part: &str| format!("{prefix}blocks.{place}.{part}");
            VisionBlock {
                attention_norm: Norm::layer(loader.layer_norm(&name("norm1"), width, 1e-6)),
                feed_forward_norm: Norm::layer(loader.layer_norm(&name("norm2"), width, 1e-6)),
                attention: VisionAttention {
                    queries_keys_values: loader.linear(&name("attn.qkv"), width, 3 * width, true),
                    output: loader.linear(&name("attn.proj"), width, width, true),
                    heads: config.heads,
                },
                feed_forward: VisionFeedForward::Plain(FeedForward {
                    up: loader.linear(&name("mlp.fc1"), width, config.intermediate, true),
                    activation: config.activation,
                    down: loader.linear(&name("mlp.fc2"), config.intermediate, width, true),
                }),
            }
        };
        let name = |part: &str| format!("{prefix}{part}");
        Self {
            patches: loader.patch_projection(
                &name("patch_embed.proj"),
                &[config.channels, config.frames, config.patch, config.patch],
                width,
                false,
            ),
            rotary: Rotary::of_grid(config.theta, width / config.heads),
            blocks: (0..config.depth)
                .map(|place| block(loader, place))
                .collect(),
            merger: PatchMerger {
                norm: Norm::layer(loader.layer_norm(&name("merger.ln_q"), width, 1e-6)),
                is_norm_of_square: false,
                patches: config.merge * config.merge,
                layers: FeedForward {
                    up: loader.linear(&name("merger.mlp.0"), square, square, true),
                    activation: Activation::Gelu,
                    down: loader.linear(&name("merger.mlp.2"), square, config.hidden, true),
                },
            },
            config: config.clone(),
        }
    }
}

impl VisionTower for Tower {
    fn tokens(&self, pixels: &Pixels) -> Result<usize, ModelError> {
        patch_tokens(pixels, &self.patches.weight, self.config.merge)
    }

    fn encode(&self, pixels: &Pixels, progress: &Progress) -> Result<PictureEmbedding, ModelError> {
        let weight = &self.patches.weight;
        let (rows, order) = patches(pixels, weight, self.config.merge)?;
        let rotation = self
            .rotary
            .rotation(&[order.positions()], &weight.device(), weight.dtype());
        let segments = vec![order.rows * order.columns; order.frames];
        let mut hidden: Tensor<2> = self.patches.forward(rows);
        for block in &self.blocks {
            progress.check()?;
            hidden = block.forward(hidden, Some(&rotation), &segments);
        }
        Ok(PictureEmbedding {
            tokens: self.merger.forward(hidden),
            additions: Vec::new(),
        })
    }
}
