use burn::tensor::{DType, Int, Tensor, TensorData};

use super::attention::{AttentionPlan, KeysAndValues};
use super::rotary::Position;
use super::{
    Activation, GatedFeedForward, KeyValueCache, Linear, RmsNorm, Rotary, Rotation, Weight, attend,
};
use crate::jobs::{Cancelled, Progress};
use crate::model::decoder_config::DecoderConfig;
use crate::model::weights::Loader;

/// A language model: token embeddings, layers, and the head that gives logits.
#[derive(Debug)]
pub(in crate::model) struct Decoder {
    config: DecoderConfig,
    /// `[vocabulary, hidden]`.
    embeddings: Weight,
    layers: Vec<DecoderLayer>,
    norm: RmsNorm,
    head: Linear,
    rotary: Rotary,
}

#[derive(Debug)]
struct DecoderLayer {
    attention_norm: RmsNorm,
    /// Queries, keys and values at once.
    queries_keys_values: Linear,
    head_norms: Option<(RmsNorm, RmsNorm)>,
    output: Linear,
    feed_forward_norm: RmsNorm,
    feed_forward: GatedFeedForward,
}

/// What a decoder reads in one step.
#[derive(Debug)]
pub(in crate::model) struct DecoderInput {
    /// `[batch, tokens, hidden]`.
    pub embeddings: Tensor<3>,
    /// The place of each token, for each row of the batch.
    pub positions: Vec<Vec<Position>>,
    /// How many of its first tokens in the cache are padding, for each row; empty where there is none.
    pub padding: Vec<usize>,
    /// What is added after each of the first layers, `[batch, tokens, hidden]` (DeepStack).
    pub additions: Vec<Tensor<3>>,
}

impl Decoder {
    /// Loads a model whose tensors begin with `prefix`, and whose head is `head` unless it is tied to the embeddings.
    pub fn load(loader: &mut Loader<'_>, prefix: &str, head: &str, config: &DecoderConfig) -> Self {
        let embeddings = loader.weight(
            &format!("{prefix}embed_tokens.weight"),
            [config.vocabulary, config.hidden],
        );
        let layers = (0..config.layers)
            .map(|layer| DecoderLayer::load(loader, &format!("{prefix}layers.{layer}."), config))
            .collect();
        let norm = loader.rms_norm(&format!("{prefix}norm"), config.hidden, config.epsilon);
        let head = if config.is_tied {
            // Some files have a copy.
            loader.allow(&format!("{head}.weight"));
            Linear {
                weight: embeddings.clone(),
                bias: None,
            }
        } else {
            loader.linear(head, config.hidden, config.vocabulary, false)
        };
        Self {
            embeddings,
            layers,
            norm,
            head,
            rotary: Rotary::new(&config.rotary),
            config: config.clone(),
        }
    }

    /// Its numbers.
    pub fn config(&self) -> &DecoderConfig {
        &self.config
    }

    /// The type that it computes with.
    pub fn kind(&self) -> DType {
        self.embeddings.dtype()
    }

    /// Where it is.
    pub fn device(&self) -> burn::tensor::Device {
        self.embeddings.device()
    }

    /// An empty cache.
    pub fn cache(&self, batch: usize, capacity: usize) -> KeyValueCache {
        KeyValueCache::new(
            self.config.layers,
            self.config.key_value_heads,
            self.config.head,
            batch,
            capacity,
            &self.device(),
            self.kind(),
        )
    }

    /// The embeddings of tokens, `[tokens, hidden]`. Every id is below the vocabulary's size.
    pub fn embed(&self, ids: &[u32]) -> Tensor<2> {
        let ids: Vec<i64> = ids.iter().map(|id| i64::from(*id)).collect();
        let count = ids.len();
        let ids = Tensor::<1, Int>::from_data(TensorData::new(ids, [count]), &self.device());
        self.embeddings.rows(ids)
    }

