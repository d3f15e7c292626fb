//! What models are made of, shared by all architectures. Each layer is its weights and a `forward`; nothing here knows names
//! of tensors or files.

mod activation;
mod attention;
mod decoder;
mod feed_forward;
mod key_value_cache;
mod linear;
mod norm;
mod rotary;
mod weight;

pub(super) use activation::Activation;
pub(super) use attention::{AttentionPlan, KeysAndValues, attend};
pub(super) use decoder::{Decoder, DecoderInput};
pub(super) use feed_forward::{FeedForward, GatedFeedForward};
pub(super) use key_value_cache::KeyValueCache;
pub(super) use linear::Linear;
pub(super) use norm::{LayerNorm, RmsNorm};
pub(super) use rotary::{Position, Rotary, Rotation};
pub(super) use weight::{Weight, WeightBlocks};
