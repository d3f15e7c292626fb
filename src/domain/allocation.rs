//! Who gets which items of a queue: balanced, and so that people who look at the same items can be compared.

use std::collections::BTreeMap;

/// How items are dealt out.
#[derive(Debug, Clone, PartialEq)]
pub struct Allocation {
    /// Among how many annotators.
    pub annotators: usize,
    /// The share of the items that several annotators get, from 0 to 1.
    pub overlap: f64,
    /// How many these are.
    pub per_shared_item: usize,
    /// Another seed deals them out otherwise.
    pub seed: u64,
}

impl Allocation {
    /// For each item who gets it, as numbers of annotators in order; `loads` is how much each has already.
    ///
    /// Afterwards nobody has more than one item more than another, as far as `loads` allow it. Which items are shared and
    /// who gets an item follows from where a hash of its id stands among those of all: the same ids are dealt out in the
    /// same way, and most keep their annotators when others are added.
    pub fn deal(&self, ids: &[String], loads: &[usize]) -> Vec<Vec<usize>> {
        let mut dealt = vec![Vec::new(); ids.len()];
        let by_rank = |purpose: &str| {
            let mut order: Vec<usize> = (0..ids.len()).collect();
            order.sort_by_cached_key(|item| {
                let id = ids.get(*item).map_or("", String::as_str);
                (self.rank(purpose, id), id)
            });
            order
        };
        let shared = (self.overlap.clamp(0.0, 1.0) * ids.len() as f64).round() as usize;
        let mut is_shared = vec![false; ids.len()];
        for item in by_rank("shared").into_iter().take(shared) {
            if let Some(is_shared) = is_shared.get_mut(item) {
                *is_shared = true;
            }
        }
        let of = |wanted: bool| {
            let mut order = by_rank("annotator");
            order.retain(|item| is_shared.get(*item) == Some(&wanted));
            order
        };
        let mut table = Table::new(self.annotators, loads);
        let sizes = [(of(true), self.per_shared_item), (of(false), 1)];
        for (items, size) in sizes {
            let mut items = items.into_iter();
            for (group, count) in table.groups(items.len(), size) {
                for item in items.by_ref().take(count) {
                    if let Some(annotators) = dealt.get_mut(item) {
                        annotators.clone_from(&group);
                    }
                }
            }
        }
        dealt
    }

    fn rank(&self, purpose: &str, id: &str) -> u64 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(purpose.as_bytes());
        hasher.update(b"\0");
        hasher.update(id.as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        u64::from_be_bytes(first)
    }
}

/// How much everybody has, and with whom.
struct Table {
    loads: Vec<usize>,
    together: BTreeMap<(usize, usize), usize>,
}

impl Table {
    fn new(annotators: usize, loads: &[usize]) -> Self {
        let load = |annotator| loads.get(annotator).copied().unwrap_or(0);
        Self {
            loads: (0..annotators).map(load).collect(),
            together: BTreeMap::new(),
        }
    }

    /// The groups that get so many items, with how many each gets. They come in the order of their members, so that a group
    /// gets its items from the same part of all of them, however many there are.
    fn groups(&mut self, items: usize, size: usize) -> BTreeMap<Vec<usize>, usize> {
        let mut groups = BTreeMap::new();
        for _ in 0..items {
            *groups.entry(self.next_group(size)).or_default() += 1;
        }
        groups
    }

    /// Those who have least, and of these those who have shared least with each other.
    fn next_group(&mut self, size: usize) -> Vec<usize> {
        let mut group: Vec<usize> = Vec::with_capacity(size);
        for _ in 0..size {
            let free = (0..self.loads.len()).filter(|annotator| !group.contains(annotator));
            let next = free.min_by_key(|annotator| {
                let with = |other: &usize| self.together.get(&pair(*annotator, *other));
                let shared: usize = group.iter().filter_map(with).sum();
                (self.loads.get(*annotator).copied(), shared, *annotator)
            });
            let Some(next) = next else { break };
            for other in &group {
                *self.together.entry(pair(next, *other)).or_default() += 1;
            }
            group.push(next);
        }
        for annotator in &group {
            if let Some(load) = self.loads.get_mut(*annotator) {
                *load += 1;
            }
        }
        group.sort_unstable();
        group
    }
}

