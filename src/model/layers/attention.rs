use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData, activation};

use super::norm::single;
use crate::model::kernels;

/// Keys and values that queries look at: `[batch, heads, length, head]`. A batch of one serves all rows.
#[derive(Debug, Clone)]
pub(in crate::model) struct KeysAndValues {
    /// Keys.
    pub keys: Tensor<4>,
    /// Values.
    pub values: Tensor<4>,
}

/// Which queries are computed together, and what they may look at. The same for all layers of a step.
#[derive(Debug, Clone)]
pub(in crate::model) struct AttentionPlan {
    chunks: Vec<Chunk>,
    /// Whether a query sees no key that is later than itself.
    is_causal: bool,
    /// Whether there are keys that are no text.
    is_padded: bool,
}

#[derive(Debug, Clone)]
struct Chunk {
    queries: Range<usize>,
    /// How many keys of the last segment can be seen by any of them.
    keys: usize,
    /// `[batch or 1, 1, queries, keys]`, added to the scores; `None` where all is seen.
    mask: Option<Tensor<4>>,
}

/// Scores that are in memory at a time.
const MOST_SCORES: usize = 1 << 24;

/// Queries of a chunk: beyond it, more keys are cut off by the order of time than there is to gain.
const MOST_QUERIES: usize = 256;

/// What makes a weight zero. Finite, as shaders may take infinities for what they like.
const UNSEEN: f32 = -1e30;

impl AttentionPlan {
    /// Queries that see every key.
    pub fn full(rows: usize, queries: usize, keys: usize) -> Self {
        let chunks = ranges(rows, queries, keys).map(|queries| Chunk {
            queries,
            keys,
            mask: None,
        });
        Self {
            chunks: chunks.collect(),
            is_causal: false,
            is_padded: false,
        }
    }

    /// Queries that are the last of the keys, and see none later than themselves; `input` is what they are made of,
    /// `[batch, queries, any]`.
    ///
    /// `before` are the keys of the last segment before the first query, `shared` those of other segments. `padding` has
    /// for each row of the batch how many of its first keys are no text; empty where there are none.
    pub fn causal(
        heads: usize,
        input: &Tensor<3>,
        before: usize,
        shared: usize,
        padding: &[usize],
    ) -> Self {
        let ([batch, queries, _], device) = (input.dims(), &input.device());
        let is_padded = padding.iter().any(|count| *count > 0);
        if kernels::fits(input) && !is_padded {
            // No mask is needed there.
            return Self {
                chunks: Vec::new(),
                is_causal: true,
                is_padded,
            };
        }
        let ranges = ranges(batch * heads, queries, shared + before + queries);
        let chunks = ranges.map(|queries| {
            let keys = before + queries.end;
            let needs_mask = is_padded || queries.len() > 1;
            let mask = needs_mask.then(|| match is_padded {
                true => causal_mask(&queries, before, padding, device),
                false => causal_mask(&queries, before, &[0], device),
            });
            Chunk {
                queries,
                keys,
                mask,
            }
        });
        Self {
            chunks: chunks.collect(),
            is_causal: true,
            is_padded,
        }
    }
}

/// Queries in chunks: `rows` is how many scores there are for each pair of query and key.
fn ranges(rows: usize, queries: usize, keys: usize) -> impl Iterator<Item = Range<usize>> {
    let most = MOST_SCORES / (rows * keys).max(1);
    let step = most.clamp(1, MOST_QUERIES);
    (0..queries)
        .step_by(step)
        .map(move |start| start..(start + step).min(queries))
}

