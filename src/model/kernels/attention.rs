use std::ops::Range;

use rayon::prelude::*;

use super::exponential::exp;
use super::instructions::{Instructions, Kernel, LANES, run};
use super::multiply::{Matrix, add_product};
use super::rows::Rows;

/// Keys that are looked at together: their scores and the keys themselves stay in the nearest cache.
const TILE: usize = 64;

/// Rows of queries that a thread takes at a time, about.
const QUERY_ROWS: usize = 192;

/// Keys that a thread takes at a time where there are few queries.
const KEYS_AT_A_TIME: usize = 256;

/// From so many rows on it pays to turn keys round.
const ROWS_TO_TURN: usize = 8;

/// Products of one query and one key below which a second thread costs more than it gains.
const LEAST_FOR_THREADS: usize = 1 << 10;

/// Keys and values, `[batch or 1, key heads, keys]` rows of each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment<'a> {
    /// Keys.
    pub keys: Rows<'a>,
    /// Values.
    pub values: Rows<'a>,
}

/// Scaled dot-product attention: softmax(q · kᵀ / √head) · v, without the scores of all pairs in memory (the online softmax of
/// Milakov and Gimelshein 2018, tile by tile as in Dao et al. 2022).
#[derive(Debug, Clone, Copy)]
pub(super) struct Attention<'a> {
    /// `[batch, heads, positions]`.
    pub queries: Rows<'a>,
    /// What all rows of the batch see whole.
    pub shared: Option<Segment<'a>>,
    /// What each row of the batch sees of its own.
    pub own: Segment<'a>,
    /// Whether the queries are the last of their own keys and see none later than themselves.
    pub is_causal: bool,
}

/// What a thread does at a time: some queries and some keys of one key head.
#[derive(Debug, Clone)]
struct Task {
    is_shared: bool,
    key_head: usize,
    batch: Range<usize>,
    positions: Range<usize>,
    keys: Range<usize>,
}

/// What came of a task, for each of its rows.
struct Partial {
    largest: Vec<f32>,
    sums: Vec<f32>,
    /// `[rows, head]`.
    mixed: Vec<f32>,
}

impl Attention<'_> {
    /// Heads of queries for each head of keys.
    fn group(&self) -> usize {
        self.queries.counts[1] / self.own.keys.counts[1].max(1)
    }

    /// The number of keys of its own that a query sees.
    fn seen(&self, position: usize) -> usize {
        let keys = self.own.keys.counts[2];
        match self.is_causal {
            true => (keys + position + 1)
                .saturating_sub(self.queries.counts[2])
                .min(keys),
            false => keys,
        }
    }

    fn tasks(&self) -> Vec<Task> {
        let [batch, _, positions] = self.queries.counts;
        let mut tasks = Vec::new();
        let shared = self
            .shared
            .map(|segment| (segment, std::iter::once(0..batch).collect::<Vec<_>>()));
        let own = (self.own, (0..batch).map(|row| row..row + 1).collect());
        for (number, (segment, batches)) in shared.into_iter().chain([own]).enumerate() {
            let is_shared = self.shared.is_some() && number == 0;
            for (key_head, batch) in (0..segment.keys.counts[1])
                .flat_map(|head| batches.iter().map(move |batch| (head, batch)))
            {
                let rows = (self.group() * batch.len()).max(1);
                let step = (QUERY_ROWS / rows).clamp(1, positions.max(1));
                for start in (0..positions).step_by(step) {
                    let end = (start + step).min(positions);
                    let keys = match is_shared {
                        true => segment.keys.counts[2],
                        false => self.seen(end - 1),
                    };
                    // Few rows: there may be fewer heads than threads.
                    let at_a_time = if rows * step < 4 * TILE / 2 {
                        KEYS_AT_A_TIME
                    } else {
                        keys
                    };
                    for first in (0..keys).step_by(at_a_time.max(1)) {
                        tasks.push(Task {
                            is_shared,
                            key_head,
                            batch: batch.clone(),
                            positions: start..end,
                            keys: first..(first + at_a_time).min(keys),
                        });
                    }
                }
            }
        }
        tasks
    }

    /// The rows of a task: batch, head and position of each.
    fn rows<'a>(&self, task: &'a Task) -> impl Iterator<Item = [usize; 3]> + use<'a> {
        let heads = task.key_head * self.group()..(task.key_head + 1) * self.group();
        task.batch.clone().flat_map(move |batch| {
            heads.clone().flat_map(move |head| {
                task.positions
                    .clone()
                    .map(move |position| [batch, head, position])
            })
        })
    }
}

