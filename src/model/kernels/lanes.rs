/// How many numbers are computed at once.
pub(super) const LANES: usize = 8;

/// Numbers that are computed at once: plain loops, which the compiler turns into vector instructions.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(32))]
pub(super) struct Lanes(pub [f32; LANES]);

/// `a · b + c`.
#[inline(always)]
pub(super) fn multiply_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

impl Lanes {
    /// Zeros.
    pub const ZERO: Self = Self([0.0; LANES]);

    /// The same number everywhere.
    #[inline(always)]
    pub fn splat(number: f32) -> Self {
        Self([number; LANES])
    }

    #[inline(always)]
    fn zip(self, other: Self, make: impl Fn(f32, f32) -> f32) -> Self {
        let mut result = self;
        for (one, other) in result.0.iter_mut().zip(other.0) {
            *one = make(*one, other);
        }
        result
    }

    /// Sums.
    #[inline(always)]
    pub fn plus(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    /// Products.
    #[inline(always)]
    pub fn times(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    /// The larger ones.
    #[inline(always)]
    pub fn larger(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }

    /// `self · factor + sum`.
    #[inline(always)]
    pub fn times_plus<const FUSED: bool>(self, factor: Self, sum: Self) -> Self {
        let mut result = sum;
        for ((sum, a), b) in result.0.iter_mut().zip(self.0).zip(factor.0) {
            *sum = multiply_add::<FUSED>(a, b, *sum);
        }
        result
    }

    /// All of them together, in one order whatever the instructions.
    #[inline(always)]
    pub fn sum(self) -> f32 {
        let [a, b, c, d, e, f, g, h] = self.0;
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    }

    /// The largest.
    #[inline(always)]
    pub fn largest(self) -> f32 {
        self.0.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }

    /// `e` to the power of each.
    #[inline(always)]
    pub fn exp<const FUSED: bool>(self) -> Self {
        let mut result = self;
        for number in &mut result.0 {
            *number = exp::<FUSED>(*number);
        }
        result
    }
}

/// `e^x` to about two units in the last place, without a branch; 0 below -87, where numbers would lose their precision.
///
/// `x = n · ln 2 + r`, a polynomial for `e^r` (that of Cephes' `expf`), and `n` added to the exponent.
#[inline(always)]
pub(super) fn exp<const FUSED: bool>(x: f32) -> f32 {
    /// Added to a number it leaves the nearest whole number in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const ONE: u32 = 0x3f80_0000;
    let is_tiny = x < -87.0;
    let x = if x > 88.0 { 88.0 } else { x };
    let x = if is_tiny { -87.0 } else { x };
    let shifted = multiply_add::<FUSED>(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = multiply_add::<FUSED>(n, -LN_2_HIGH, x);
    let r = multiply_add::<FUSED>(n, -LN_2_LOW, r);
    let mut p = 1.987_569_1e-4;
    for coefficient in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ] {
        p = multiply_add::<FUSED>(p, r, coefficient);
    }
    let p = multiply_add::<FUSED>(p, r * r, r) + 1.0;
    let power = (shifted.to_bits() << 23).wrapping_add(ONE);
    if is_tiny { 0.0 } else { p * f32::from_bits(power) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_near_those_of_the_library() {
        for step in -8_700..8_800 {
            let x = step as f32 / 100.0 + 0.0037;
            let wanted = f64::from(x).exp();
            for got in [exp::<true>(x), exp::<false>(x)] {
                let error = (f64::from(got) - wanted).abs() / wanted;
                assert!(error < 3e-7, "{x}: {got} for {wanted}");
            }
        }
        assert_eq!(exp::<true>(0.0), 1.0);
        assert_eq!(exp::<true>(-1e30), 0.0);
        assert!(exp::<true>(1e30).is_finite());
    }

    #[test]
    fn lanes_compute_number_by_number() {
        let numbers = Lanes([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        assert_eq!(numbers.sum(), 36.0);
        assert_eq!(numbers.largest(), 8.0);
        let twice = Lanes::splat(2.0);
        assert_eq!(numbers.times_plus::<false>(twice, twice).0[3], 10.0);
        assert_eq!(numbers.times_plus::<true>(twice, twice).0[7], 18.0);
        assert_eq!(numbers.larger(Lanes::splat(3.5)).0[..4], [3.5, 3.5, 3.5, 4.0]);
        assert_eq!(numbers.times(twice).plus(twice).0[0], 4.0);
    }
}
