use std::fmt;
use std::sync::Arc;

use crate::model::vision::Pixels;

/// What a model goes on from: tokens, and the pictures whose places they hold.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// Tokens, those of pictures included.
    pub ids: Vec<u32>,
    /// Its pictures, in order.
    pub pictures: Vec<PromptPicture>,
}

/// A picture of a prompt.
#[derive(Clone)]
pub struct PromptPicture {
    pixels: Arc<Pixels>,
    hash: blake3::Hash,
}

impl PromptPicture {
    /// Of these pixels.
    pub fn new(pixels: Pixels) -> Self {
        let mut hasher = blake3::Hasher::new();
        let values = match &pixels {
            Pixels::Patches { values, grid } => {
                for side in grid {
                    hasher.update(&side.to_le_bytes());
                }
                values
            }
            Pixels::Tiles {
                values,
                count,
                side,
            } => {
                hasher.update(&count.to_le_bytes());
                hasher.update(&side.to_le_bytes());
                values
            }
        };
        for value in values {
            hasher.update(&value.to_le_bytes());
        }
        Self {
            hash: hasher.finalize(),
            pixels: Arc::new(pixels),
        }
    }

    /// Its pixels.
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// A hash of its pixels, by which it is known again.
    pub fn hash(&self) -> blake3::Hash {
        self.hash
    }
}

impl fmt::Debug for PromptPicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PromptPicture").field(&self.hash).finish()
    }
}
