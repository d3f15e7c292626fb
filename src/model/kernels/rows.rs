use rayon::prelude::*;

use super::exponential::exp;
use super::instructions::{Instructions, Kernel, LANES, run};

/// Numbers that are worth a thread of their own.
const TASK: usize = 1 << 15;

/// Rows of this length for a thread.
fn rows_of_a_task(length: usize) -> usize {
    (TASK / length.max(1)).max(1)
}

/// Pieces of an output from pieces of an input; on several threads where there are several.
fn in_tasks(
    output: &mut [f32],
    task: usize,
    input: &[f32],
    input_task: usize,
    work: impl Fn(&mut [f32], &[f32]) + Sync,
) {
    if output.len() <= task {
        return work(output, input);
    }
    let pairs = output
        .par_chunks_mut(task)
        .zip(input.par_chunks(input_task));
    pairs.for_each(|(output, input)| work(output, input));
}

/// Root mean square normalisation of rows as long as `weight`.
pub(super) fn rms_norm(input: &[f32], weight: &[f32], epsilon: f32) -> Vec<f32> {
    let mut output = vec![0.0; input.len()];
    let task = rows_of_a_task(weight.len()) * weight.len().max(1);
    in_tasks(&mut output, task, input, task, |output, input| {
        run(RmsNorm {
            input,
            weight,
            epsilon,
            output,
        });
    });
    output
}

struct RmsNorm<'a> {
    input: &'a [f32],
    weight: &'a [f32],
    epsilon: f32,
    output: &'a mut [f32],
}

impl Kernel for RmsNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, simd: I) {
        let length = self.weight.len().max(1);
        let rows = self.input.chunks_exact(length);
        for (output, row) in self.output.chunks_exact_mut(length).zip(rows) {
            let mut squares = [simd.zero(); 2];
            let (pairs, rest) = row.as_chunks::<{ 2 * LANES }>();
            for pair in pairs {
                let lanes = pair.as_chunks::<LANES>().0;
                for (sum, lanes) in squares.iter_mut().zip(lanes) {
                    let lanes = simd.load(lanes);
                    *sum = simd.multiply_add(lanes, lanes, *sum);
                }
            }
            let [one, other] = squares;
            let rest: f32 = rest.iter().map(|number| number * number).sum();
            let mean = (simd.sum(simd.plus(one, other)) + rest) / length as f32;
            let factor = 1.0 / (mean + self.epsilon).sqrt();
            for ((output, number), weight) in output.iter_mut().zip(row).zip(self.weight) {
                *output = number * factor * weight;
            }
        }
    }
}

/// `silu(gate) · up` of rows that have the gate first: `[rows, 2 × length]` to `[rows, length]`.
pub(super) fn gated(both: &[f32], length: usize) -> Vec<f32> {
    let length = length.max(1);
    let mut output = vec![0.0; both.len() / 2];
    let task = rows_of_a_task(length) * length;
    in_tasks(&mut output, task, both, 2 * task, |output, both| {
        run(Gated {
            both,
            length,
            output,
        })
    });
    output
}

struct Gated<'a> {
    both: &'a [f32],
    length: usize,
    output: &'a mut [f32],
}

impl Kernel for Gated<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, simd: I) {
        let rows = self.both.chunks_exact(2 * self.length);
        for (output, row) in self.output.chunks_exact_mut(self.length).zip(rows) {
            let (gate, up) = row.split_at(self.length);
            for ((output, gate), up) in output.iter_mut().zip(gate).zip(up) {
                *output = gate / (1.0 + exp(simd, -gate)) * up;
            }
        }
    }
}

/// Numbers of four dimensions in memory: where a row begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    /// From the first number on.
    pub numbers: &'a [f32],
    /// How many rows there are in each of the first three dimensions.
    pub counts: [usize; 3],
    /// How far apart they are.
    pub strides: [usize; 3],
    /// Numbers of a row, one after the other.
    pub length: usize,
}

impl<'a> Rows<'a> {
    /// A row.
    #[inline(always)]
    pub fn row(&self, a: usize, b: usize, c: usize) -> &'a [f32] {
        let [first, second, third] = self.strides;
        let start = a * first + b * second + c * third;
        self.numbers
            .get(start..start + self.length)
            .unwrap_or_default()
    }
}

/// Turns heads: `[batch, heads, positions, head]` in any order in memory, by `cos` and `sin` of
/// `[batch or 1, 1, positions, head / 2]`. The result is in order.
pub(super) fn rotate(input: Rows<'_>, cos: Rows<'_>, sin: Rows<'_>) -> Vec<f32> {
    let [batch, heads, positions] = input.counts;
    let mut output = vec![0.0; batch * heads * positions * input.length];
    let whole = (positions * input.length).max(1);
    let work = |(place, output): (usize, &mut [f32])| {
        let (batch, head) = (place / heads.max(1), place % heads.max(1));
        run(Rotate {
            input,
            cos,
            sin,
            batch,
            head,
            output,
        });
    };
    match output.len() > TASK {
        true => output.par_chunks_mut(whole).enumerate().for_each(work),
        false => output.chunks_mut(whole).enumerate().for_each(work),
    }
    output
}

