use std::collections::BTreeMap;

/// Which numbers of a file's records were seen. Lines that were merged in can come in any order.
#[derive(Debug, Clone, Default)]
pub(super) struct Sequences {
    /// The highest number seen.
    last: u64,
    /// Ranges below it that were not seen, by their first number.
    missing: BTreeMap<u64, u64>,
}

impl Sequences {
    pub(super) fn add(&mut self, number: u64) {
        if number > self.last {
            if number > self.last + 1 {
                self.missing.insert(self.last + 1, number - 1);
            }
            self.last = number;
            return;
        }
        let around = self.missing.range(..=number).next_back();
        let Some((&first, &last)) = around.filter(|(_, last)| **last >= number) else {
            return;
        };
        self.missing.remove(&first);
        if first < number {
            self.missing.insert(first, number - 1);
        }
        if number < last {
            self.missing.insert(number + 1, last);
        }
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// First and last number of each range that is missing.
    pub(super) fn gaps(&self) -> impl Iterator<Item = (u64, u64)> {
        self.missing.iter().map(|(first, last)| (*first, *last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn gaps_are_what_was_not_seen(numbers in proptest::collection::vec(1..40_u64, 0..60)) {
            let mut sequences = Sequences::default();
            numbers.iter().for_each(|number| sequences.add(*number));
            let last = numbers.iter().copied().max().unwrap_or(0);
            let missing: Vec<u64> = (1..=last).filter(|n| !numbers.contains(n)).collect();
            let told: Vec<u64> = sequences.gaps().flat_map(|(first, last)| first..=last).collect();
            proptest::prop_assert_eq!(told, missing);
            proptest::prop_assert_eq!(sequences.last(), last);
        }
    }
}
