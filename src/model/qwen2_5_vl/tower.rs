use burn::tensor::{Int, Tensor};

use crate::jobs::Progress;
use crate::model::ModelError;
use crate::model::config::Section;
use crate::model::layers::{Activation, FeedForward, GatedFeedForward, Linear, Position, Rotary};
use crate::model::qwen2_vl::tower::rotary_theta;
use crate::model::vision::{
    Norm, PatchMerger, PictureEmbedding, Pixels, VisionAttention, VisionBlock, VisionFeedForward,
    VisionTower, patch_tokens, patches, windows,
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
    /// Squares of a side of a window.
    window: usize,
    /// The layers that see the whole picture.
    whole_layers: Vec<usize>,
    hidden: usize,
    theta: f64,
    activation: Activation,
}

impl VisionConfig {
    /// Reads `vision_config`, for a language model of the width `hidden`.
    pub fn read(whole: &Section<'_>, hidden: usize) -> Result<Self, ModelError> {
        let vision = whole.demanded("vision_config")?;
        let width = vision.count_or("hidden_size", 3584)?;
        let heads = vision.count_or("num_heads", 16)?;
        let head = vision.divides("hidden_size", width, heads)?;
        vision.divides("hidden_size", head, 4)?;
        let patch = vision.count_or("patch_size", 14)?;
        let merge = vision.count_or("spatial_merge_size", 2)?;
        let out = vision.count_or("out_hidden_size", hidden)?;
        if out != hidden {
            let problem = format!("is {out}, and the language model has {hidden}");
            return Err(vision.error("out_hidden_size", problem));
        }
        let window = vision.count_or("window_size", 112)? / merge / patch;
        if window == 0 {
            return Err(vision.error("window_size", "is less than a square of patches"));
        }
        let whole_layers = vision.counts("fullatt_block_indexes")?;
        Ok(Self {
            width,
            intermediate: vision.count_or("intermediate_size", 3420)?,
            depth: vision.count_or("depth", 32)?,
            heads,
            channels: vision.count_or("in_channels", 3)?,
            patch,
            frames: vision.count_or("temporal_patch_size", 2)?,
            merge,
            window,
            whole_layers: whole_layers.unwrap_or_else(|| vec![7, 15, 23, 31]),
            hidden,
            theta: rotary_theta(&vision)?,
            activation: Activation::read(&vision, Activation::Silu)?,
        })
    }
}

/// A vision transformer over patches of any grid, window by window.
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
            let norm = |loader: &mut Loader<'_>, part: &str| {
                Norm::root_mean_square(loader.rms_norm(&name(part), width, 1e-6))
            };
            let gate_up = [
                (name("mlp.gate_proj"), config.intermediate),
                (name("mlp.up_proj"), config.intermediate),
            ];
            VisionBlock {
                attention_norm: norm(loader, "norm1"),
                feed_forward_norm: norm(loader, "norm2"),
                attention: VisionAttention {
                    queries_keys_values: loader.linear(&name("attn.qkv"), width, 3 * width, true),
                    output: loader.linear(&name("attn.proj"), width, width, true),
                    heads: config.heads,
                },
                feed_forward: VisionFeedForward::Gated(GatedFeedForward {
                    gate_up: loader.fused_linear(&gate_up, width, true),
                    activation: config.activation,
                    down: loader.linear(&name("mlp.down_proj"), config.intermediate, width, true),
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
                norm: Norm::root_mean_square(loader.rms_norm(&name("merger.ln_q"), width, 1e-6)),
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
        let device = weight.device();
        let merge = self.config.merge;
        let (rows, order) = patches(pixels, weight, merge)?;
        let (squares, counts) = windows(order, self.config.window);
        let unit = merge * merge;
        // Window after window: then each window is a stretch of patches.
        let sorted: Vec<usize> = squares
            .iter()
            .flat_map(|square| (0..unit).map(move |inner| square * unit + inner))
            .collect();
        let positions = order.positions();
        let positions: Vec<Position> = sorted
            .iter()
            .map(|patch| positions.get(*patch).copied().unwrap_or_default())
            .collect();
        let rotation = self.rotary.rotation(&[positions], &device, weight.dtype());
        let indices = |places: &[usize]| {
            let places: Vec<i64> = places.iter().map(|p| *p as i64).collect();
            Tensor::<1, Int>::from_data(places.as_slice(), &device)
        };
        let whole = vec![order.rows * order.columns; order.frames];
        let windows: Vec<usize> = counts.iter().map(|count| count * unit).collect();
        let mut hidden = self.patches.forward(rows).select(0, indices(&sorted));
        for (place, block) in self.blocks.iter().enumerate() {
            progress.check()?;
            let segments = match self.config.whole_layers.contains(&place) {
                true => &whole,
                false => &windows,
            };
            hidden = block.forward(hidden, Some(&rotation), segments);
        }
        let mut back = vec![0; squares.len()];
        for (place, square) in squares.iter().enumerate() {
            if let Some(slot) = back.get_mut(*square) {
                *slot = place;
            }
        }
        Ok(PictureEmbedding {
            tokens: self.merger.forward(hidden).select(0, indices(&back)),
            additions: Vec::new(),
        })
    }
}
