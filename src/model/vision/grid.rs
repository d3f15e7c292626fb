//! Where patches are: the order in which Qwen's image processor gives them, and the windows that some layers see.

use crate::model::layers::Position;

/// Patches of a grid in the order of `Qwen2VLImageProcessor`: square after square of merged patches, row by row, and inside a
/// square row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model) struct PatchOrder {
    /// Frames.
    pub frames: usize,
    /// Rows of patches; a multiple of `merge`.
    pub rows: usize,
    /// Columns of patches; a multiple of `merge`.
    pub columns: usize,
    /// Patches of a side of a square.
    pub merge: usize,
}

impl PatchOrder {
    /// Rows and columns of a frame's patches, in order.
    fn places(self) -> Vec<[usize; 2]> {
        let merge = self.merge.max(1);
        let mut places = Vec::with_capacity(self.rows * self.columns);
        for row in (0..self.rows).step_by(merge) {
            for column in (0..self.columns).step_by(merge) {
                for inner in 0..merge * merge {
                    places.push([row + inner / merge, column + inner % merge]);
                }
            }
        }
        places
    }

    /// The positions of all patches; frames do not count.
    pub fn positions(self) -> Vec<Position> {
        let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        let frame: Vec<Position> = self
            .places()
            .into_iter()
            .map(|[row, column]| [0, number(row), number(column)])
            .collect();
        frame.repeat(self.frames)
    }
}

/// For each patch, the four entries of a square table of position embeddings around it, and their shares.
///
/// `get_vision_interpolation_indices_and_weights` of `transformers`: bilinear, corners on corners.
pub(in crate::model) fn interpolation(order: PatchOrder, side: usize) -> (Vec<usize>, Vec<f32>) {
    let taps = |place: usize, count: usize| {
        let steps = (count.max(2) - 1) as f32;
        let at = place as f32 * (side.saturating_sub(1)) as f32 / steps;
        let floor = at.floor();
        let first = (floor as usize).min(side.saturating_sub(1));
        let second = (first + 1).min(side.saturating_sub(1));
        let share = at - floor;
        [(first, 1.0 - share), (second, share)]
    };
    let (mut entries, mut shares) = (Vec::new(), Vec::new());
    for [row, column] in order.places() {
        for (row, row_share) in taps(row, order.rows) {
            for (column, column_share) in taps(column, order.columns) {
                entries.push(row * side + column);
                shares.push(row_share * column_share);
            }
        }
    }
    (entries.repeat(order.frames), shares.repeat(order.frames))
}

/// The squares of a grid, window after window, and how many squares each window has.
///
/// `get_vision_window_index` of `transformers`. `side` is a window's side in squares.
pub(in crate::model) fn windows(order: PatchOrder, side: usize) -> (Vec<usize>, Vec<usize>) {
    let side = side.max(1);
    let merge = order.merge.max(1);
    let (rows, columns) = (order.rows / merge, order.columns / merge);
    let (mut squares, mut counts) = (Vec::new(), Vec::new());
    for frame in 0..order.frames {
        for top in (0..rows).step_by(side) {
            for left in (0..columns).step_by(side) {
                let before = squares.len();
                for row in top..(top + side).min(rows) {
                    for column in left..(left + side).min(columns) {
                        squares.push((frame * rows + row) * columns + column);
                    }
                }
                counts.push(squares.len() - before);
            }
        }
    }
    (squares, counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: PatchOrder = PatchOrder {
        frames: 1,
        rows: 2,
        columns: 4,
        merge: 2,
    };

    #[test]
    fn squares_come_before_rows() {
        let wanted = [
            [0, 0, 0],
            [0, 0, 1],
            [0, 1, 0],
            [0, 1, 1],
            [0, 0, 2],
            [0, 0, 3],
            [0, 1, 2],
            [0, 1, 3],
        ];
        assert_eq!(ORDER.positions(), wanted);
    }

    #[test]
    fn windows_are_cut_at_the_edges() {
        let order = PatchOrder {
            frames: 1,
            rows: 6,
            columns: 4,
            merge: 2,
        };
        // Squares: 3 rows of 2. A window has 2 × 2.
        let (squares, counts) = windows(order, 2);
        assert_eq!(squares, [0, 1, 2, 3, 4, 5]);
        assert_eq!(counts, [4, 2]);
        let order = PatchOrder {
            frames: 2,
            rows: 4,
            columns: 6,
            merge: 2,
        };
        let (squares, counts) = windows(order, 2);
        assert_eq!(squares, [0, 1, 3, 4, 2, 5, 6, 7, 9, 10, 8, 11]);
        assert_eq!(counts, [4, 2, 4, 2]);
    }

    #[test]
    fn corners_lie_on_corners() {
        // A table of 4 × 4 under a grid of 2 × 4: rows 0 and 3, columns 0 to 3, each whole.
        let (entries, shares) = interpolation(ORDER, 4);
        let whole: Vec<usize> = entries
            .chunks(4)
            .zip(shares.chunks(4))
            .map(|(entries, shares)| {
                let place = shares.iter().position(|share| *share == 1.0).unwrap();
                entries[place]
            })
            .collect();
        assert_eq!(whole, [0, 1, 12, 13, 2, 3, 14, 15]);
        // A table of 3 × 3 under the same grid: column 1 is two thirds between the first two entries.
        let (entries, shares) = interpolation(ORDER, 3);
        assert_eq!(entries[4..8], [0, 1, 3, 4]);
        assert!((shares[5] - 2.0 / 3.0).abs() < 1e-6 && (shares[4] - 1.0 / 3.0).abs() < 1e-6);
    }
}
