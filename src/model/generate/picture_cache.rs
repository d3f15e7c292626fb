use std::collections::VecDeque;

use crate::model::vision::PictureEmbedding;

/// The embeddings of pictures that were seen last, by the hash of their pixels.
#[derive(Debug, Default)]
pub(super) struct PictureCache {
    /// The one that was used last is the last.
    known: VecDeque<(blake3::Hash, PictureEmbedding)>,
}

/// Pictures that are remembered. One of a thousand tokens takes 6 MB in a model of 1,536 numbers for a token.
const MOST: usize = 64;

impl PictureCache {
    /// The embedding of a picture, if it is known.
    pub fn get(&mut self, hash: blake3::Hash) -> Option<PictureEmbedding> {
        let place = self.known.iter().position(|(known, _)| *known == hash)?;
        let entry = self.known.remove(place)?;
        let embedding = entry.1.clone();
        self.known.push_back(entry);
        Some(embedding)
    }

    /// Remembers one, and forgets the one that was not used for longest if there are too many.
    pub fn put(&mut self, hash: blake3::Hash, embedding: PictureEmbedding) {
        self.known.retain(|(known, _)| *known != hash);
        self.known.push_back((hash, embedding));
        while self.known.len() > MOST {
            self.known.pop_front();
        }
    }
}
