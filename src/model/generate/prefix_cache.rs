use std::ops::Range;

use crate::model::layers::KeyValueCache;

/// What was read for the last requests: the next one often begins with it.
///
/// Several are kept, so that conversations that take turns do not read all of theirs again each time.
#[derive(Debug)]
pub(super) struct PrefixCache {
    /// The one that was used last is the last.
    entries: Vec<Prefix>,
    /// Bytes that all of them may take.
    limit: usize,
}

/// Bytes of prefixes that are kept unless somebody says otherwise. A thousand tokens take 46 MB in a model as small as SmolLM2-135M and
/// 57 MB in Qwen2-VL-2B.
const LIMIT: usize = 1 << 30;

/// Tokens that were read, and their keys and values.
#[derive(Debug)]
pub(super) struct Prefix {
    /// All tokens in the cache.
    pub ids: Vec<u32>,
    /// How many of them a request brought; the others were written.
    pub given: usize,
    /// The pictures among them, each from its first to behind its last token.
    pub pictures: Vec<(Range<usize>, blake3::Hash)>,
    /// Their keys and values, of one row.
    pub cache: KeyValueCache,
}

impl Default for PrefixCache {
    fn default() -> Self {
        Self::new(LIMIT)
    }
}

impl PrefixCache {
    /// One that keeps so many bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            entries: Vec::new(),
            limit,
        }
    }

    /// What is known of a request of these tokens and pictures: that which begins with most of it, cut to what both begin with, and never
    /// all of the request, as its last token has to be read for what comes next.
    ///
    /// What another conversation goes on with stays known: then the common part is copied. There is room for `capacity` tokens.
    pub fn take(
        &mut self,
        ids: &[u32],
        pictures: &[(Range<usize>, blake3::Hash)],
        capacity: usize,
    ) -> Option<Prefix> {
        let lengths = self.entries.iter().enumerate();
        // Of equals the one that was used last.
        let (place, length) = lengths
            .map(|(place, prefix)| (place, common(prefix, ids, pictures)))
            .max_by_key(|(place, length)| (*length, *place))?;
        if length == 0 {
            return None;
        }
        // But for its last token, which is read again for what comes next, all that was given is in the request.
        let is_whole = self.entries.get(place)?.given <= length + 1;
        if is_whole {
            let mut prefix = self.entries.remove(place);
            prefix.cut(length);
            prefix.cache.reserve(capacity);
            return Some(prefix);
        }
        let known = self.entries.get(place)?;
        let bytes = known.cache.bytes() / known.cache.capacity().max(1) * capacity;
        let copy = Prefix {
            ids: known.ids.get(..length)?.to_vec(),
            given: length,
            pictures: known.pictures.clone(),
            cache: known.cache.copy(length, capacity),
        };
        // It counts as used; it may be what the next request goes on with.
        let known = self.entries.remove(place);
        self.entries.push(known);
        self.make_room(bytes);
        let mut copy = copy;
        copy.cut(length);
        Some(copy)
    }

    /// Forgets those that were not used for longest until there is room for so many bytes more.
    pub fn make_room(&mut self, bytes: usize) {
        let mut all: usize = self.entries.iter().map(|kept| kept.cache.bytes()).sum();
        let mut forgotten = 0;
        for kept in &self.entries {
            if all.saturating_add(bytes) <= self.limit {
                break;
            }
            all -= kept.cache.bytes();
            forgotten += 1;
        }
        self.entries.drain(..forgotten);
    }

    /// Remembers what was read.
    pub fn put(&mut self, mut prefix: Prefix) {
        let length = prefix.ids.len().min(prefix.cache.length());
        if length == 0 {
            return;
        }
        prefix.cut(length);
        // The last one is kept however large it is.
        self.make_room(prefix.cache.bytes());
        self.entries.push(prefix);
    }
}

