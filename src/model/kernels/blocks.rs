use burn::tensor::f16;
use rayon::prelude::*;

use super::instructions::{Instructions, Kernel, LANES, run};

/// Weights in a block: they share a scale.
pub(in crate::model) const BLOCK: usize = 32;

/// Rows of inputs that are multiplied at once, so that a weight is unpacked once for all of them.
const MOST_AT_ONCE: usize = 8;

/// Outputs that a thread computes at a time.
const OUTPUTS_AT_A_TIME: usize = 64;

/// A matrix of `[outputs, inputs]` in blocks of 32 weights of 8 bits with a scale of 16 bits, as `Q8_0` of ggml: a weight is
/// its whole number times the scale of its block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks<'a> {
    /// `outputs × inputs / 32`, row after row.
    pub values: &'a [[i8; BLOCK]],
    /// One for each block.
    pub scales: &'a [f16],
    /// Blocks in a row.
    pub in_row: usize,
}

impl<'a> Blocks<'a> {
    /// Some rows.
    pub fn part(self, start: usize, count: usize) -> Self {
        let range = start * self.in_row..(start + count) * self.in_row;
        Self {
            values: self.values.get(range.clone()).unwrap_or_default(),
            scales: self.scales.get(range).unwrap_or_default(),
            in_row: self.in_row,
        }
    }
}

/// A scale in 32 bits. It is never negative, and finite.
#[inline(always)]
fn scale(half: f16) -> f32 {
    /// What the exponents of 16 and 32 bits differ by.
    const EXPONENTS: f32 = f32::from_bits((127 + 112) << 23);
    f32::from_bits(u32::from(half.to_bits() & 0x7fff) << 13) * EXPONENTS
}

/// Weights to blocks: their whole numbers, as many, and the scales of blocks. False if one is too large for the scale's 16 bits.
/// Their number is a multiple of 32. Nothing is done by other threads.
pub(in crate::model) fn pack(weights: &[f32], values: &mut [i8], scales: &mut [f16]) -> bool {
    let (blocks, _) = weights.as_chunks::<BLOCK>();
    let (packed, _) = values.as_chunks_mut::<BLOCK>();
    run(Pack {
        blocks,
        packed,
        scales,
    })
}

struct Pack<'a> {
    blocks: &'a [[f32; BLOCK]],
    packed: &'a mut [[i8; BLOCK]],
    scales: &'a mut [f16],
}

impl Kernel for Pack<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Instructions>(self, _: I) -> bool {
        const ROUND: f32 = 12_582_912.0;
        let mut fits = true;
        let packed = self.packed.iter_mut().zip(self.scales);
        for (block, (packed, kept)) in self.blocks.iter().zip(packed) {
            let mut largest = 0.0_f32;
            for weight in block {
                let size = weight.abs();
                largest = if size > largest { size } else { largest };
            }
            let half = f16::from_f32(largest / 127.0);
            fits &= half.is_finite();
            *kept = half;
            let step = scale(half);
            let inverse = if step > 0.0 { 1.0 / step } else { 0.0 };
            for (packed, weight) in packed.iter_mut().zip(block) {
                // Half of a step beyond 127 is possible, as the scale was rounded.
                let steps = (weight * inverse).clamp(-127.0, 127.0);
                // The nearest whole number is in the lowest bits then.
                *packed = (steps + ROUND).to_bits() as i8;
            }
        }
        fits
    }
}

