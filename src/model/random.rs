/// A source of random numbers that a seed settles for all time and every machine: SplitMix64 (Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

/// What the state grows by with each number.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// As [`Self::new`], after so many numbers.
    #[cfg(any(test, feature = "gpu"))]
    pub fn after(seed: u64, numbers: u64) -> Self {
        Self(seed.wrapping_add(STEP.wrapping_mul(numbers)))
    }

    /// From 0 up to, but not including, 1.
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(STEP);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_paper() {
        // The first output for the seed 1234567 is 6457827717110365317.
        let first = Random::new(1_234_567).next();
        assert_eq!(
            first,
            (6_457_827_717_110_365_317_u64 >> 11) as f64 / (1_u64 << 53) as f64
        );
        let mut random = Random::new(3);
        let mut same = random.clone();
        let third = [same.next(), same.next(), same.next()][2];
        assert_eq!(Random::after(3, 2).next(), third);
        let mean = (0..10_000).map(|_| random.next()).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
    }
}
