//! Which segments become one: a query looks into each of them, and a merge writes all of its documents again.
//!
//! Segments of a build are merged when it is over, once each, so that its time grows as its size does. Those of small
//! changes that come later are merged with others of their size.

use tantivy::SegmentMeta;
use tantivy::index::SegmentId;
use tantivy::indexer::LogMergePolicy;

/// How many segments a build leaves: few for queries, enough for threads that search or merge side by side.
const BUILT_SEGMENTS: usize = 4;

/// Segments of fewer documents are merged with each other, and not with larger ones, while somebody waits.
const SMALL_SEGMENT: u32 = 500;

/// How segments of small changes are merged: few make a warm start and a query cheap, and a small commit (one review)
/// must stay cheap, too.
pub(super) fn policy(is_somebody_waiting: bool) -> LogMergePolicy {
    let mut policy = LogMergePolicy::default();
    policy.set_min_num_segments(6);
    if is_somebody_waiting {
        policy.set_min_layer_size(SMALL_SEGMENT);
    }
    policy
}

/// What becomes one segment each of those that a build has left.
pub(super) fn groups_of_build(built: &[SegmentMeta]) -> Vec<Vec<SegmentId>> {
    let built = built.iter().map(|meta| (meta.id(), meta.num_docs()));
    let groups = groups(built.collect(), BUILT_SEGMENTS);
    groups.into_iter().filter(|group| group.len() > 1).collect()
}

/// Spreads items of a size over so many groups of about the same size.
fn groups<T>(mut items: Vec<(T, u32)>, count: usize) -> Vec<Vec<T>> {
    items.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let mut groups: Vec<(u64, Vec<T>)> = (0..count).map(|_| (0, Vec::new())).collect();
    for (item, size) in items {
        if let Some((sum, group)) = groups.iter_mut().min_by_key(|(sum, _)| *sum) {
            *sum += u64::from(size);
            group.push(item);
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hold_every_item_once_and_about_as_much() {
        let sizes = [7, 90, 40, 35, 10, 20, 60, 12, 88, 3];
        let groups = groups(sizes.iter().map(|size| (*size, *size)).collect(), 3);
        let sums: Vec<u32> = groups.iter().map(|group| group.iter().sum()).collect();
        assert_eq!(sums, [120, 123, 122]);
        let mut all = groups.concat();
        all.sort_unstable();
        assert_eq!(all, [3, 7, 10, 12, 20, 35, 40, 60, 88, 90]);
    }

    #[test]
    fn few_items_stay_alone() {
        let groups = groups(vec![("a", 5), ("b", 5)], 4);
        assert_eq!(groups.iter().filter(|group| group.len() == 1).count(), 2);
    }
}