/// `input` of `[rows, inputs]` times the transposed matrix: `[rows, outputs]`.
pub(super) fn product(input: &[f32], rows: usize, matrix: Blocks<'_>) -> Vec<f32> {
    let in_row = matrix.in_row.max(1);
    let outputs = matrix.values.len() / in_row;
    let (input, _) = input.as_chunks::<BLOCK>();
    // Rows of outputs are columns here, so that a thread writes to one piece of memory.
    let mut columns = vec![0.0_f32; rows * outputs];
    columns
        .par_chunks_mut(OUTPUTS_AT_A_TIME * rows.max(1))
        .zip(matrix.values.par_chunks(OUTPUTS_AT_A_TIME * in_row))
        .zip(matrix.scales.par_chunks(OUTPUTS_AT_A_TIME * in_row))
        .for_each(|((columns, values), scales)| {
            let matrix = Blocks {
                values,
                scales,
                in_row,
            };
            let mut first = 0;
            while first < rows {
                let count = (rows - first).min(MOST_AT_ONCE);
                let input = input.get(first * in_row..).unwrap_or_default();
                let part = Part {
                    input,
                    matrix,
                    columns: &mut *columns,
                    rows,
                    first,
                };
                match count {
                    1 => run(Products::<1>(part)),
                    2 => run(Products::<2>(part)),
                    3 => run(Products::<3>(part)),
                    4 => run(Products::<4>(part)),
                    5 => run(Products::<5>(part)),
                    6 => run(Products::<6>(part)),
                    7 => run(Products::<7>(part)),
                    _ => run(Products::<8>(part)),
                }
                first += count;
            }
        });
    if rows == 1 {
        return columns;
    }
    let mut output = vec![0.0; rows * outputs];
    for (row, output) in output.chunks_mut(outputs.max(1)).enumerate() {
        for (output, column) in output.iter_mut().zip(columns.chunks(rows)) {
            *output = column.get(row).copied().unwrap_or_default();
        }
    }
    output
}

/// Some outputs of some rows.
struct Part<'a> {
    /// From the first row on.
    input: &'a [[f32; BLOCK]],
    /// The rows of the matrix that belong to these outputs.
    matrix: Blocks<'a>,
    /// `[outputs, rows]`.
    columns: &'a mut [f32],
    /// All rows.
    rows: usize,
    /// The first row of these.
    first: usize,
}

/// A part with this many rows.
struct Products<'a, const ROWS: usize>(Part<'a>);

impl<const ROWS: usize> Kernel for Products<'_, ROWS> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, simd: I) {
        let Part {
            input,
            matrix,
            columns,
            rows,
            first,
        } = self.0;
        let in_row = matrix.in_row;
        let input: [&[[f32; BLOCK]]; ROWS] = std::array::from_fn(|row| {
            input
                .get(row * in_row..(row + 1) * in_row)
                .unwrap_or_default()
        });
        let weights = matrix
            .values
            .chunks_exact(in_row)
            .zip(matrix.scales.chunks_exact(in_row));
        for (column, (values, scales)) in columns.chunks_exact_mut(rows).zip(weights) {
            let sums = row_products(simd, &input, values, scales);
            let column = column.get_mut(first..first + ROWS).unwrap_or_default();
            column.copy_from_slice(sums.get(..column.len()).unwrap_or_default());
        }
    }
}

/// One row of the matrix times some rows of inputs. Each is summed in the same order however many there are.
#[inline(always)]
fn row_products<I: Instructions, const ROWS: usize>(
    simd: I,
    input: &[&[[f32; BLOCK]]; ROWS],
    values: &[[i8; BLOCK]],
    scales: &[f16],
) -> [f32; ROWS] {
    let mut sums = [simd.zero(); ROWS];
    // As many as there are blocks of weights: then no place is outside.
    let blocks = values.len().min(scales.len());
    let input = input.map(|input| input.get(..blocks).unwrap_or_default());
    for (place, (values, half)) in values.iter().zip(scales).enumerate() {
        let scale = simd.splat(scale(*half));
        let weights = unpacked(simd, values);
        for (sum, input) in sums.iter_mut().zip(input) {
            let Some(input) = input.get(place) else { break };
            let mut part = simd.zero();
            for (weights, input) in weights.iter().zip(input.as_chunks::<LANES>().0) {
                part = simd.multiply_add(*weights, simd.load(input), part);
            }
            *sum = simd.multiply_add(part, scale, *sum);
        }
    }
    // A loop: a closure would not become a part of the function that switches the instructions on.
    let mut products = [0.0; ROWS];
    for (product, sum) in products.iter_mut().zip(sums) {
        *product = simd.sum(sum);
    }
    products
}

