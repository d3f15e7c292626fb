use burn::tensor::{Int, Tensor, TensorData};

use super::{
    Norm, PictureEmbedding, Pixels, VisionAttention, VisionBlock, VisionFeedForward, VisionTower,
};
use crate::jobs::Progress;
use crate::model::ModelError;
use crate::model::config::Section;
use crate::model::layers::{Activation, FeedForward, Linear};
use crate::model::weights::Loader;

/// The numbers of the vision part of Idefics3 and SmolVLM.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::model) struct IdeficsVisionConfig {
    hidden: usize,
    intermediate: usize,
    layers: usize,
    heads: usize,
    channels: usize,
    patch: usize,
    /// Patches of a side of the table of position embeddings.
    side: usize,
    /// Patches of a side of the square that becomes one token.
    scale: usize,
    epsilon: f64,
    activation: Activation,
}

impl IdeficsVisionConfig {
    /// Reads `vision_config` and `scale_factor`.
    pub fn read(whole: &Section<'_>) -> Result<Self, ModelError> {
        let vision = whole.demanded("vision_config")?;
        let hidden = vision.count_or("hidden_size", 1152)?;
        let heads = vision.count_or("num_attention_heads", 16)?;
        vision.divides("hidden_size", hidden, heads)?;
        let patch = vision.count_or("patch_size", 32)?;
        let image = vision.count_or("image_size", 224)?;
        let scale = whole.count_or("scale_factor", 2)?;
        let side = image / patch;
        if side == 0 {
            return Err(vision.error("image_size", format!("is {image}, less than a patch")));
        }
        Ok(Self {
            hidden,
            intermediate: vision.count_or("intermediate_size", 3072)?,
            layers: vision.count_or("num_hidden_layers", 12)?,
            heads,
            channels: vision.count_or("num_channels", 3)?,
            patch,
            side,
            scale,
            epsilon: vision.number_or("layer_norm_eps", 1e-6)?,
            activation: Activation::read(&vision, Activation::GeluTanh)?,
        })
    }
}

/// SigLIP, pixel shuffle and a projection: the part of Idefics3 and SmolVLM that sees.
///
/// Source: `modeling_idefics3.py` and `modeling_smolvlm.py` of `transformers`.
#[derive(Debug)]
pub(in crate::model) struct IdeficsTower {
    config: IdeficsVisionConfig,
    patches: Linear,
    positions: Tensor<2>,
    blocks: Vec<VisionBlock>,
    norm: Norm,
    projection: Linear,
}

impl IdeficsTower {
    /// Loads `model.vision_model` and `model.connector` for a language model of the width `hidden`.
    pub fn load(loader: &mut Loader<'_>, config: &IdeficsVisionConfig, hidden: usize) -> Self {
        const PREFIX: &str = "model.vision_model.";
        let name = |name: &str| format!("{PREFIX}{name}");
        let block = |loader: &mut Loader<'_>, place: usize| {
            let name = |part: &str| name(&format!("encoder.layers.{place}.{part}"));
            let width = config.hidden;
            let projections = ["q_proj", "k_proj", "v_proj"]
                .map(|part| (name(&format!("self_attn.{part}")), width));
            let norm = |loader: &mut Loader<'_>, part: &str| {
                Norm::layer(loader.layer_norm(&name(part), width, config.epsilon))
            };
            VisionBlock {
                attention_norm: norm(loader, "layer_norm1"),
                feed_forward_norm: norm(loader, "layer_norm2"),
                attention: VisionAttention {
                    queries_keys_values: loader.fused_linear(&projections, width, true),
                    output: loader.linear(&name("self_attn.out_proj"), width, width, true),
                    heads: config.heads,
                },
                feed_forward: VisionFeedForward::Plain(FeedForward {
                    up: loader.linear(&name("mlp.fc1"), width, config.intermediate, true),
                    activation: config.activation,
                    down: loader.linear(&name("mlp.fc2"), config.intermediate, width, true),
                }),
            }
        };
        Self {
            patches: loader.patch_projection(
                &name("embeddings.patch_embedding"),
                &[config.channels, config.patch, config.patch],
                config.hidden,
                true,
            ),
            positions: loader.matrix(
                &name("embeddings.position_embedding.weight"),
                [config.side * config.side, config.hidden],
            ),
            blocks: (0..config.layers)
                .map(|place| block(loader, place))
                .collect(),
            norm: Norm::layer(loader.layer_norm(
                &name("post_layernorm"),
                config.hidden,
                config.epsilon,
            )),
            projection: loader.linear(
                "model.connector.modality_projection.proj",
                config.hidden * config.scale * config.scale,
                hidden,
                false,
            ),
            config: config.clone(),
        }
    }

    /// `[tiles × side², width]` to `[tiles × (side / scale)², width × scale²]`, as `pixel_shuffle` does it.
    fn shuffle(&self, input: Tensor<2>, tiles: usize, side: usize) -> Tensor<2> {
        let (width, scale) = (self.config.hidden, self.config.scale);
        let small = side / scale;
        input
            .reshape([tiles, side, small, width * scale])
            .swap_dims(1, 2)
            .reshape([tiles, small, small, width * scale * scale])
            .swap_dims(1, 2)
            .reshape([tiles * small * small, width * scale * scale])
    }
}

