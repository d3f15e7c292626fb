use super::instructions::{Instructions, LANES};

/// A matrix in memory, row after row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrix<'a> {
    /// From its first number on.
    pub numbers: &'a [f32],
    /// How far apart rows are.
    pub stride: usize,
}

impl<'a> Matrix<'a> {
    /// Some numbers of a row.
    #[inline(always)]
    fn part(&self, row: usize, from: usize, count: usize) -> &'a [f32] {
        let start = row * self.stride + from;
        self.numbers.get(start..start + count).unwrap_or_default()
    }
}

/// Rows of the left side that are computed together: with two vectors of columns their sums fill the registers.
const TALL: usize = 6;

/// Columns that are computed together.
const WIDE: usize = 2 * LANES;

/// `sums += left · right`: `sums` of `[rows, columns]`, `left` of `[rows, inner]`, `right` of `[inner, columns]`.
#[inline(always)]
pub(super) fn add_product<I: Instructions>(
    simd: I,
    sums: &mut [f32],
    stride: usize,
    [rows, inner, columns]: [usize; 3],
    left: Matrix<'_>,
    right: Matrix<'_>,
) {
    let mut row = 0;
    while row < rows {
        let count = (rows - row).min(TALL);
        let left = Matrix {
            numbers: left.numbers.get(row * left.stride..).unwrap_or_default(),
            stride: left.stride,
        };
        let sums = sums.get_mut(row * stride..).unwrap_or_default();
        match count {
            1 => band::<I, 1>(simd, sums, stride, inner, columns, left, right),
            2 => band::<I, 2>(simd, sums, stride, inner, columns, left, right),
            3 => band::<I, 3>(simd, sums, stride, inner, columns, left, right),
            4 => band::<I, 4>(simd, sums, stride, inner, columns, left, right),
            5 => band::<I, 5>(simd, sums, stride, inner, columns, left, right),
            _ => band::<I, 6>(simd, sums, stride, inner, columns, left, right),
        }
        row += count;
    }
}

/// All columns of a few rows.
#[inline(always)]
fn band<I: Instructions, const ROWS: usize>(
    simd: I,
    sums: &mut [f32],
    stride: usize,
    inner: usize,
    columns: usize,
    left: Matrix<'_>,
    right: Matrix<'_>,
) {
    let rows: [&[f32]; ROWS] = std::array::from_fn(|row| left.part(row, 0, inner));
    let mut column = 0;
    while column + WIDE <= columns {
        tile::<I, ROWS, 2>(simd, sums, stride, column, &rows, right);
        column += WIDE;
    }
    while column + LANES <= columns {
        tile::<I, ROWS, 1>(simd, sums, stride, column, &rows, right);
        column += LANES;
    }
    for column in column..columns {
        for (row, left) in rows.iter().enumerate() {
            let Some(sum) = sums.get_mut(row * stride + column) else {
                continue;
            };
            for (place, number) in left.iter().enumerate() {
                let right = right.part(place, column, 1).first();
                *sum += number * right.copied().unwrap_or_default();
            }
        }
    }
}

/// A few rows and `WIDTH` vectors of columns.
#[inline(always)]
fn tile<I: Instructions, const ROWS: usize, const WIDTH: usize>(
    simd: I,
    sums: &mut [f32],
    stride: usize,
    column: usize,
    left: &[&[f32]; ROWS],
    right: Matrix<'_>,
) {
    let mut tile = [[simd.zero(); WIDTH]; ROWS];
    let inner = left.first().map_or(0, |row| row.len());
    let mut left = *left;
    for row in &mut left {
        *row = row.get(..inner).unwrap_or_default();
    }
    for place in 0..inner {
        let part = right.part(place, column, WIDTH * LANES);
        let (vectors, _) = part.as_chunks::<LANES>();
        let Some(vectors) = vectors.first_chunk::<WIDTH>() else {
            return;
        };
        let mut loaded = [simd.zero(); WIDTH];
        for (loaded, vector) in loaded.iter_mut().zip(vectors) {
            *loaded = simd.load(vector);
        }
        for (sums, row) in tile.iter_mut().zip(&left) {
            let Some(number) = row.get(place) else { return };
            let number = simd.splat(*number);
            for (sum, vector) in sums.iter_mut().zip(loaded) {
                *sum = simd.multiply_add(vector, number, *sum);
            }
        }
    }
    for (row, tile) in tile.iter().enumerate() {
        let start = row * stride + column;
        let sums = sums
            .get_mut(start..start + WIDTH * LANES)
            .unwrap_or_default();
        for (sums, tile) in sums.as_chunks_mut::<LANES>().0.iter_mut().zip(tile) {
            simd.store(simd.plus(simd.load(sums), *tile), sums);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::instructions::{Kernel, Plain, run};
    use super::*;

    struct Product<'a> {
        sums: &'a mut [f32],
        shape: [usize; 3],
        left: Matrix<'a>,
        right: Matrix<'a>,
    }

    impl Kernel for Product<'_> {
        type Output = ();

        #[inline(always)]
        fn run<I: Instructions>(self, simd: I) {
            let stride = self.shape[2] + 1;
            add_product(simd, self.sums, stride, self.shape, self.left, self.right);
        }
    }

    #[test]
    fn products_of_all_sizes_are_added() {
        for shape in [
            [1, 1, 1],
            [3, 5, 8],
            [6, 4, 16],
            [7, 9, 27],
            [13, 64, 40],
            [4, 3, 7],
        ] {
            let [rows, inner, columns] = shape;
            let numbers = |count: usize| {
                (0..count)
                    .map(|n| (n * 29 % 17) as f32 - 8.0)
                    .collect::<Vec<_>>()
            };
            let (left, right) = (numbers(rows * (inner + 2)), numbers(inner * (columns + 3)));
            let mut wanted = numbers(rows * (columns + 1));
            let (mut fast, mut slow) = (wanted.clone(), wanted.clone());
            let l = Matrix {
                numbers: &left,
                stride: inner + 2,
            };
            let r = Matrix {
                numbers: &right,
                stride: columns + 3,
            };
            run(Product {
                sums: &mut fast,
                shape,
                left: l,
                right: r,
            });
            Product {
                sums: &mut slow,
                shape,
                left: l,
                right: r,
            }
            .run(Plain);
            for row in 0..rows {
                for column in 0..columns {
                    for place in 0..inner {
                        wanted[row * (columns + 1) + column] +=
                            left[row * (inner + 2) + place] * right[place * (columns + 3) + column];
                    }
                }
            }
            // Whole numbers: there is nothing to round.
            assert_eq!(fast, wanted, "{shape:?}");
            assert_eq!(slow, wanted, "{shape:?}");
        }
    }
}