/// What queries see, `[batch, positions, heads · head]`.
pub(super) fn attend(attention: Attention<'_>) -> Vec<f32> {
    let [batch, heads, positions] = attention.queries.counts;
    let head = attention.queries.length;
    let tasks = attention.tasks();
    let work = |task: &Task| {
        run(TaskOf {
            attention: &attention,
            task,
        })
    };
    let pairs: usize = tasks
        .iter()
        .map(|task| task.batch.len() * attention.group() * task.positions.len() * task.keys.len())
        .sum();
    let partials: Vec<Partial> = match tasks.len() > 1 && pairs >= LEAST_FOR_THREADS {
        true => tasks.par_iter().map(work).collect(),
        false => tasks.iter().map(work).collect(),
    };
    let rows = batch * positions * heads;
    let mut largest = vec![f32::NEG_INFINITY; rows];
    let mut sums = vec![0.0_f32; rows];
    let mut output = vec![0.0_f32; rows * head];
    for (task, partial) in tasks.iter().zip(&partials) {
        let parts = partial.largest.iter().zip(&partial.sums);
        let parts = parts.zip(partial.mixed.chunks(head.max(1)));
        for ([batch, head_number, position], ((&new_largest, &new_sum), mixed)) in
            attention.rows(task).zip(parts)
        {
            let place = (batch * positions + position) * heads + head_number;
            let (Some(largest), Some(sum)) = (largest.get_mut(place), sums.get_mut(place)) else {
                continue;
            };
            let output = output.get_mut(place * head..(place + 1) * head);
            let both = largest.max(new_largest);
            let (old, new) = ((*largest - both).exp(), (new_largest - both).exp());
            if new_sum == 0.0 {
                continue;
            }
            for (output, mixed) in output.unwrap_or_default().iter_mut().zip(mixed) {
                *output = *output * old + mixed * new;
            }
            *sum = *sum * old + new_sum * new;
            *largest = both;
        }
    }
    for (output, sum) in output.chunks_mut(head.max(1)).zip(sums) {
        let factor = if sum > 0.0 { 1.0 / sum } else { 0.0 };
        output.iter_mut().for_each(|number| *number *= factor);
    }
    output
}

struct TaskOf<'a> {
    attention: &'a Attention<'a>,
    task: &'a Task,
}

