use serde::{Deserialize, Serialize};

use super::ContentHash;
use super::review::Timestamp;

/// How a controller made a candidate: enough to tell candidates apart, and to make the same ones on the same device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    /// The model's name, as it was asked for.
    pub model: String,
    /// BLAKE3 over the weight files in hexadecimal digits, where the server tells it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub weights: Option<String>,
    /// BLAKE3 over the files of an adapter, where the server tells it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub adapter: Option<String>,
    /// The address of a server that is not retake's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub server: Option<String>,
    /// The device that computed it (`cpu`, the name of a GPU), where the server tells it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub device: Option<String>,
    /// What computed it (`flex f32`, `wgpu f16`), where the server tells it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub backend: Option<String>,
    /// How tokens were drawn.
    pub sampling: Sampling,
    /// The temperature of each candidate of the batch, by place, where they were not the same.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub temperatures: Vec<f32>,
    /// What settled the draws of the batch; the candidate's own seed counts on from it by its place.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seed: Option<u64>,
    /// Its place in the batch that it was decoded in, from 0.
    pub place: usize,
    /// Candidates of that batch.
    pub batch: usize,
    /// Tokens of the prompt that were taken from a cache, where the server tells.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cached_tokens: Option<u64>,
    /// BLAKE3 over the canonical JSON of the messages and tools as sent, each picture as the hash of its bytes.
    pub prompt: ContentHash,
    /// BLAKE3 over the canonical JSON of the context that the prompt was made from.
    pub context: ContentHash,
    /// Tokens of the prompt, where the server tells.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prompt_tokens: Option<u64>,
    /// Tokens of the whole batch, where the server tells.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub completion_tokens: Option<u64>,
    /// Why it ended: `stop`, `length`, or what else the server says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finish: Option<String>,
    /// How long the batch took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub milliseconds: Option<u64>,
    /// When it was made.
    pub time: Timestamp,
}

/// How tokens are drawn. What is not set is left to the server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// What logits are divided by.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub temperature: Option<f32>,
    /// Only the best tokens whose probabilities sum up to this.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub top_p: Option<f32>,
    /// Only so many of the best tokens.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub top_k: Option<usize>,
    /// Only tokens of at least this share of the best one's probability.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub min_p: Option<f32>,
    /// What makes tokens of the context less likely.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub repetition_penalty: Option<f32>,
    /// Tokens of a candidate at most.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_tokens: Option<usize>,
    /// Texts that end a candidate.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub stop: Vec<String>,
}
