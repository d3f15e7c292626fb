use std::collections::VecDeque;

use burn::tensor::Tensor;

use crate::model::vision::PictureEmbedding;

/// The embeddings of pictures that were seen last, by the hash of their pixels.
#[derive(Debug)]
pub(super) struct PictureCache {
    /// The one that was used last is the last.
    known: VecDeque<(blake3::Hash, PictureEmbedding)>,
    /// Bytes that all of them may take.
    limit: usize,
}

/// Bytes of embeddings that are kept. A picture of a thousand tokens takes 6 MB in a model of 1,536 numbers for a token.
const LIMIT: usize = 256 << 20;

impl Default for PictureCache {
    fn default() -> Self {
        Self {
            known: VecDeque::new(),
            limit: LIMIT,
        }
    }
}

impl PictureCache {
    /// The embedding of a picture, if it is known.
    pub fn get(&mut self, hash: blake3::Hash) -> Option<PictureEmbedding> {
        let place = self.known.iter().position(|(known, _)| *known == hash)?;
        let entry = self.known.remove(place)?;
        let embedding = entry.1.clone();
        self.known.push_back(entry);
        Some(embedding)
    }

    /// Remembers one, and forgets those that were not used for longest if they take too much.
    pub fn put(&mut self, hash: blake3::Hash, embedding: PictureEmbedding) {
        self.known.retain(|(known, _)| *known != hash);
        self.known.push_back((hash, embedding));
        let mut all: usize = self.known.iter().map(|(_, kept)| bytes(kept)).sum();
        while all > self.limit && self.known.len() > 1 {
            let forgotten = self.known.pop_front();
            all -= forgotten.map_or(0, |(_, kept)| bytes(&kept));
        }
    }
}

fn bytes(embedding: &PictureEmbedding) -> usize {
    let one = |tensor: &Tensor<2>| tensor.dims().iter().product::<usize>() * tensor.dtype().size();
    one(&embedding.tokens) + embedding.additions.iter().map(one).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn pictures_that_were_not_used_for_longest_are_forgotten_first() {
        let embedding = |additions: usize| {
            let tensor = Tensor::<2>::zeros([4, 8], &Device::flex());
            PictureEmbedding {
                tokens: tensor.clone(),
                additions: vec![tensor; additions],
            }
        };
        assert_eq!(bytes(&embedding(2)), 3 * 4 * 8 * 4);
        let hash = |name: &str| blake3::hash(name.as_bytes());
        let mut cache = PictureCache {
            limit: 3 * 128,
            ..PictureCache::default()
        };
        for name in ["one", "two", "three"] {
            cache.put(hash(name), embedding(0));
        }
        assert!(cache.get(hash("one")).is_some());
        cache.put(hash("four"), embedding(0));
        assert!(cache.get(hash("two")).is_none());
        assert!(cache.get(hash("one")).is_some() && cache.get(hash("three")).is_some());
        // One that is larger than all room is kept alone.
        cache.put(hash("large"), embedding(5));
        assert!(cache.get(hash("large")).is_some() && cache.get(hash("one")).is_none());
    }
}