fn pair(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids(range: std::ops::Range<usize>) -> Vec<String> {
        range.map(|number| format!("m/{number}")).collect()
    }

    fn allocation(annotators: usize, overlap: f64, seed: u64) -> Allocation {
        Allocation {
            annotators,
            overlap,
            per_shared_item: 2,
            seed,
        }
    }

    fn loads(dealt: &[Vec<usize>], annotators: usize) -> Vec<usize> {
        let has = |annotator| dealt.iter().filter(|who| who.contains(&annotator)).count();
        (0..annotators).map(has).collect()
    }

    #[test]
    fn every_two_share_as_many() {
        let dealt = allocation(4, 0.2, 1).deal(&ids(0..300), &[]);
        let mut together: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for who in dealt.iter().filter(|who| who.len() == 2) {
            *together.entry((who[0], who[1])).or_default() += 1;
        }
        // 60 shared items are ten for each of the six pairs.
        assert_eq!(together.into_values().collect::<Vec<_>>(), [10; 6]);
        assert_eq!(loads(&dealt, 4), [90; 4]);
    }

    #[test]
    fn most_items_keep_their_annotators_when_others_are_added() {
        for seed in 0..5 {
            let deal = allocation(3, 0.2, seed);
            let before = deal.deal(&ids(0..1000), &[]);
            let after = deal.deal(&ids(0..1100), &[]);
            let kept = before.iter().zip(&after).filter(|(b, a)| a == b).count();
            // By chance alone it would be fewer than 300.
            assert!(kept > 920, "{kept} of 1000 with seed {seed}");
            let other = allocation(3, 0.2, seed + 100).deal(&ids(0..1000), &[]);
            assert_ne!(before, other);
        }
    }

    #[test]
    fn who_has_little_gets_more() {
        let dealt = allocation(3, 0.0, 0).deal(&ids(0..30), &[20, 5, 0]);
        // 55 items are 18 or 19 each, and who has 20 gets none.
        assert_eq!(loads(&dealt, 3), [0, 13, 17]);
    }

    proptest! {
        #[test]
        fn everything_is_dealt_out_evenly(
            count in 0..200_usize,
            annotators in 1..7_usize,
            per in 1..7_usize,
            overlap in 0.0..=1.0_f64,
            seed: u64,
        ) {
            let per = per.min(annotators);
            let deal = Allocation { annotators, overlap, per_shared_item: per, seed };
            let dealt = deal.deal(&ids(0..count), &[]);
            let shared = (overlap * count as f64).round() as usize;
            let sizes: Vec<usize> = dealt.iter().map(Vec::len).collect();
            if per > 1 {
                prop_assert_eq!(sizes.iter().filter(|size| **size == per).count(), shared);
            }
            prop_assert!(sizes.iter().all(|size| *size == per || *size == 1));
            let loads = loads(&dealt, annotators);
            let (least, most) = (loads.iter().min(), loads.iter().max());
            prop_assert!(most.unwrap_or(&0) - least.unwrap_or(&0) <= 1, "{loads:?}");
            // Each annotator once, in order.
            prop_assert!(dealt.iter().all(|who| who.is_sorted_by(|a, b| a < b)));
        }

        #[test]
        fn the_order_of_the_items_makes_no_difference(order in Just((0..60).collect::<Vec<usize>>()).prop_shuffle(), seed: u64) {
            let deal = allocation(3, 0.3, seed);
            let given = ids(0..60);
            let shuffled: Vec<String> = order.iter().map(|item| given[*item].clone()).collect();
            let (one, other) = (deal.deal(&given, &[]), deal.deal(&shuffled, &[]));
            for (place, item) in order.iter().enumerate() {
                prop_assert_eq!(&other[place], &one[*item]);
            }
        }
    }
}
