use super::{FeedForwardNames, VisionConfig};
use crate::jobs::Progress;
use crate::model::ModelError;
use crate::model::layers::{Activation, FeedForward, GatedFeedForward, Linear, Rotary};
use crate::model::qwen2_5_vl::Windows;
use crate::model::qwen3_vl::Deep;
use crate::model::vision::{
    Norm, PatchMerger, PictureEmbedding, Pixels, VisionAttention, VisionBlock, VisionFeedForward,
    VisionTower, patch_tokens, patches,
};
use crate::model::weights::Loader;

/// A vision transformer over patches of any grid.
#[derive(Debug)]
pub(super) struct Tower {
    config: VisionConfig,
    patches: Linear,
    rotary: Rotary,
    blocks: Vec<VisionBlock>,
    merger: PatchMerger,
    deep: Option<Deep>,
}

impl Tower {
    /// Loads a tower whose tensors begin with `prefix`.
    pub fn load(loader: &mut Loader<'_>, prefix: &str, config: &VisionConfig) -> Self {
        Self {
            patches: loader.patch_projection(
                &format!("{prefix}patch_embed.proj"),
                &[config.channels, config.frames, config.patch, config.patch],
                config.width,
                config.family.has_patch_bias,
            ),
            rotary: Rotary::of_grid(config.theta, config.width / config.heads),
            blocks: (0..config.depth)
                .map(|place| block(loader, &format!("{prefix}blocks.{place}."), config))
                .collect(),
            merger: merger(loader, &format!("{prefix}merger."), config, false),
            deep: config
                .deep
                .as_ref()
                .map(|deep| Deep::load(loader, prefix, config, deep)),
            config: config.clone(),
        }
    }
}

/// The norm `name` over so many numbers.
fn norm(loader: &mut Loader<'_>, name: &str, length: usize, config: &VisionConfig) -> Norm {
    match config.family.has_plain_norms {
        true => Norm::root_mean_square(loader.rms_norm(name, length, 1e-6)),
        false => Norm::layer(loader.layer_norm(name, length, 1e-6)),
    }
}

fn block(loader: &mut Loader<'_>, prefix: &str, config: &VisionConfig) -> VisionBlock {
    let (width, intermediate) = (config.width, config.intermediate);
    let name = |part: &str| format!("{prefix}{part}");
    VisionBlock {
        attention_norm: norm(loader, &name("norm1"), width, config),
        feed_forward_norm: norm(loader, &name("norm2"), width, config),
        attention: VisionAttention {
            queries_keys_values: loader.linear(&name("attn.qkv"), width, 3 * width, true),
            output: loader.linear(&name("attn.proj"), width, width, true),
            heads: config.heads,
        },
        feed_forward: match config.family.feed_forward {
            FeedForwardNames::Plain(up, down) => VisionFeedForward::Plain(FeedForward {
                up: loader.linear(&name(up), width, intermediate, true),
                activation: config.activation,
                down: loader.linear(&name(down), intermediate, width, true),
            }),
            FeedForwardNames::Gated => {
                let gate_up = ["mlp.gate_proj", "mlp.up_proj"].map(|n| (name(n), intermediate));
                VisionFeedForward::Gated(GatedFeedForward {
                    gate_up: loader.fused_linear(&gate_up, width, true),
                    activation: config.activation,
                    down: loader.linear(&name("mlp.down_proj"), intermediate, width, true),
                })
            }
        },
    }
}

/// What makes tokens of squares of patches, by tensors that begin with `prefix`.
pub(in crate::model) fn merger(
    loader: &mut Loader<'_>,
    prefix: &str,
    config: &VisionConfig,
    is_norm_of_square: bool,
) -> PatchMerger {
    let square = config.width * config.merge * config.merge;
    let length = if is_norm_of_square {
        square
    } else {
        config.width
    };
    let [own_norm, up, down] = config.family.merger.map(|part| format!("{prefix}{part}"));
    PatchMerger {
        norm: norm(loader, &own_norm, length, config),
        is_norm_of_square,
        patches: config.merge * config.merge,
        layers: FeedForward {
            up: loader.linear(&up, square, square, true),
            activation: Activation::Gelu,
            down: loader.linear(&down, square, config.hidden, true),
        },
    }
}

impl VisionTower for Tower {
    fn tokens(&self, pixels: &Pixels) -> Result<usize, ModelError> {
        patch_tokens(pixels, &self.patches.weight, self.config.merge)
    }

    fn encode(&self, pixels: &Pixels, progress: &Progress) -> Result<PictureEmbedding, ModelError> {
        let weight = &self.patches.weight;
        let (rows, order) = patches(pixels, weight, self.config.merge)?;
        let mut hidden = self.patches.forward(rows);
        let mut positions = order.positions();
        if let Some(deep) = &self.deep {
            hidden = hidden + deep.positions(order);
        }
        let windows = self.config.windows.as_ref();
        let windows = windows.map(|config| Windows::new(config, order));
        if let Some(windows) = &windows {
            positions = windows.sorted(&positions);
            hidden = windows.sort(hidden);
        }
        let rotation = self
            .rotary
            .rotation(&[positions], &weight.device(), weight.dtype());
        let whole = vec![order.rows * order.columns; order.frames];
        let mut additions = Vec::new();
        for (place, block) in self.blocks.iter().enumerate() {
            progress.check()?;
            let seen = windows.as_ref().and_then(|windows| windows.seen_by(place));
            hidden = block.forward(hidden, Some(&rotation), seen.unwrap_or(&whole));
            if let Some(merger) = self.deep.as_ref().and_then(|deep| deep.merger(place)) {
                additions.push(merger.forward(hidden.clone()));
            }
        }
        let tokens = self.merger.forward(hidden);
        Ok(PictureEmbedding {
            tokens: match &windows {
                Some(windows) => windows.unsort(tokens),
                None => tokens,
            },
            additions,
        })
    }
}
