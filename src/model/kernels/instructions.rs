//! The one place that knows of sets of instructions, and the one with `unsafe`.

/// How many numbers are computed at once.
pub(super) const LANES: usize = 8;

/// A set of instructions: eight numbers of 32 bits are computed at once.
pub(super) trait Instructions: Copy {
    /// Whether a product is added to a sum without being rounded, as the processor does it in one go.
    const FUSED: bool;

    /// Numbers that are computed at once.
    type Lanes: Copy;

    /// Numbers of memory.
    fn load(self, numbers: &[f32; LANES]) -> Self::Lanes;

    /// To memory.
    fn store(self, lanes: Self::Lanes, numbers: &mut [f32; LANES]);

    /// The same number everywhere.
    fn splat(self, number: f32) -> Self::Lanes;

    /// Whole numbers.
    fn of_whole(self, numbers: &[i8; LANES]) -> Self::Lanes;

    /// Sums.
    fn plus(self, a: Self::Lanes, b: Self::Lanes) -> Self::Lanes;

    /// The larger ones. No number is NaN.
    fn larger(self, a: Self::Lanes, b: Self::Lanes) -> Self::Lanes;

    /// `a · b + c`.
    fn multiply_add(self, a: Self::Lanes, b: Self::Lanes, c: Self::Lanes) -> Self::Lanes;

    /// Zeros.
    #[inline(always)]
    fn zero(self) -> Self::Lanes {
        self.splat(0.0)
    }

    /// `a · b + c` of single numbers.
    #[inline(always)]
    fn multiply_add_one(self, a: f32, b: f32, c: f32) -> f32 {
        if Self::FUSED {
            a.mul_add(b, c)
        } else {
            a * b + c
        }
    }

    /// All of them together, in one order whatever the instructions.
    #[inline(always)]
    fn sum(self, lanes: Self::Lanes) -> f32 {
        let mut numbers = [0.0; LANES];
        self.store(lanes, &mut numbers);
        let [a, b, c, d, e, f, g, h] = numbers;
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    }

    /// The largest.
    #[inline(always)]
    fn largest(self, lanes: Self::Lanes) -> f32 {
        let mut numbers = [0.0; LANES];
        self.store(lanes, &mut numbers);
        numbers.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }
}

/// Work that is compiled once for each set of instructions.
///
/// [`Kernel::run`] and what it calls are `#[inline(always)]`: so they become a part of the function that switches the
/// instructions on.
pub(super) trait Kernel {
    /// What it gives.
    type Output;

    /// Does the work.
    fn run<I: Instructions>(self, simd: I) -> Self::Output;
}

/// Does work with the best instructions that this processor has.
pub(super) fn run<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = avx2::Avx2::detect() {
        return simd.run(kernel);
    }
    kernel.run(Plain)
}

/// The instructions that every processor of this kind has: plain loops, which the compiler makes of them what it can.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plain;

impl Plain {
    #[inline(always)]
    fn zip(a: [f32; LANES], b: [f32; LANES], make: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
        let mut result = a;
        for (result, b) in result.iter_mut().zip(b) {
            *result = make(*result, b);
        }
        result
    }
}

impl Instructions for Plain {
    const FUSED: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

    type Lanes = [f32; LANES];

    #[inline(always)]
    fn load(self, numbers: &[f32; LANES]) -> Self::Lanes {
        *numbers
    }

    #[inline(always)]
    fn store(self, lanes: Self::Lanes, numbers: &mut [f32; LANES]) {
        *numbers = lanes;
    }

    #[inline(always)]
    fn splat(self, number: f32) -> Self::Lanes {
        [number; LANES]
    }

    #[inline(always)]
    fn of_whole(self, numbers: &[i8; LANES]) -> Self::Lanes {
        numbers.map(f32::from)
    }