fn causal_mask(
    queries: &Range<usize>,
    before: usize,
    padding: &[usize],
    device: &Device,
) -> Tensor<4> {
    let keys = before + queries.end;
    let mut values = Vec::with_capacity(padding.len() * queries.len() * keys);
    for first in padding {
        for query in queries.clone() {
            let own = before + query;
            // A query of the padding sees itself, so that there is something to divide by.
            let sees = |key: usize| key == own || (key < own && key >= *first);
            values.extend((0..keys).map(|key| if sees(key) { 0.0 } else { UNSEEN }));
        }
    }
    let shape = [padding.len(), 1, queries.len(), keys];
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Scaled dot-product attention (Vaswani et al. 2017) of `[batch, heads, queries, head]`: `[batch, queries, heads · head]`.
///
/// Several heads of queries share one of keys (grouped-query attention). The plan's mask concerns the last segment; all
/// of the others is seen.
pub(in crate::model) fn attend(
    queries: Tensor<4>,
    segments: &[KeysAndValues],
    plan: &AttentionPlan,
) -> Tensor<3> {
    let [batch, heads, count, head] = queries.dims();
    if kernels::fits(&queries)
        && !plan.is_padded
        && let Some((own, shared)) = segments.split_last()
        && shared.len() <= 1
    {
        let both = |segment: &KeysAndValues| [segment.keys.clone(), segment.values.clone()];
        return kernels::attend_of(queries, shared.first().map(both), both(own), plan.is_causal);
    }
    // Before the product, so that sums of 16 bits stay small.
    let queries = queries.mul_scalar(1.0 / (head as f64).sqrt());
    let mut outputs: Vec<Tensor<4>> = plan
        .chunks
        .iter()
        .map(|chunk| {
            let range = &chunk.queries;
            let part = queries.clone().narrow(2, range.start, range.len());
            attend_chunk(part, segments, chunk)
        })
        .collect();
    let output = match outputs.len() {
        1 => outputs.remove(0),
        _ => Tensor::cat(outputs, 2),
    };
    output.swap_dims(1, 2).reshape([batch, count, heads * head])
}

fn attend_chunk(queries: Tensor<4>, segments: &[KeysAndValues], chunk: &Chunk) -> Tensor<4> {
    let [batch, heads, count, head] = queries.dims();
    let kind = queries.dtype();
    let key_heads = segments.first().map_or(1, |s| s.keys.dims()[1]);
    let group = heads / key_heads;
    // Heads that share keys are rows of one product.
    let queries = queries.reshape([batch, key_heads, group * count, head]);
    let last = segments.len().saturating_sub(1);
    let (mut scores, mut values) = (Vec::new(), Vec::new());
    for (place, segment) in segments.iter().enumerate() {
        let mut segment = segment.clone();
        if place == last {
            segment.keys = segment.keys.narrow(2, 0, chunk.keys);
            segment.values = segment.values.narrow(2, 0, chunk.keys);
        }
        let mut score = single(product(queries.clone(), segment.keys.swap_dims(2, 3)));
        if place == last
            && let Some(mask) = &chunk.mask
        {
            let [rows, _, _, keys] = mask.dims();
            let mask = mask.clone().reshape([rows, 1, 1, count, keys]);
            let grouped = score.reshape([batch, key_heads, group, count, keys]);
            score = (grouped + mask).reshape([batch, key_heads, group * count, keys]);
        }
        scores.push(score);
        values.push(segment.values);
    }
    let lengths: Vec<usize> = scores.iter().map(|score| score.dims()[3]).collect();
    let scores = match scores.len() {
        1 => scores.remove(0),
        _ => Tensor::cat(scores, 3),
    };
    let weights = activation::softmax(scores, 3).cast(kind);
    let mut start = 0;
    let mut output: Option<Tensor<4>> = None;
    for (values, length) in values.into_iter().zip(lengths) {
        let part = product(weights.clone().narrow(3, start, length), values);
        output = Some(match output {
            Some(sum) => sum + part,
            None => part,
        });
        start += length;
    }
    let output = output.unwrap_or_else(|| queries.zeros_like());
    output.reshape([batch, heads, count, head])
}

/// A matrix product for each batch and head. Where all rows of a batch share the right side, they are rows of one product.
fn product(left: Tensor<4>, right: Tensor<4>) -> Tensor<4> {
    let [batch, heads, rows, inner] = left.dims();
    let [right_batch, _, _, columns] = right.dims();
    if right_batch == batch {
        return left.matmul(right);
    }
    let left = left
        .swap_dims(0, 1)
        .reshape([1, heads, batch * rows, inner]);
    left.matmul(right)
        .reshape([heads, batch, rows, columns])
        .swap_dims(0, 1)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    fn random(shape: [usize; 4]) -> Tensor<4> {
        Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex())
    }

    /// What queries of the batch are made of.
    fn input(batch: usize, queries: usize) -> Tensor<3> {
        Tensor::zeros([batch, queries, 1], &Device::flex())
    }

    /// One query after the other, in plain loops: `[batch, queries, heads, head]`.
    fn slowly(
        queries: &Tensor<4>,
        keys: &Tensor<4>,
        values: &Tensor<4>,
        sees: impl Fn(usize, usize, usize) -> bool,
    ) -> Vec<f32> {
        let [batch, heads, count, head] = queries.dims();
        let [_, key_heads, length, _] = keys.dims();
        let list = |tensor: &Tensor<4>| tensor.to_data().try_to_vec::<f32>().unwrap();
        let (q, k, v) = (list(queries), list(keys), list(values));
        let mut output = Vec::new();
        for b in 0..batch {
            for i in 0..count {
                for h in 0..heads {
                    let shared = h / (heads / key_heads);
                    let row = &q[((b * heads + h) * count + i) * head..][..head];
                    let at = |j: usize| ((b * key_heads + shared) * length + j) * head;
                    let score = |j: usize| {
                        let dot: f32 = row.iter().zip(&k[at(j)..]).map(|(a, b)| a * b).sum();
                        (dot / (head as f32).sqrt()).exp()
                    };
                    let weights: Vec<f32> = (0..length)
                        .map(|j| if sees(b, i, j) { score(j) } else { 0.0 })
                        .collect();
                    let sum: f32 = weights.iter().sum();
                    for d in 0..head {
                        let mixed = |(j, w): (usize, &f32)| w * v[at(j) + d];
                        output.push(weights.iter().enumerate().map(mixed).sum::<f32>() / sum);
                    }
                }
            }
        }
        output
    }

    fn assert_close(output: Tensor<3>, wanted: &[f32]) {
        let output = output.into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(output.len(), wanted.len());
        for (value, wanted) in output.iter().zip(wanted) {
            assert!((value - wanted).abs() < 1e-5, "{value} {wanted}");
        }
    }

    #[test]
    fn queries_see_what_is_not_later_and_no_padding() {
        let (queries, keys, values) = (
            random([2, 6, 300, 8]),
            random([2, 2, 310, 8]),
            random([2, 2, 310, 8]),
        );
        let padding = [0, 4];
        let plan = AttentionPlan::causal(6, &input(2, 300), 10, 0, &padding);
        assert_eq!(plan.chunks.len(), 2);
        let segment = KeysAndValues {
            keys: keys.clone(),
            values: values.clone(),
        };
        let output = attend(queries.clone(), &[segment], &plan);
        let wanted = slowly(&queries, &keys, &values, |b, i, j| {
            j <= i + 10 && j >= padding[b]
        });
        assert_close(output, &wanted);
    }

    #[test]
    fn a_shared_segment_is_seen_by_all_rows() {
        let (shared_keys, shared_values) = (random([1, 2, 5, 8]), random([1, 2, 5, 8]));
        let (keys, values) = (random([3, 2, 4, 8]), random([3, 2, 4, 8]));
        let queries = random([3, 4, 1, 8]);
        let segments = [
            KeysAndValues {
                keys: shared_keys.clone(),
                values: shared_values.clone(),
            },
            KeysAndValues {
                keys: keys.clone(),
                values: values.clone(),
            },
        ];
        let plan = AttentionPlan::causal(4, &input(3, 1), 3, 5, &[]);
        assert!(plan.chunks.is_empty());
        let output = attend(queries.clone(), &segments, &plan);
        // The general way, which other devices take.
        let chunk = Chunk {
            queries: 0..1,
            keys: 4,
            mask: None,
        };
        let general = attend_chunk(queries.clone() / 8.0_f32.sqrt(), &segments, &chunk);
        let general = general.swap_dims(1, 2).reshape([3, 1, 32]);
        let whole = |shared: Tensor<4>, own: Tensor<4>| {
            Tensor::cat(vec![shared.expand([3, 2, 5, 8]), own], 2)
        };
        let keys = whole(shared_keys, keys);
        let values = whole(shared_values, values);
        let wanted = slowly(&queries, &keys, &values, |_, _, _| true);
        assert_close(output, &wanted);
        assert_close(general, &wanted);
    }

    #[test]
    fn full_attention_sees_all() {
        let (queries, keys, values) = (
            random([1, 2, 7, 4]),
            random([1, 2, 7, 4]),
            random([1, 2, 7, 4]),
        );
        let plan = AttentionPlan::full(2, 7, 7);
        let segment = KeysAndValues {
            keys: keys.clone(),
            values: values.clone(),
        };
        let output = attend(queries.clone(), &[segment], &plan);
        assert_close(output, &slowly(&queries, &keys, &values, |_, _, _| true));
    }
}
