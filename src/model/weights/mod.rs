//! The tensors of a model's files, by name: what is there, and the numbers of one at a time.
//!
//! Files are mapped or read piece by piece; a whole model is never in memory twice. What a file claims is checked before
//! it is believed: names, shapes, types, lengths, and that every number is finite.

mod checklist;
mod gguf;
mod gguf_block;
mod gguf_value;
mod loader;
mod lora;
#[cfg(any(test, feature = "gpu"))]
mod random_source;
mod safetensors;

pub use checklist::TensorProblem;
pub(super) use gguf::GgufFile;
pub(super) use gguf_value::GgufValue;
pub(super) use loader::{Loader, Precision};
pub(super) use lora::Adapter;
#[cfg(any(test, feature = "gpu"))]
pub(super) use random_source::RandomSource;
pub(super) use safetensors::SafetensorsFolder;

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
pub(super) trait TensorSource {
    /// The names of all tensors, in order.
    fn names(&self) -> Vec<String>;

    /// What is known of one; `None` where there is no such tensor.
    fn entry(&self, name: &str) -> Option<TensorEntry>;

    /// All its numbers, rows first.
    fn read(&self, name: &str) -> Result<Vec<f32>, ModelError>;
}
