use burn::tensor::{Int, Tensor, TensorData};

use crate::model::ModelError;
use crate::model::config::Section;
use crate::model::qwen::{VisionConfig, merger};
use crate::model::vision::{PatchMerger, PatchOrder, interpolation};
use crate::model::weights::Loader;

/// The numbers of learned positions and of inner layers that are told.
#[derive(Debug, Clone)]
pub(in crate::model) struct DeepConfig {
    /// A side of the square table of positions.
    side: usize,
    /// The layers whose output goes to the language model's first layers.
    layers: Vec<usize>,
}

impl DeepConfig {
    /// Reads it from `vision_config`, for a tower of `depth` layers and a language model of `decoder_layers`.
    pub fn read(
        vision: &Section<'_>,
        depth: usize,
        decoder_layers: usize,
    ) -> Result<Self, ModelError> {
        let table = vision.count_or("num_position_embeddings", 2304)?;
        let side = table.isqrt();
        if side * side != table {
            let problem = format!("is {table}, which is no square");
            return Err(vision.error("num_position_embeddings", problem));
        }
        let layers = vision.counts("deepstack_visual_indexes")?;
        let layers = layers.unwrap_or_else(|| vec![8, 16, 24]);
        let is_rising = layers.is_sorted_by(|a, b| a < b);
        if !is_rising || layers.len() > decoder_layers || layers.iter().any(|l| *l >= depth) {
            let problem = format!("is no rising list of layers below {depth}");
            return Err(vision.error("deepstack_visual_indexes", problem));
        }
        Ok(Self { side, layers })
    }
}

/// What the tower has beyond that of Qwen2-VL.
#[derive(Debug)]
pub(in crate::model) struct Deep {
    /// `[side², width]`.
    table: Tensor<2>,
    side: usize,
    /// Layers, and what makes tokens of what they see.
    mergers: Vec<(usize, PatchMerger)>,
}

impl Deep {
    /// Loads it for a tower whose tensors begin with `prefix`.
    pub fn load(
        loader: &mut Loader<'_>,
        prefix: &str,
        config: &VisionConfig,
        deep: &DeepConfig,
    ) -> Self {
        let shape = [deep.side * deep.side, config.width];
        let layers = deep.layers.iter().enumerate();
        Self {
            table: loader.matrix(&format!("{prefix}pos_embed.weight"), shape),
            side: deep.side,
            mergers: layers
                .map(|(place, layer)| {
                    let name = format!("{prefix}deepstack_merger_list.{place}.");
                    (*layer, merger(loader, &name, config, true))
                })
                .collect(),
        }
    }

    /// What makes tokens of a layer's output, if these are told.
    pub fn merger(&self, layer: usize) -> Option<&PatchMerger> {
        let found = self.mergers.iter().find(|(own, _)| *own == layer);
        found.map(|(_, merger)| merger)
    }

    /// The learned position of each patch, between those of the table: `[patches, width]`.
    pub fn positions(&self, order: PatchOrder) -> Tensor<2> {
        let device = self.table.device();
        let (entries, shares) = interpolation(order, self.side);
        let (count, width) = (entries.len() / 4, self.table.dims()[1]);
        let entries: Vec<i64> = entries.into_iter().map(|entry| entry as i64).collect();
        let entries = Tensor::<1, Int>::from_data(entries.as_slice(), &device);
        let shares = TensorData::new(shares, [count, 4, 1]);
        let shares = Tensor::<3>::from_data(shares, (&device, self.table.dtype()));
        let corners = self.table.clone().select(0, entries);
        (corners.reshape([count, 4, width]) * shares)
            .sum_dim(1)
            .squeeze_dim(1)
    }
}
