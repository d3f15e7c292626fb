//! Qwen2-VL, the controller of MATRIX. Source: `modeling_qwen2_vl.py` of `transformers`.

use super::architecture::Architecture;
use super::decoder_config::DecoderFamily;
use super::layers::Activation;
use super::qwen::{FeedForwardNames, Qwen, VisionFamily};

/// Its row among the architectures.
pub(super) const ARCHITECTURE: Architecture = Architecture {
    model_type: "qwen2_vl",
    title: "Qwen2-VL",
    read: |whole| Qwen::read(whole, &DecoderFamily::QWEN2, &VISION),
};

/// Its vision part; `hidden_size` is the language model's there.
static VISION: VisionFamily = VisionFamily {
    width: ("embed_dim", 1280),
    intermediate: None,
    depth: 32,
    patch: 14,
    activation: Activation::QuickGelu,
    has_plain_norms: false,
    has_patch_bias: false,
    feed_forward: FeedForwardNames::Plain("mlp.fc1", "mlp.fc2"),
    merger: ["ln_q", "mlp.0", "mlp.2"],
    has_windows: false,
    is_deep: false,
};