    /// Reads tokens behind those in the cache, which has room for them: `[batch, tokens, hidden]`, before the last norm. It can be
    /// stopped between layers; the cache is then as it was.
    pub fn forward(
        &self,
        input: DecoderInput,
        cache: &mut KeyValueCache,
        progress: &Progress,
    ) -> Result<Tensor<3>, Cancelled> {
        let [_, tokens, _] = input.embeddings.dims();
        let device = self.device();
        let rotation = self.rotary.rotation(&input.positions, &device, self.kind());
        let plan = AttentionPlan::causal(
            self.config.heads,
            &input.embeddings,
            cache.own(),
            cache.shared(),
            &input.padding,
        );
        let mut hidden = input.embeddings;
        let mut additions = input.additions.into_iter();
        for (place, layer) in self.layers.iter().enumerate() {
            progress.check()?;
            hidden = layer.forward(hidden, &self.config, &rotation, &plan, place, cache);
            if let Some(addition) = additions.next() {
                hidden = hidden + addition;
            }
        }
        cache.advance(tokens);
        Ok(hidden)
    }

    /// The logits of what [`Self::forward`] gave: `[batch, tokens, vocabulary]`.
    pub fn logits(&self, hidden: Tensor<3>) -> Tensor<3> {
        self.head.forward(self.norm.forward(hidden))
    }
}

impl DecoderLayer {
    fn load(loader: &mut Loader<'_>, prefix: &str, config: &DecoderConfig) -> Self {
        let name = |name: &str| format!("{prefix}{name}");
        let queries = config.heads * config.head;
        let keys = config.key_value_heads * config.head;
        let projections = [
            (name("self_attn.q_proj"), queries),
            (name("self_attn.k_proj"), keys),
            (name("self_attn.v_proj"), keys),
        ];
        let gate_up = [
            (name("mlp.gate_proj"), config.intermediate),
            (name("mlp.up_proj"), config.intermediate),
        ];
        let norm = |loader: &mut Loader<'_>, part: &str, length: usize| {
            loader.rms_norm(&name(part), length, config.epsilon)
        };
        Self {
            attention_norm: norm(loader, "input_layernorm", config.hidden),
            head_norms: config.has_head_norms.then(|| {
                (
                    norm(loader, "self_attn.q_norm", config.head),
                    norm(loader, "self_attn.k_norm", config.head),
                )
            }),
            feed_forward_norm: norm(loader, "post_attention_layernorm", config.hidden),
            queries_keys_values: loader.fused_linear(
                &projections,
                config.hidden,
                config.has_attention_bias,
            ),
            output: loader.linear(
                &name("self_attn.o_proj"),
                queries,
                config.hidden,
                config.has_output_bias,
            ),
            feed_forward: GatedFeedForward {
                gate_up: loader.fused_linear(&gate_up, config.hidden, config.has_feed_forward_bias),
                activation: Activation::Silu,
                down: loader.linear(
                    &name("mlp.down_proj"),
                    config.intermediate,
                    config.hidden,
                    config.has_feed_forward_bias,
                ),
            },
        }
    }

    fn forward(
        &self,
        hidden: Tensor<3>,
        config: &DecoderConfig,
        rotation: &Rotation,
        plan: &AttentionPlan,
        place: usize,
        cache: &mut KeyValueCache,
    ) -> Tensor<3> {
        let [batch, tokens, _] = hidden.dims();
        let all = self
            .queries_keys_values
            .forward(self.attention_norm.forward(hidden.clone()));
        let mut start = 0;
        let mut heads = |count: usize| {
            let width = count * config.head;
            let part = all.clone().narrow(2, start, width);
            start += width;
            part.reshape([batch, tokens, count, config.head])
                .swap_dims(1, 2)
        };
        let mut queries = heads(config.heads);
        let mut keys = heads(config.key_value_heads);
        let values = heads(config.key_value_heads);
        if let Some((query_norm, key_norm)) = &self.head_norms {
            queries = query_norm.forward(queries);
            keys = key_norm.forward(keys);
        }
        let queries = rotation.apply(queries);
        let keys = rotation.apply(keys);
        let segments = cache.append(place, KeysAndValues { keys, values });
        let seen = attend(queries, &segments, plan);
        let hidden = hidden + self.output.forward(seen);
        let changed = self
            .feed_forward
            .forward(self.feed_forward_norm.forward(hidden.clone()));
        hidden + changed
    }
}
