use std::ops::Range;

use crate::model::layers::KeyValueCache;

/// What was read for the last request: the next one often begins with it.
#[derive(Debug, Default)]
pub(super) struct PrefixCache {
    entry: Option<Prefix>,
}

/// Tokens that were read, and their keys and values.
#[derive(Debug)]
pub(super) struct Prefix {
    /// All tokens in the cache.
    pub ids: Vec<u32>,
    /// The pictures among them, each from its first to behind its last token.
    pub pictures: Vec<(Range<usize>, blake3::Hash)>,
    /// Their keys and values, of one row.
    pub cache: KeyValueCache,
}

impl PrefixCache {
    /// Takes what is there, for a request of these tokens and pictures: cut to what both begin with, and never to all of the
    /// request, as its last token has to be read for what comes next.
    pub fn take(
        &mut self,
        ids: &[u32],
        pictures: &[(Range<usize>, blake3::Hash)],
    ) -> Option<Prefix> {
        let mut prefix = self.entry.take()?;
        let common = common(&prefix, ids, pictures);
        if common == 0 {
            return None;
        }
        prefix.ids.truncate(common);
        prefix.pictures.retain(|(place, _)| place.end <= common);
        prefix.cache.truncate(common);
        Some(prefix)
    }

    /// Remembers what was read.
    pub fn put(&mut self, prefix: Prefix) {
        self.entry = Some(prefix);
    }
}

fn common(prefix: &Prefix, ids: &[u32], pictures: &[(Range<usize>, blake3::Hash)]) -> usize {
    let same = prefix
        .ids
        .iter()
        .zip(ids)
        .take_while(|(a, b)| a == b)
        .count();
    let mut common = same.min(ids.len().saturating_sub(1));
    // The tokens of pictures are alike whatever they show.
    for (own, hash) in pictures {
        let known = prefix
            .pictures
            .iter()
            .any(|known| known.0 == *own && known.1 == *hash);
        if own.start < common && (!known || own.end > common) {
            common = own.start;
        }
    }
    for (own, _) in &prefix.pictures {
        if own.start < common && own.end > common {
            common = own.start;
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device};

    use super::*;

    fn prefix(pictures: &[(Range<usize>, blake3::Hash)]) -> PrefixCache {
        let mut cache = KeyValueCache::new(1, 1, 2, 1, 16, &Device::flex(), DType::F32);
        cache.advance(8);
        let mut prefixes = PrefixCache::default();
        prefixes.put(Prefix {
            ids: (0..8).collect(),
            pictures: pictures.to_vec(),
            cache,
        });
        prefixes
    }

    fn taken(
        known: &[(Range<usize>, blake3::Hash)],
        ids: &[u32],
        asked: &[(Range<usize>, blake3::Hash)],
    ) -> usize {
        let taken = prefix(known).take(ids, asked);
        taken.map_or(0, |prefix| {
            assert_eq!(prefix.ids.len(), prefix.cache.length());
            prefix.ids.len()
        })
    }

    #[test]
    fn what_both_begin_with_is_kept_but_for_the_last_token() {
        assert_eq!(taken(&[], &[0, 1, 2, 9, 9], &[]), 3);
        assert_eq!(taken(&[], &[0, 1, 2], &[]), 2);
        assert_eq!(taken(&[], &(0..12).collect::<Vec<_>>(), &[]), 8);
        assert_eq!(taken(&[], &[5], &[]), 0);
        assert_eq!(taken(&[], &[0], &[]), 0);
        assert_eq!(taken(&[], &[], &[]), 0);
    }

    #[test]
    fn another_picture_in_the_same_place_is_not_taken_for_known() {
        let (one, other) = (blake3::hash(b"1"), blake3::hash(b"2"));
        let ids: Vec<u32> = (0..12).collect();
        assert_eq!(taken(&[(2..5, one)], &ids, &[(2..5, one)]), 8);
        assert_eq!(taken(&[(2..5, one)], &ids, &[(2..5, other)]), 2);
        // One that ends behind what is common is read anew.
        assert_eq!(
            taken(&[(2..5, one)], &[0, 1, 2, 3, 9, 9], &[(2..5, one)]),
            2
        );
        assert_eq!(taken(&[(6..8, one)], &ids, &[(6..10, one)]), 6);
    }
}