struct Rotate<'a> {
    input: Rows<'a>,
    cos: Rows<'a>,
    sin: Rows<'a>,
    batch: usize,
    head: usize,
    output: &'a mut [f32],
}

impl Kernel for Rotate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, simd: I) {
        let Self {
            input,
            cos,
            sin,
            batch,
            head,
            output,
        } = self;
        let turn = if cos.counts[0] > 1 { batch } else { 0 };
        for (position, output) in output.chunks_exact_mut(input.length.max(1)).enumerate() {
            let row = input.row(batch, head, position);
            let (cos, sin) = (cos.row(turn, 0, position), sin.row(turn, 0, position));
            let half = row.len() / 2;
            let (first, second) = row.split_at(half);
            let (turned_first, turned_second) = output.split_at_mut(half);
            for ((((one, other), (a, b)), cos), sin) in turned_first
                .iter_mut()
                .zip(turned_second)
                .zip(first.iter().zip(second))
                .zip(cos)
                .zip(sin)
            {
                *one = simd.multiply_add_one(*a, *cos, -(b * sin));
                *other = simd.multiply_add_one(*b, *cos, a * sin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::instructions::Plain;
    use super::*;

    fn numbers(count: usize) -> Vec<f32> {
        (0..count)
            .map(|n| ((n * 37 % 101) as f32 - 50.0) / 25.0)
            .collect()
    }

    fn assert_near(got: &[f32], wanted: &[f32]) {
        assert_eq!(got.len(), wanted.len());
        for (got, wanted) in got.iter().zip(wanted) {
            assert!(
                (got - wanted).abs() <= 1e-5 * wanted.abs().max(1.0),
                "{got} {wanted}"
            );
        }
    }

    #[test]
    fn norms_divide_by_the_root_of_the_mean_square() {
        // (9 + 16) / 2 = 12.5; √12.5 = 3.5355339.
        let output = rms_norm(&[3.0, -4.0], &[1.0, 2.0], 0.0);
        assert_near(&output, &[3.0 / 3.535_534, -8.0 / 3.535_534]);
        let (input, weight) = (numbers(21 * 2000), numbers(21));
        let wanted: Vec<f32> = input
            .chunks(21)
            .flat_map(|row| {
                let mean = row.iter().map(|n| n * n).sum::<f32>() / 21.0;
                let norm = (mean + 0.1).sqrt();
                row.iter()
                    .zip(&weight)
                    .map(move |(n, w)| n / norm * w)
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_near(&rms_norm(&input, &weight, 0.1), &wanted);
        let mut plain = vec![0.0; input.len()];
        RmsNorm {
            input: &input,
            weight: &weight,
            epsilon: 0.1,
            output: &mut plain,
        }
        .run(Plain);
        assert_near(&plain, &wanted);
    }

    #[test]
    fn gates_open_by_a_sigmoid() {
        let both = numbers(2 * 70 * 1000);
        let wanted: Vec<f32> = both
            .chunks(140)
            .flat_map(|row| {
                let (gate, up) = row.split_at(70);
                gate.iter()
                    .zip(up)
                    .map(|(g, u)| g / (1.0 + (-g).exp()) * u)
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_near(&gated(&both, 70), &wanted);
        let mut plain = vec![0.0; wanted.len()];
        Gated {
            both: &both,
            length: 70,
            output: &mut plain,
        }
        .run(Plain);
        assert_near(&plain, &wanted);
    }

    #[test]
    fn heads_are_turned_wherever_they_lie() {
        // Two heads of four numbers at three positions, position by position: as a projection gives them.
        let input = numbers(24);
        let angles = [0.0_f32, 0.5, 1.0, -1.0, 2.0, 0.25];
        let (cos, sin) = (angles.map(f32::cos), angles.map(f32::sin));
        let turns = |numbers| Rows {
            numbers,
            counts: [1, 1, 3],
            strides: [6, 6, 2],
            length: 2,
        };
        let rows = Rows {
            numbers: &input,
            counts: [1, 2, 3],
            strides: [24, 4, 8],
            length: 4,
        };
        let output = rotate(rows, turns(&cos), turns(&sin));
        let mut wanted = Vec::new();
        for head in 0..2 {
            for position in 0..3 {
                let row = &input[position * 8 + head * 4..][..4];
                let (cos, sin) = (&cos[position * 2..], &sin[position * 2..]);
                wanted.extend((0..2).map(|n| row[n] * cos[n] - row[n + 2] * sin[n]));
                wanted.extend((0..2).map(|n| row[n + 2] * cos[n] + row[n] * sin[n]));
            }
        }
        assert_near(&output, &wanted);
    }
}
