//! What models see of a picture: pixels as a model's image processor makes them, and towers that turn them into embeddings.

mod block;
mod grid;
mod merger;
mod patches;
mod siglip;

pub(super) use block::{Norm, VisionAttention, VisionBlock, VisionFeedForward};
pub(super) use grid::{PatchOrder, interpolation, windows};
pub(super) use merger::PatchMerger;
pub(super) use patches::{patch_tokens, patches};
pub(super) use siglip::{IdeficsTower, IdeficsVisionConfig};

use burn::tensor::Tensor;

use super::ModelError;
use crate::jobs::Progress;

/// The pixels of a picture, as a model's image processor makes them.
#[derive(Debug, Clone, PartialEq)]
pub enum Pixels {
    /// Patches of a grid, in squares of patches that are merged (Qwen).
    Patches {
        /// `[patches, channels × frames × patch × patch]`.
        values: Vec<f32>,
        /// Frames, rows and columns of patches.
        grid: [usize; 3],
    },
    /// Square tiles (Idefics3, SmolVLM).
    Tiles {
        /// `[tiles, channels, side, side]`.
        values: Vec<f32>,
        /// Tiles.
        count: usize,
        /// Pixels of a side.
        side: usize,
    },
}

/// What a picture becomes.
#[derive(Debug, Clone)]
pub(super) struct PictureEmbedding {
    /// In the places of its tokens: `[tokens, hidden]`.
    pub tokens: Tensor<2>,
    /// Added in these places after each of the first layers: `[tokens, hidden]`.
    pub additions: Vec<Tensor<2>>,
}

/// The part of a model that sees.
pub(super) trait VisionTower: Send + Sync + std::fmt::Debug {
    /// How many tokens a picture becomes.
    fn tokens(&self, pixels: &Pixels) -> Result<usize, ModelError>;

    /// The embeddings of a picture. It can be stopped between layers.
    fn encode(&self, pixels: &Pixels, progress: &Progress) -> Result<PictureEmbedding, ModelError>;
}