impl IdeficsTower {
    /// Tiles, their side in patches, and their pixels.
    fn tiles<'a>(&self, pixels: &'a Pixels) -> Result<(usize, usize, &'a [f32]), ModelError> {
        let Pixels::Tiles {
            values,
            count,
            side,
        } = pixels
        else {
            return Err(ModelError::Pixels("tiles are wanted".to_owned()));
        };
        let (tiles, patch) = (*count, self.config.patch);
        let patches = side / patch;
        let is_whole = side.is_multiple_of(patch) && patches.is_multiple_of(self.config.scale);
        if tiles * patches == 0
            || !is_whole
            || values.len() != tiles * self.config.channels * side * side
        {
            let reason = format!(
                "{tiles} tiles of {side} pixels can't be cut in patches of {patch}, {} to a token",
                self.config.scale * self.config.scale
            );
            return Err(ModelError::Pixels(reason));
        }
        Ok((tiles, patches, values))
    }
}

impl VisionTower for IdeficsTower {
    fn tokens(&self, pixels: &Pixels) -> Result<usize, ModelError> {
        let (tiles, patches, _) = self.tiles(pixels)?;
        let side = patches / self.config.scale;
        Ok(tiles * side * side)
    }

    fn encode(&self, pixels: &Pixels, progress: &Progress) -> Result<PictureEmbedding, ModelError> {
        let (tiles, patches, values) = self.tiles(pixels)?;
        let patch = self.config.patch;
        let device = self.positions.device();
        let rows = cut(values, tiles, self.config.channels, patches * patch, patch);
        let width = self.config.channels * patch * patch;
        let rows = TensorData::new(rows, [tiles * patches * patches, width]);
        let rows = Tensor::<2>::from_data(rows, (&device, self.positions.dtype()));
        let places = position_ids(patches, self.config.side).repeat(tiles);
        let places = Tensor::<1, Int>::from_data(places.as_slice(), &device);
        let mut hidden = self.patches.forward(rows) + self.positions.clone().select(0, places);
        let segments = vec![patches * patches; tiles];
        for block in &self.blocks {
            progress.check()?;
            hidden = block.forward(hidden, None, &segments);
        }
        let hidden = self.norm.forward(hidden);
        Ok(PictureEmbedding {
            tokens: self
                .projection
                .forward(self.shuffle(hidden, tiles, patches)),
            additions: Vec::new(),
        })
    }
}

/// Tiles cut in patches: `[tiles, channels, side, side]` to `[tiles × patches, channels × patch × patch]`.
fn cut(values: &[f32], tiles: usize, channels: usize, side: usize, patch: usize) -> Vec<f32> {
    let patches = side / patch;
    let mut rows = Vec::with_capacity(values.len());
    for tile in 0..tiles {
        for place in 0..patches * patches {
            let (top, left) = (place / patches * patch, place % patches * patch);
            for channel in 0..channels {
                for row in top..top + patch {
                    let start = ((tile * channels + channel) * side + row) * side + left;
                    rows.extend_from_slice(values.get(start..start + patch).unwrap_or_default());
                }
            }
        }
    }
    rows
}

/// The entry of the table of position embeddings for each patch of a tile, with the arithmetic of `torch.bucketize` on
/// single floats, which decides the border cases.
fn position_ids(patches: usize, side: usize) -> Vec<i64> {
    let step = 1.0 / side as f64;
    let count = ((1.0 - step) / step).ceil().max(0.0) as usize;
    let boundaries: Vec<f32> = (0..count)
        .map(|k| (step + k as f64 * step) as f32)
        .collect();
    let bucket = |place: usize| {
        let at = (place as f32 * (1.0 / patches as f32)).min(1.0 - 1e-6);
        boundaries
            .iter()
            .filter(|boundary| **boundary <= at)
            .count()
    };
    let buckets: Vec<usize> = (0..patches).map(bucket).collect();
    let entry = |row: &usize, column: &usize| i64::try_from(row * side + column).unwrap_or(0);
    buckets
        .iter()
        .flat_map(|row| buckets.iter().map(move |column| entry(row, column)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_are_cut_row_by_row() {
        // One tile of 4 × 4 with two channels, 0 to 31.
        let values: Vec<f32> = (0..32).map(|n| n as f32).collect();
        let rows = cut(&values, 1, 2, 4, 2);
        assert_eq!(rows[..8], [0.0, 1.0, 4.0, 5.0, 16.0, 17.0, 20.0, 21.0]);
        assert_eq!(rows[8..12], [2.0, 3.0, 6.0, 7.0]);
        assert_eq!(rows[16..20], [8.0, 9.0, 12.0, 13.0]);
    }

    #[test]
    fn whole_tiles_have_a_position_for_each_patch() {
        assert_eq!(position_ids(2, 2), [0, 1, 2, 3]);
        assert_eq!(position_ids(2, 4), [0, 2, 8, 10]);
        assert_eq!(position_ids(32, 32), (0..1024).collect::<Vec<i64>>());
    }
}