    #[inline(always)]
    fn plus(self, a: Self::Lanes, b: Self::Lanes) -> Self::Lanes {
        Self::zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn larger(self, a: Self::Lanes, b: Self::Lanes) -> Self::Lanes {
        Self::zip(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn multiply_add(self, a: Self::Lanes, b: Self::Lanes, c: Self::Lanes) -> Self::Lanes {
        let mut result = c;
        for ((result, a), b) in result.iter_mut().zip(a).zip(b) {
            *result = self.multiply_add_one(a, b, *result);
        }
        result
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx2 {
    use std::arch::x86_64::{
        __m256, _mm_loadl_epi64, _mm256_add_ps, _mm256_cvtepi8_epi32, _mm256_cvtepi32_ps,
        _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_set1_ps, _mm256_storeu_ps,
    };

    use super::{Instructions, Kernel, LANES};

    /// AVX2 and FMA. There is one only where the processor has them.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct Avx2(());

    impl Avx2 {
        /// Whether this processor has the instructions.
        #[inline]
        pub fn detect() -> Option<Self> {
            let has_all = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            has_all.then_some(Self(()))
        }

        /// Does work with them.
        pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
            // SAFETY: the processor has the features that the function is compiled for, as there is a `Self`.
            unsafe { with_avx2(kernel, self) }
        }
    }

    #[target_feature(enable = "avx2,fma")]
    fn with_avx2<K: Kernel>(kernel: K, simd: Avx2) -> K::Output {
        kernel.run(simd)
    }

    // SAFETY (all of them): the processor has the instructions, as there is a `Self`; pointers are those of arrays of eight
    // numbers, and no alignment is asked of them.
    impl Instructions for Avx2 {
        const FUSED: bool = true;

        type Lanes = __m256;

        #[inline(always)]
        fn load(self, numbers: &[f32; LANES]) -> __m256 {
            unsafe { _mm256_loadu_ps(numbers.as_ptr()) }
        }

        #[inline(always)]
        fn store(self, lanes: __m256, numbers: &mut [f32; LANES]) {
            unsafe { _mm256_storeu_ps(numbers.as_mut_ptr(), lanes) }
        }

        #[inline(always)]
        fn splat(self, number: f32) -> __m256 {
            unsafe { _mm256_set1_ps(number) }
        }

        #[inline(always)]
        fn of_whole(self, numbers: &[i8; LANES]) -> __m256 {
            unsafe {
                let bytes = _mm_loadl_epi64(numbers.as_ptr().cast());
                _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes))
            }
        }

        #[inline(always)]
        fn plus(self, a: __m256, b: __m256) -> __m256 {
            unsafe { _mm256_add_ps(a, b) }
        }

        #[inline(always)]
        fn larger(self, a: __m256, b: __m256) -> __m256 {
            unsafe { _mm256_max_ps(a, b) }
        }

        #[inline(always)]
        fn multiply_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
            unsafe { _mm256_fmadd_ps(a, b, c) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct All;

    impl Kernel for All {
        type Output = Vec<f32>;

        #[inline(always)]
        fn run<I: Instructions>(self, simd: I) -> Vec<f32> {
            let numbers = simd.load(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
            let whole = simd.of_whole(&[-128, -1, 0, 1, 2, 3, 4, 127]);
            let mut output = vec![simd.sum(numbers), simd.largest(whole)];
            let half = simd.splat(0.5);
            for lanes in [
                whole,
                simd.plus(numbers, half),
                simd.larger(numbers, simd.splat(3.5)),
                simd.multiply_add(numbers, half, whole),
                simd.zero(),
            ] {
                let mut numbers = [0.0; LANES];
                simd.store(lanes, &mut numbers);
                output.extend(numbers);
            }
            output
        }
    }

    #[test]
    fn all_instructions_do_the_same() {
        let mut wanted = vec![36.0, 127.0];
        wanted.extend([-128.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 127.0]);
        wanted.extend([1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5]);
        wanted.extend([3.5, 3.5, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0]);
        wanted.extend([-127.5, 0.0, 1.5, 3.0, 4.5, 6.0, 7.5, 131.0]);
        wanted.extend([0.0; 8]);
        assert_eq!(All.run(Plain), wanted);
        assert_eq!(run(All), wanted);
    }
}