impl Prefix {
    /// Forgets all but its first tokens.
    fn cut(&mut self, length: usize) {
        self.ids.truncate(length);
        self.given = self.given.min(length);
        self.pictures.retain(|(place, _)| place.end <= length);
        self.cache.truncate(length);
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

    /// Of eight bytes for a token.
    fn prefix(ids: &[u32], given: usize, pictures: &[(Range<usize>, blake3::Hash)]) -> Prefix {
        let mut cache = KeyValueCache::new(1, 1, 1, 1, 16, &Device::flex(), DType::F32);
        cache.advance(ids.len());
        Prefix {
            ids: ids.to_vec(),
            given,
            pictures: pictures.to_vec(),
            cache,
        }
    }

    fn length(taken: Option<Prefix>) -> usize {
        taken.map_or(0, |prefix| {
            assert_eq!(prefix.ids.len(), prefix.cache.length());
            assert!(
                prefix
                    .pictures
                    .iter()
                    .all(|(place, _)| place.end <= prefix.ids.len())
            );
            prefix.ids.len()
        })
    }

    fn taken(
        known: &[(Range<usize>, blake3::Hash)],
        ids: &[u32],
        asked: &[(Range<usize>, blake3::Hash)],
    ) -> usize {
        let mut prefixes = PrefixCache::default();
        prefixes.put(prefix(&[0, 1, 2, 3, 4, 5, 6, 7], 8, known));
        length(prefixes.take(ids, asked, 16))
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

    #[test]
    fn conversations_that_take_turns_keep_theirs() {
        let mut prefixes = PrefixCache::default();
        // Both begin with 1 and 2.
        prefixes.put(prefix(&[1, 2, 3, 4, 5], 5, &[]));
        let copy = prefixes.take(&[1, 2, 7, 8, 9], &[], 16).unwrap();
        assert_eq!(
            (copy.ids.as_slice(), copy.cache.capacity()),
            (&[1, 2][..], 16)
        );
        prefixes.put(prefix(&[1, 2, 7, 8, 9], 5, &[]));
        assert_eq!(prefixes.entries.len(), 2);
        // What was given is in the request: it is taken, and what was written after it is forgotten.
        prefixes.put(prefix(&[6, 6, 6, 5, 5], 3, &[]));
        assert_eq!(length(prefixes.take(&[6, 6, 6], &[], 16)), 2);
        assert_eq!(prefixes.entries.len(), 2);
        for ids in [[1, 2, 3, 4, 5, 6], [1, 2, 7, 8, 9, 6]] {
            assert_eq!(length(prefixes.take(&ids, &[], 16)), 5);
        }
        assert!(prefixes.entries.is_empty());
    }

    #[test]
    fn the_one_that_was_not_used_for_longest_is_forgotten_first() {
        let bytes = prefix(&[1], 1, &[]).cache.bytes();
        assert_eq!(bytes, 16 * 8);
        let mut prefixes = PrefixCache::new(2 * bytes);
        prefixes.put(prefix(&[1, 1, 1, 1], 4, &[]));
        prefixes.put(prefix(&[2, 2, 2, 2], 4, &[]));
        let again = prefixes.take(&[1, 1, 1, 1, 1], &[], 16).unwrap();
        prefixes.put(again);
        prefixes.put(prefix(&[3, 3], 2, &[]));
        let firsts: Vec<u32> = prefixes.entries.iter().map(|kept| kept.ids[0]).collect();
        assert_eq!(firsts, [1, 3]);
        // One that is larger than all room is kept alone.
        let mut prefixes = PrefixCache::new(bytes - 1);
        prefixes.put(prefix(&[1], 1, &[]));
        prefixes.put(prefix(&[2, 2], 2, &[]));
        assert_eq!(length(prefixes.take(&[2, 2, 2], &[], 16)), 2);
        // Nothing was read: nothing is kept.
        prefixes.put(prefix(&[], 0, &[]));
        assert!(prefixes.entries.is_empty());
    }
}
