use super::instructions::Instructions;

/// `e^x` to about two units in the last place, without a branch, so that loops of it become vector instructions; 0 below -87, where
/// numbers would lose their precision.
///
/// `x = n · ln 2 + r`, a polynomial for `e^r` (that of Cephes' `expf`), and `n` added to the exponent.
#[inline(always)]
pub(super) fn exp<I: Instructions>(simd: I, x: f32) -> f32 {
    /// Added to a number it leaves the nearest whole number in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const ONE: u32 = 0x3f80_0000;
    let is_tiny = x < -87.0;
    let x = if x > 88.0 { 88.0 } else { x };
    let x = if is_tiny { -87.0 } else { x };
    let shifted = simd.multiply_add_one(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = simd.multiply_add_one(n, -LN_2_HIGH, x);
    let r = simd.multiply_add_one(n, -LN_2_LOW, r);
    let mut p = 1.987_569_1e-4;
    for coefficient in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ] {
        p = simd.multiply_add_one(p, r, coefficient);
    }
    let p = simd.multiply_add_one(p, r * r, r) + 1.0;
    let power = (shifted.to_bits() << 23).wrapping_add(ONE);
    if is_tiny {
        0.0
    } else {
        p * f32::from_bits(power)
    }
}

#[cfg(test)]
mod tests {
    use super::super::instructions::{Kernel, Plain, run};
    use super::*;

    struct Exponentials(Vec<f32>);

    impl Kernel for Exponentials {
        type Output = Vec<f32>;

        #[inline(always)]
        fn run<I: Instructions>(mut self, simd: I) -> Vec<f32> {
            for number in &mut self.0 {
                *number = exp(simd, *number);
            }
            self.0
        }
    }

    #[test]
    fn powers_are_near_those_of_the_library() {
        let numbers: Vec<f32> = (-8_700..8_800)
            .map(|step| step as f32 / 100.0 + 0.0037)
            .collect();
        for powers in [
            run(Exponentials(numbers.clone())),
            Exponentials(numbers.clone()).run(Plain),
        ] {
            for (x, power) in numbers.iter().zip(powers) {
                let wanted = f64::from(*x).exp();
                let error = (f64::from(power) - wanted).abs() / wanted;
                assert!(error < 3e-7, "{x}: {power} for {wanted}");
            }
        }
        let odd = run(Exponentials(vec![0.0, -1e30, 1e30, f32::NEG_INFINITY]));
        assert_eq!((odd[0], odd[1], odd[3]), (1.0, 0.0, 0.0));
        assert!(odd[2].is_finite());
    }
}
