//! Qwen3-VL: what inner layers of its tower see is added to the first layers of the language model (DeepStack). Source:
//! `modeling_qwen3_vl.py` of `transformers`.

mod deep;

pub(super) use deep::{Deep, DeepConfig};

use super::architecture::Architecture;
use super::decoder_config::DecoderFamily;
use super::layers::Activation;
use super::qwen::{FeedForwardNames, Qwen, VisionFamily};

/// Its row among the architectures.
pub(super) const ARCHITECTURE: Architecture = Architecture {
    model_type: "qwen3_vl",
    title: "Qwen3-VL",
    read: |whole| Qwen::read(whole, &DecoderFamily::QWEN3, &VISION),
};

/// Its vision part.
static VISION: VisionFamily = VisionFamily {
    width: ("hidden_size", 1152),
    intermediate: Some(4304),
    depth: 27,
    patch: 16,
    activation: Activation::GeluTanh,
    has_plain_norms: false,
    has_patch_bias: true,
    feed_forward: FeedForwardNames::Plain("mlp.linear_fc1", "mlp.linear_fc2"),
    merger: ["norm", "linear_fc1", "linear_fc2"],
    has_windows: false,
    is_deep: true,
};