/// The whole numbers of a block.
#[inline(always)]
fn unpacked<I: Instructions>(simd: I, values: &[i8; BLOCK]) -> [I::Lanes; BLOCK / LANES] {
    let mut weights = [simd.zero(); BLOCK / LANES];
    for (weights, values) in weights.iter_mut().zip(values.as_chunks::<LANES>().0) {
        *weights = simd.of_whole(values);
    }
    weights
}

/// All weights in 32 bits.
pub(super) fn unpack(matrix: Blocks<'_>) -> Vec<f32> {
    let mut weights = vec![0.0_f32; matrix.values.len() * BLOCK];
    const TASK: usize = 1024;
    weights
        .as_chunks_mut::<BLOCK>()
        .0
        .par_chunks_mut(TASK)
        .zip(matrix.values.par_chunks(TASK))
        .zip(matrix.scales.par_chunks(TASK))
        .for_each(|((weights, values), scales)| {
            run(Unpack {
                weights,
                values,
                scales,
            })
        });
    weights
}

/// Some rows in 32 bits, in this order. Numbers of rows that there are none of give zeros.
pub(super) fn unpack_rows(matrix: Blocks<'_>, rows: impl Iterator<Item = usize>) -> Vec<f32> {
    let in_row = matrix.in_row;
    let mut weights = Vec::new();
    for row in rows {
        let range = row.saturating_mul(in_row)..row.saturating_add(1).saturating_mul(in_row);
        let values = matrix.values.get(range.clone()).unwrap_or_default();
        let scales = matrix.scales.get(range).unwrap_or_default();
        let start = weights.len();
        weights.resize(start + in_row * BLOCK, 0.0);
        let weights = weights.get_mut(start..).unwrap_or_default();
        run(Unpack {
            weights: weights.as_chunks_mut().0,
            values,
            scales,
        });
    }
    weights
}

struct Unpack<'a> {
    weights: &'a mut [[f32; BLOCK]],
    values: &'a [[i8; BLOCK]],
    scales: &'a [f16],
}

impl Kernel for Unpack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, simd: I) {
        let packed = self.values.iter().zip(self.scales);
        for (weights, (values, half)) in self.weights.iter_mut().zip(packed) {
            let scale = simd.splat(scale(*half));
            let weights = weights.as_chunks_mut::<LANES>().0;
            for (weights, values) in weights.iter_mut().zip(values.as_chunks::<LANES>().0) {
                let whole = simd.of_whole(values);
                simd.store(simd.multiply_add(whole, scale, simd.zero()), weights);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::instructions::Plain;
    use super::*;
    use crate::model::random::Random;

    fn random(count: usize, seed: u64) -> Vec<f32> {
        let mut random = Random::new(seed);
        (0..count).map(|_| (random.next() - 0.5) as f32).collect()
    }

    fn blocks<'a>(packed: &'a (Vec<i8>, Vec<f16>), inputs: usize) -> Blocks<'a> {
        Blocks {
            values: packed.0.as_chunks().0,
            scales: &packed.1,
            in_row: inputs / BLOCK,
        }
    }

    /// Weights in blocks; `None` if one is too large.
    fn pack(weights: &[f32]) -> Option<(Vec<i8>, Vec<f16>)> {
        let mut values = vec![0; weights.len()];
        let mut scales = vec![f16::ZERO; weights.len() / BLOCK];
        super::pack(weights, &mut values, &mut scales).then_some((values, scales))
    }

