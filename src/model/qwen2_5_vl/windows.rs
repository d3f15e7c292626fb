use burn::tensor::{Int, Tensor};

use crate::model::ModelError;
use crate::model::config::Section;
use crate::model::vision::{PatchOrder, windows};

/// How large windows are, and which layers see more.
#[derive(Debug, Clone)]
pub(in crate::model) struct WindowConfig {
    /// Squares of patches of a side of a window.
    side: usize,
    /// The layers that see the whole picture.
    whole_layers: Vec<usize>,
}

impl WindowConfig {
    /// Reads it from `vision_config`.
    pub fn read(vision: &Section<'_>, patch: usize, merge: usize) -> Result<Self, ModelError> {
        let side = vision.count_or("window_size", 112)? / merge / patch;
        if side == 0 {
            return Err(vision.error("window_size", "is less than a square of patches"));
        }
        let whole_layers = vision.counts("fullatt_block_indexes")?;
        Ok(Self {
            side,
            whole_layers: whole_layers.unwrap_or_else(|| vec![7, 15, 23, 31]),
        })
    }
}

/// The patches of a picture, window after window: then each window is a stretch of them.
#[derive(Debug)]
pub(in crate::model) struct Windows<'a> {
    config: &'a WindowConfig,
    /// Squares in this order.
    squares: Vec<usize>,
    /// Patches of a square.
    unit: usize,
    /// Patches of each window.
    counts: Vec<usize>,
}

impl<'a> Windows<'a> {
    /// For a grid of patches.
    pub fn new(config: &'a WindowConfig, order: PatchOrder) -> Self {
        let (squares, counts) = windows(order, config.side);
        let unit = order.merge * order.merge;
        Self {
            config,
            squares,
            unit,
            counts: counts.into_iter().map(|count| count * unit).collect(),
        }
    }

    /// The numbers of patches that see each other in a layer; `None` where all do.
    pub fn seen_by(&self, layer: usize) -> Option<&[usize]> {
        let is_whole = self.config.whole_layers.contains(&layer);
        (!is_whole).then_some(self.counts.as_slice())
    }

    /// What belongs to patches, in this order.
    pub fn sorted<T: Copy + Default>(&self, of_patches: &[T]) -> Vec<T> {
        let of_patch = |patch: usize| of_patches.get(patch).copied().unwrap_or_default();
        self.patches().map(of_patch).collect()
    }

    /// `[patches, width]` in this order.
    pub fn sort(&self, hidden: Tensor<2>) -> Tensor<2> {
        select(hidden, self.patches())
    }

    /// `[squares, width]` back in the order of the picture.
    pub fn unsort(&self, tokens: Tensor<2>) -> Tensor<2> {
        let mut back = vec![0; self.squares.len()];
        for (place, square) in self.squares.iter().enumerate() {
            if let Some(slot) = back.get_mut(*square) {
                *slot = place;
            }
        }
        select(tokens, back.into_iter())
    }

    fn patches(&self) -> impl Iterator<Item = usize> {
        let unit = self.unit;
        let of_square = move |square: &usize| square * unit..(square + 1) * unit;
        self.squares.iter().flat_map(of_square)
    }
}

fn select(rows: Tensor<2>, places: impl Iterator<Item = usize>) -> Tensor<2> {
    let places: Vec<i64> = places.map(|place| place as i64).collect();
    let places = Tensor::<1, Int>::from_data(places.as_slice(), &rows.device());
    rows.select(0, places)
}