impl Kernel for TaskOf<'_> {
    type Output = Partial;

    #[inline(always)]
    fn run<I: Instructions>(self, simd: I) -> Partial {
        let Self { attention, task } = self;
        let head = attention.queries.length;
        let segment = match (task.is_shared, attention.shared) {
            (true, Some(shared)) => shared,
            _ => attention.own,
        };
        let factor = 1.0 / (head as f32).sqrt();
        let mut queries = Vec::new();
        let mut limits = Vec::new();
        for [batch, head, position] in attention.rows(task) {
            let row = attention.queries.row(batch, head, position);
            queries.extend(row.iter().map(|number| number * factor));
            limits.push(match task.is_shared {
                true => task.keys.end,
                false => attention.seen(position).min(task.keys.end),
            });
        }
        let rows = limits.len();
        let mut partial = Partial {
            largest: vec![f32::NEG_INFINITY; rows],
            sums: vec![0.0; rows],
            mixed: vec![0.0; rows * head],
        };
        let turns = rows >= ROWS_TO_TURN;
        let mut turned = vec![0.0_f32; if turns { head * TILE } else { 0 }];
        let mut scores = vec![0.0_f32; rows * TILE];
        let key_batch = if task.is_shared { 0 } else { task.batch.start };
        let left = Matrix {
            numbers: &queries,
            stride: head,
        };
        for first in task.keys.clone().step_by(TILE) {
            let count = (task.keys.end - first).min(TILE);
            if turns {
                for key in 0..count {
                    let row = segment.keys.row(key_batch, task.key_head, first + key);
                    for (turned, number) in turned.chunks_exact_mut(TILE).zip(row) {
                        if let Some(turned) = turned.get_mut(key) {
                            *turned = *number;
                        }
                    }
                }
                scores.fill(0.0);
                let right = Matrix {
                    numbers: &turned,
                    stride: TILE,
                };
                add_product(simd, &mut scores, TILE, [rows, head, TILE], left, right);
            } else {
                for key in 0..count {
                    let row = segment.keys.row(key_batch, task.key_head, first + key);
                    let queries = queries.chunks_exact(head.max(1));
                    for (scores, query) in scores.chunks_exact_mut(TILE).zip(queries) {
                        if let Some(score) = scores.get_mut(key) {
                            *score = dot(simd, query, row);
                        }
                    }
                }
            }
            for (row, scores) in scores.as_chunks_mut::<TILE>().0.iter_mut().enumerate() {
                let limit = limits.get(row).copied().unwrap_or_default();
                let seen = limit.saturating_sub(first).min(count);
                let (Some(largest), Some(sum)) =
                    (partial.largest.get_mut(row), partial.sums.get_mut(row))
                else {
                    continue;
                };
                let correction = softmax(simd, scores, seen, largest, sum);
                if correction != 1.0 {
                    let mixed = partial.mixed.get_mut(row * head..(row + 1) * head);
                    for number in mixed.unwrap_or_default() {
                        *number *= correction;
                    }
                }
            }
            let values = segment.values;
            let [a, b, c] = values.strides;
            let start = key_batch * a + task.key_head * b + first * c;
            let right = Matrix {
                numbers: values.numbers.get(start..).unwrap_or_default(),
                stride: c,
            };
            let left = Matrix {
                numbers: &scores,
                stride: TILE,
            };
            add_product(
                simd,
                &mut partial.mixed,
                head,
                [rows, count, head],
                left,
                right,
            );
        }
        partial
    }
}

/// Turns the scores of a tile into weights relative to the largest score so far; beyond `seen` they are 0. What was summed up
/// before has to be multiplied with the result.
#[inline(always)]
fn softmax<I: Instructions>(
    simd: I,
    scores: &mut [f32; TILE],
    seen: usize,
    largest: &mut f32,
    sum: &mut f32,
) -> f32 {
    if seen == 0 {
        *scores = [0.0; TILE];
        return 1.0;
    }
    for score in scores.iter_mut().skip(seen) {
        *score = f32::NEG_INFINITY;
    }
    let mut best = simd.splat(*largest);
    for lanes in scores.as_chunks::<LANES>().0 {
        best = simd.larger(simd.load(lanes), best);
    }
    let best = simd.largest(best);
    let correction = exp(simd, *largest - best);
    for score in scores.iter_mut() {
        *score = exp(simd, *score - best);
    }
    let mut total = simd.zero();
    for lanes in scores.as_chunks::<LANES>().0 {
        total = simd.plus(total, simd.load(lanes));
    }
    *sum = *sum * correction + simd.sum(total);
    *largest = best;
    correction
}

/// The product of two rows.
#[inline(always)]
fn dot<I: Instructions>(simd: I, one: &[f32], other: &[f32]) -> f32 {
    let mut sums = [simd.zero(); 2];
    let (one, one_rest) = one.as_chunks::<{ 2 * LANES }>();
    let (other, other_rest) = other.as_chunks::<{ 2 * LANES }>();
    for (one, other) in one.iter().zip(other) {
        let pairs = one
            .as_chunks::<LANES>()
            .0
            .iter()
            .zip(other.as_chunks::<LANES>().0);
        for (sum, (one, other)) in sums.iter_mut().zip(pairs) {
            *sum = simd.multiply_add(simd.load(one), simd.load(other), *sum);
        }
    }
    let rest: f32 = one_rest.iter().zip(other_rest).map(|(a, b)| a * b).sum();
    let [one, other] = sums;
    simd.sum(simd.plus(one, other)) + rest
}

#[cfg(test)]
mod tests {
    use super::super::instructions::Plain;
    use super::*;
    use crate::model::random::Random;

    fn random(count: usize, seed: u64) -> Vec<f32> {
        let mut random = Random::new(seed);
        (0..count)
            .map(|_| (random.next() * 4.0 - 2.0) as f32)
            .collect()
    }

