use burn::tensor::{Int, Tensor, TensorData};

use crate::jobs::Progress;
use crate::model::ModelError;
use crate::model::config::Section;
use crate::model::decoder_config::DecoderConfig;
use crate::model::layers::{Activation, FeedForward, Linear, Rotary};
use crate::model::qwen2_vl::tower::rotary_theta;
use crate::model::vision::{
    Norm, PatchMerger, PatchOrder, PictureEmbedding, Pixels, VisionAttention, VisionBlock,
    VisionFeedForward, VisionTower, interpolation, patch_tokens, patches,
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
    /// A side of the square table of position embeddings.
    side: usize,
    /// The layers whose output goes to the language model's first layers.
    deep_layers: Vec<usize>,
    hidden: usize,
    theta: f64,
    activation: Activation,
}

impl VisionConfig {
    /// Reads `vision_config`.
    pub fn read(whole: &Section<'_>, decoder: &DecoderConfig) -> Result<Self, ModelError> {
        let vision = whole.demanded("vision_config")?;
        let width = vision.count_or("hidden_size", 1152)?;
        let heads = vision.count_or("num_heads", 16)?;
        let head = vision.divides("hidden_size", width, heads)?;
        vision.divides("hidden_size", head, 4)?;
        let out = vision.count_or("out_hidden_size", decoder.hidden)?;
        if out != decoder.hidden {
            let problem = format!("is {out}, and the language model has {}", decoder.hidden);
            return Err(vision.error("out_hidden_size", problem));
        }
        let table = vision.count_or("num_position_embeddings", 2304)?;
        let side = table.isqrt();
        if side * side != table {
            let problem = format!("is {table}, which is no square");
            return Err(vision.error("num_position_embeddings", problem));
        }
        let depth = vision.count_or("depth", 27)?;
        let deep_layers = vision.counts("deepstack_visual_indexes")?;
        let deep_layers = deep_layers.unwrap_or_else(|| vec![8, 16, 24]);
        let in_order = deep_layers.is_sorted_by(|a, b| a < b);
        if !in_order
            || deep_layers.len() > decoder.layers
            || deep_layers.iter().any(|l| *l >= depth)
        {
            let problem = format!("is no rising list of layers below {depth}");
            return Err(vision.error("deepstack_visual_indexes", problem));
        }
        Ok(Self {
            width,
            intermediate: vision.count_or("intermediate_size", 4304)?,
            depth,
            heads,
            channels: vision.count_or("in_channels", 3)?,
            patch: vision.count_or("patch_size", 16)?,
            frames: vision.count_or("temporal_patch_size", 2)?,
            merge: vision.count_or("spatial_merge_size", 2)?,
            side,
            deep_layers,
            hidden: decoder.hidden,
            theta: rotary_theta(&vision)?,
            activation: Activation::read(&vision, Activation::GeluTanh)?,
        })
    }
}

/// A vision transformer with learned positions besides rotary ones.
#[derive(Debug)]
pub(super) struct Tower {
    config: VisionConfig,
    patches: Linear,
    /// `[side², width]`.
    positions: Tensor<2>,
    rotary: Rotary,
    blocks: Vec<VisionBlock>,
    merger: PatchMerger,
    /// One for each deep layer.
    deep_mergers: Vec<PatchMerger>,
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
                    up: loader.linear(&name("mlp.linear_fc1"), width, config.intermediate, true),
                    activation: config.activation,
                    down: loader.linear(&name("mlp.linear_fc2"), config.intermediate, width, true),
                }),
            }
        };
        let merger = |loader: &mut Loader<'_>, part: &str, is_norm_of_square: bool| {
            let name = |tensor: &str| format!("{prefix}{part}.{tensor}");
            let length = if is_norm_of_square { square } else { width };
            PatchMerger {
                norm: Norm::layer(loader.layer_norm(&name("norm"), length, 1e-6)),
                is_norm_of_square,
                patches: config.merge * config.merge,
                layers: FeedForward {
                    up: loader.linear(&name("linear_fc1"), square, square, true),
                    activation: Activation::Gelu,
                    down: loader.linear(&name("linear_fc2"), square, config.hidden, true),
                },
            }
        };
        Self {
            patches: loader.patch_projection(
                &format!("{prefix}patch_embed.proj"),
                &[config.channels, config.frames, config.patch, config.patch],
                width,
                true,
            ),
            positions: loader.matrix(
                &format!("{prefix}pos_embed.weight"),
                [config.side * config.side, width],
            ),
            rotary: Rotary::of_grid(config.theta, width / config.heads),
            blocks: (0..config.depth)
                .map(|place| block(loader, place))
                .collect(),
            merger: merger(loader, "merger", false),
            deep_mergers: (0..config.deep_layers.len())
                .map(|place| merger(loader, &format!("deepstack_merger_list.{place}"), true))
                .collect(),
            config: config.clone(),
        }
    }

    /// The learned position of each patch, between those of the table: `[patches, width]`.
    fn learned_positions(&self, order: PatchOrder) -> Tensor<2> {
        let device = self.positions.device();
        let (entries, shares) = interpolation(order, self.config.side);
        let count = entries.len() / 4;
        let entries: Vec<i64> = entries.into_iter().map(|entry| entry as i64).collect();
        let entries = Tensor::<1, Int>::from_data(entries.as_slice(), &device);
        let shares = TensorData::new(shares, [count, 4, 1]);
        let shares = Tensor::<3>::from_data(shares, (&device, self.positions.dtype()));
        let corners = self.positions.clone().select(0, entries);
        (corners.reshape([count, 4, self.config.width]) * shares)
            .sum_dim(1)
            .squeeze_dim(1)
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
        let mut hidden = self.patches.forward(rows) + self.learned_positions(order);
        let mut mergers = self.deep_mergers.iter();
        let mut additions = Vec::new();
        for (place, block) in self.blocks.iter().enumerate() {
            progress.check()?;
            hidden = block.forward(hidden, Some(&rotation), &segments);
            if self.config.deep_layers.contains(&place)
                && let Some(merger) = mergers.next()
            {
                additions.push(merger.forward(hidden.clone()));
            }
        }
        Ok(PictureEmbedding {
            tokens: self.merger.forward(hidden),
            additions,
        })
    }
}
