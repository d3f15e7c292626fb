use serde::{Deserialize, Serialize};

use super::ContentHash;

/// What one judge says of one candidate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The judge (`rules`, `model:NAME`, `outcome:NAME`).
    pub judge: String,
    /// Its score in its own scale; more is better.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub score: Option<f64>,
    /// The 95% interval of the score, its lower and upper end, where it is an estimate.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub interval: Option<[f64; 2]>,
    /// Its place among the candidates, the best being 1; equal ones share a place.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rank: Option<usize>,
    /// Whether it is the one that the judge would go on with.
    #[serde(default)]
    pub best: bool,
    /// Why, in the judge's words.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reasons: Vec<String>,
    /// Why the judge gave no usable answer; there are no score, rank and best then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub no_verdict: Option<String>,
    /// BLAKE3 over the prompt that a model was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prompt: Option<ContentHash>,
}
