//! A seeded generator of random numbers: xoshiro256**, seeded by splitmix64, so that a seed gives the same corpus on
//! every machine and with every version of every dependency.

/// One stream of random numbers.
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// The stream of a seed; `part` names an independent stream of the same seed.
    pub fn new(seed: u64, part: u64) -> Self {
        let mut split = seed ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17);
        let state = std::array::from_fn(|_| {
            split = split.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = split;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        });
        Self { state }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        let result = self.state[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = self.state[1] << 17;
        self.state[2] ^= self.state[0];
        self.state[3] ^= self.state[1];
        self.state[1] ^= self.state[2];
        self.state[0] ^= self.state[3];
        self.state[2] ^= shifted;
        self.state[3] = self.state[3].rotate_left(45);
        result
    }

    /// A whole number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.bits()) * end as u128) >> 64) as usize
    }

    /// A whole number from `start` to `end`, both included.
    pub fn between(&mut self, start: usize, end: usize) -> usize {
        start + self.below(end - start + 1)
    }

    /// A number in 0..1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of these.
    pub fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    /// One of these, as likely as its weight says.
    pub fn weighted<T: Copy>(&mut self, of: &[(T, f64)]) -> T {
        let total: f64 = of.iter().map(|(_, weight)| weight).sum();
        let mut left = self.unit() * total;
        for &(what, weight) in of {
            left -= weight;
            if left < 0.0 {
                return what;
            }
        }
        of[of.len() - 1].0
    }

    /// A length whose logarithm is normally distributed, between `least` and `most`.
    pub fn length(&mut self, median: f64, spread: f64, least: usize, most: usize) -> usize {
        // The sum of twelve uniform numbers is near enough to a normal one.
        let normal = (0..12).map(|_| self.unit()).sum::<f64>() - 6.0;
        ((median * (spread * normal).exp()) as usize).clamp(least, most)
    }

    /// Puts a list into a random order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, self.below(at + 1));
        }
    }
}
