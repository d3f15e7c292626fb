//! Qwen2.5-VL: most layers of its tower see windows alone. Source: `modeling_qwen2_5_vl.py` of `transformers`.

mod windows;

pub(super) use windows::{WindowConfig, Windows};

use super::architecture::Architecture;
use super::decoder_config::DecoderFamily;
use super::layers::Activation;
use super::qwen::{FeedForwardNames, Qwen, VisionFamily};

/// Its row among the architectures.
pub(super) const ARCHITECTURE: Architecture = Architecture {
    model_type: "qwen2_5_vl",
    title: "Qwen2.5-VL",
    read: |whole| Qwen::read(whole, &DecoderFamily::QWEN2, &VISION),
};

/// Its vision part.
static VISION: VisionFamily = VisionFamily {
    width: ("hidden_size", 3584),
    intermediate: Some(3420),
    depth: 32,
    patch: 14,
    activation: Activation::Silu,
    has_plain_norms: true,
    has_patch_bias: false,
    feed_forward: FeedForwardNames::Gated,
    merger: ["ln_q", "mlp.0", "mlp.2"],
    has_windows: true,
    is_deep: false,
};
