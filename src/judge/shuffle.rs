/// The numbers below `count` in an order that follows from the seed and a purpose alone: place → number.
pub fn shuffled(count: usize, seed: u64, purpose: &str) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let rank = |number: &usize| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes());
        hasher.update(purpose.as_bytes());
        hasher.update(b"\0");
        hasher.update(&(*number as u64).to_le_bytes());
        *hasher.finalize().as_bytes()
    };
    order.sort_by_cached_key(rank);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn it_is_a_permutation_and_the_same_each_time(count in 0_usize..40, seed: u64) {
            let order = shuffled(count, seed, "judge");
            let mut sorted = order.clone();
            sorted.sort_unstable();
            proptest::prop_assert_eq!(sorted, (0..count).collect::<Vec<_>>());
            proptest::prop_assert_eq!(order, shuffled(count, seed, "judge"));
        }
    }

    #[test]
    fn every_place_is_taken_by_everybody_at_times() {
        let firsts: std::collections::HashSet<usize> =
            (0..100).map(|seed| shuffled(5, seed, "judge")[0]).collect();
        assert_eq!(firsts.len(), 5);
        assert_ne!(shuffled(8, 1, "a"), shuffled(8, 1, "b"));
    }
}