    #[test]
    fn a_weight_is_off_by_half_a_step_at_most() {
        let weights = random(64 * 40, 1);
        let packed = pack(&weights).unwrap();
        let again = unpack(blocks(&packed, 64));
        for (block, again) in weights.chunks(BLOCK).zip(again.chunks(BLOCK)) {
            let largest = block.iter().fold(0.0_f32, |a, b| a.max(b.abs()));
            for (weight, again) in block.iter().zip(again) {
                assert!(
                    (weight - again).abs() <= largest / 127.0 * 0.505,
                    "{weight} {again}"
                );
            }
        }
        // What was in blocks stays as it is.
        let second = pack(&again).unwrap();
        assert_eq!(second.0, packed.0);
        assert_eq!(second.1, packed.1);
    }

    #[test]
    fn odd_blocks_are_packed_too() {
        let mut weights = vec![0.0; 4 * BLOCK];
        weights[BLOCK] = 1e-30;
        weights[2 * BLOCK] = -127.0;
        weights[2 * BLOCK + 1] = 2.4;
        // A scale that is no normal number of 16 bits.
        weights[3 * BLOCK] = 127.0 * 3.0 * 2.0_f32.powi(-24);
        let packed = pack(&weights).unwrap();
        let again = unpack(blocks(&packed, BLOCK));
        assert_eq!(again[..BLOCK * 2], [0.0; BLOCK * 2]);
        assert_eq!(again[2 * BLOCK..][..3], [-127.0, 2.0, 0.0]);
        assert_eq!(again[3 * BLOCK], weights[3 * BLOCK]);
        weights[0] = 1e7;
        assert_eq!(pack(&weights), None);
    }

    #[test]
    fn products_are_those_of_the_unpacked_weights_for_any_number_of_rows() {
        // More outputs than a thread takes at a time.
        let (inputs, outputs) = (96, 150);
        let packed = pack(&random(inputs * outputs, 2)).unwrap();
        let matrix = blocks(&packed, inputs);
        let weights = unpack(matrix);
        let input = random(inputs * 19, 3);
        let all = product(&input, 19, matrix);
        for rows in [1, 2, 3, 5, 8, 9, 16, 19] {
            let output = product(&input[..rows * inputs], rows, matrix);
            // The same to the last bit, in whatever company.
            assert_eq!(output, all[..rows * outputs]);
        }
        for (row, input) in input.chunks(inputs).enumerate() {
            for (output, weights) in weights.chunks(inputs).enumerate() {
                let wanted: f64 = input
                    .iter()
                    .zip(weights)
                    .map(|(a, b)| f64::from(*a) * f64::from(*b))
                    .sum();
                let got = f64::from(all[row * outputs + output]);
                assert!((got - wanted).abs() < 1e-5, "{got} {wanted}");
            }
        }
        assert_eq!(
            unpack_rows(matrix, [7, 0, 150].into_iter())[..inputs],
            weights[7 * inputs..][..inputs]
        );
        assert_eq!(unpack_rows(matrix, [150].into_iter()), vec![0.0; inputs]);
    }

    #[test]
    fn all_instructions_give_the_same() {
        let packed = pack(&random(64 * 20, 4)).unwrap();
        let matrix = blocks(&packed, 64);
        let input = random(64 * 3, 5);
        let fast = product(&input, 3, matrix);
        let mut slow = vec![0.0; 60];
        Products::<3>(Part {
            input: input.as_chunks().0,
            matrix,
            columns: &mut slow,
            rows: 3,
            first: 0,
        })
        .run(Plain);
        for output in 0..20 {
            for row in 0..3 {
                assert!((fast[row * 20 + output] - slow[output * 3 + row]).abs() < 1e-6);
            }
        }
        let mut plain = vec![0.0; 64 * 20];
        Unpack {
            weights: plain.as_chunks_mut().0,
            values: matrix.values,
            scales: matrix.scales,
        }
        .run(Plain);
        assert_eq!(plain, unpack(matrix));
    }
}