    /// In order, with room for `room` rows in each head.
    fn rows(numbers: &[f32], counts: [usize; 3], room: usize, length: usize) -> Rows<'_> {
        let strides = [counts[1] * room * length, room * length, length];
        Rows {
            numbers,
            counts,
            strides,
            length,
        }
    }

    /// One query after the other.
    fn slowly(attention: &Attention<'_>) -> Vec<f32> {
        let [batch, heads, positions] = attention.queries.counts;
        let head = attention.queries.length;
        let mut output = Vec::new();
        for b in 0..batch {
            for p in 0..positions {
                for h in 0..heads {
                    let query = attention.queries.row(b, h, p);
                    let key_head = h / attention.group();
                    let shared = attention.shared.iter().flat_map(|s| {
                        (0..s.keys.counts[2]).map(move |k| {
                            (s.keys.row(0, key_head, k), s.values.row(0, key_head, k))
                        })
                    });
                    let own = &attention.own;
                    let seen = if attention.is_causal {
                        own.keys.counts[2] - positions + p + 1
                    } else {
                        own.keys.counts[2]
                    };
                    let own = (0..seen)
                        .map(|k| (own.keys.row(b, key_head, k), own.values.row(b, key_head, k)));
                    let pairs: Vec<_> = shared.chain(own).collect();
                    let score = |key: &[f32]| {
                        let dot: f32 = query.iter().zip(key).map(|(a, b)| a * b).sum();
                        f64::from(dot / (head as f32).sqrt()).exp()
                    };
                    let sum: f64 = pairs.iter().map(|(key, _)| score(key)).sum();
                    for d in 0..head {
                        let mixed: f64 = pairs
                            .iter()
                            .map(|(key, value)| score(key) * f64::from(value[d]))
                            .sum();
                        output.push((mixed / sum) as f32);
                    }
                }
            }
        }
        output
    }

    fn check(
        batch: usize,
        heads: usize,
        key_heads: usize,
        positions: usize,
        shared: usize,
        own: usize,
        head: usize,
    ) {
        let queries = random(batch * heads * positions * head, 1);
        let (room, shared_room) = (own + 3, shared + 2);
        let keys = random(batch * key_heads * room * head, 2);
        let values = random(batch * key_heads * room * head, 3);
        let shared_keys = random(key_heads * shared_room * head, 4);
        let shared_values = random(key_heads * shared_room * head, 5);
        for is_causal in [true, false] {
            let attention = Attention {
                queries: rows(&queries, [batch, heads, positions], positions, head),
                shared: (shared > 0).then(|| Segment {
                    keys: rows(&shared_keys, [1, key_heads, shared], shared_room, head),
                    values: rows(&shared_values, [1, key_heads, shared], shared_room, head),
                }),
                own: Segment {
                    keys: rows(&keys, [batch, key_heads, own], room, head),
                    values: rows(&values, [batch, key_heads, own], room, head),
                },
                is_causal,
            };
            let (got, wanted) = (attend(attention), slowly(&attention));
            assert_eq!(got.len(), wanted.len());
            for (got, wanted) in got.iter().zip(&wanted) {
                assert!((got - wanted).abs() < 2e-5, "{got} {wanted}");
            }
            for task in attention.tasks() {
                let one = run(TaskOf {
                    attention: &attention,
                    task: &task,
                });
                let other = TaskOf {
                    attention: &attention,
                    task: &task,
                }
                .run(Plain);
                for (one, other) in one.mixed.iter().zip(&other.mixed) {
                    assert!((one - other).abs() < 1e-4, "{one} {other}");
                }
            }
        }
    }

    #[test]
    fn one_query_sees_a_long_context() {
        check(1, 9, 3, 1, 0, 700, 64);
        check(1, 2, 2, 1, 0, 1, 8);
    }

    #[test]
    fn many_queries_see_what_is_not_later() {
        check(1, 6, 2, 130, 0, 150, 16);
        check(2, 4, 1, 65, 0, 65, 20);
        check(1, 3, 3, 200, 0, 200, 12);
    }

    #[test]
    fn rows_of_a_batch_share_what_came_before() {
        check(5, 6, 2, 1, 600, 70, 32);
        check(3, 4, 4, 2, 40, 5, 8);
    }
}
