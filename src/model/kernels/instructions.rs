//! The one place that knows of sets of instructions.

/// Work that is compiled once for each set of instructions.
///
/// [`Kernel::run`] and what it calls are `#[inline(always)]`: so they become a part of the function that switches the
/// instructions on.
pub(super) trait Kernel {
    /// What it gives.
    type Output;

    /// Does the work. With `FUSED` a product is added to a sum without being rounded, as the processor does it in one go.
    fn run<const FUSED: bool>(self) -> Self::Output;
}

/// Does work with the best instructions that this processor has.
pub(super) fn run<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the processor has the features that the function is compiled for, and nothing else is asked of it.
        #[allow(unsafe_code)]
        return unsafe { with_avx2(kernel) };
    }
    plainly(kernel)
}

/// Does work with the instructions that every processor of this kind has.
pub(super) fn plainly<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<{ cfg!(any(target_arch = "aarch64", target_feature = "fma")) }>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<true>()
}
