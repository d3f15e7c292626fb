//! The tensors of a model's files, by name: what is there, and the numbers of one at a time.
//!
//! Numbers are read in parts, on all threads; a whole model is never in memory twice. What a file claims is checked before
//! it is believed: names, shapes, types, lengths, and that every number is finite.

mod checklist;
mod gguf;
mod gguf_block;
mod gguf_value;
mod loader;
mod lora;
#[cfg(any(test, feature = "gpu"))]
mod random_source;
mod reading;
mod safetensors;

pub use checklist::TensorProblem;
pub(super) use gguf::GgufFile;
pub(super) use gguf_value::GgufValue;
pub(super) use loader::{Loader, Precision};
pub(super) use lora::Adapter;
#[cfg(any(test, feature = "gpu"))]
pub(super) use random_source::RandomSource;
pub(super) use safetensors::SafetensorsFolder;

use rayon::prelude::*;

use super::ModelError;

/// What a file says of a tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TensorEntry {
    /// Rows first, as PyTorch has it.
    pub shape: Vec<usize>,
    /// The type of its numbers, by the file's own name.
    pub kind: String,
    /// Whether numbers of this type can be read.
    pub is_readable: bool,
}

/// Where tensors come from.
pub(super) trait TensorSource: Sync {
    /// The names of all tensors, in order.
    fn names(&self) -> Vec<String>;

    /// What is known of one; `None` where there is no such tensor.
    fn entry(&self, name: &str) -> Option<TensorEntry>;

    /// Some of its numbers, rows first, from the place `first` on: as many as `numbers` has. Both are whole rows of the last dimension.
    /// Several threads may ask at once.
    fn read_part(&self, name: &str, first: usize, numbers: &mut [f32]) -> Result<(), ModelError>;

    /// All its numbers, rows first; none where there is no such tensor.
    fn read(&self, name: &str) -> Result<Vec<f32>, ModelError> {
        let shape = self.entry(name).map(|entry| entry.shape);
        let shape = shape.unwrap_or_else(|| vec![0]);
        let mut numbers = vec![0.0; shape.iter().product()];
        let length = part_length(&shape);
        let parts = numbers.par_chunks_mut(length).enumerate();
        first_error(parts.map(|(part, numbers)| self.read_part(name, part * length, numbers)))?;
        Ok(numbers)
    }
}

/// Numbers that are read at a time, about: what the caches of a processor hold.
const PART: usize = 1 << 16;

/// Numbers of a part of a tensor: whole rows of the last dimension.
fn part_length(shape: &[usize]) -> usize {
    let row = shape.last().copied().unwrap_or(1).max(1);
    (PART / row).max(1) * row
}

/// Does all of it, and tells what went wrong first by place, whichever thread was first in time.
fn first_error(
    parts: impl IndexedParallelIterator<Item = Result<(), ModelError>>,
) -> Result<(), ModelError> {
    let results: Vec<_> = parts.collect();
    results.into_iter().collect()
}
