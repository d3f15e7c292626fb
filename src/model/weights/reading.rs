use std::path::Path;

use burn::tensor::f16;
use rayon::prelude::*;

use super::{Adapter, TensorSource, first_error, part_length};
use crate::jobs::Progress;
use crate::model::{ModelError, kernels};

/// A tensor that is wanted: its name and its shape.
pub(super) type Wanted = (String, Vec<usize>);

/// Reads the numbers of tensors as a model wants them: changed by an adapter, checked, and in blocks of 8 bits where that is
/// asked for. All threads read and pack, each a part of a tensor at a time, so that no tensor is in memory twice.
pub(super) struct Reading<'a> {
    /// Where they come from.
    pub source: &'a dyn TensorSource,
    /// What errors name.
    pub path: &'a Path,
    /// What is merged into them.
    pub adapter: Option<&'a Adapter>,
    /// A tensor is one of its steps.
    pub progress: &'a Progress,
}

impl Reading<'_> {
    /// Tensors of the same row length below each other, as one.
    pub fn numbers(&self, parts: &[Wanted]) -> Result<Vec<f32>, ModelError> {
        let mut all = vec![0.0; parts.iter().map(numbers_of).sum()];
        let mut rest = all.as_mut_slice();
        for part in parts {
            let numbers = rest.split_off_mut(..numbers_of(part)).unwrap_or_default();
            self.read(part, numbers)?;
            self.progress.advance(1);
        }
        Ok(all)
    }

    /// As [`Self::numbers`], in blocks: whole numbers, and the scales of blocks. Rows are a whole number of blocks.
    pub fn blocks(&self, parts: &[Wanted]) -> Result<(Vec<i8>, Vec<f16>), ModelError> {
        let count = parts.iter().map(numbers_of).sum();
        let mut values = vec![0; count];
        let mut scales = vec![f16::ZERO; count / kernels::BLOCK];
        let (mut all_values, mut all_scales) = (values.as_mut_slice(), scales.as_mut_slice());
        for part in parts {
            let count = numbers_of(part);
            let values = all_values.split_off_mut(..count).unwrap_or_default();
            let scales = all_scales.split_off_mut(..count / kernels::BLOCK);
            self.pack(part, values, scales.unwrap_or_default())?;
            self.progress.advance(1);
        }
        Ok((values, scales))
    }

    fn pack(
        &self,
        wanted: &Wanted,
        values: &mut [i8],
        scales: &mut [f16],
    ) -> Result<(), ModelError> {
        let (name, shape) = wanted;
        let length = part_length(shape);
        // An adapter changes a tensor as a whole.
        let changed = match self.adapter {
            Some(adapter) if adapter.changes(name) => {
                let mut numbers = vec![0.0; numbers_of(wanted)];
                self.read(wanted, &mut numbers)?;
                Some(numbers)
            }
            _ => None,
        };
        let parts = values
            .par_chunks_mut(length)
            .zip(scales.par_chunks_mut(length / kernels::BLOCK))
            .enumerate();
        first_error(
            parts.map_init(Vec::new, |buffer, (part, (values, scales))| {
                let first = part * length;
                let numbers = match &changed {
                    Some(all) => all.get(first..first + values.len()).unwrap_or_default(),
                    None => {
                        buffer.resize(values.len(), 0.0);
                        self.read_part(name, first, buffer)?;
                        buffer.as_slice()
                    }
                };
                match kernels::pack(numbers, values, scales) {
                    true => Ok(()),
                    false => Err(self.wrong(format!(
                        "`{name}` has a number that is too large for weights of 8 bits"
                    ))),
                }
            }),
        )
    }

    /// All numbers of a tensor, right ones.
    fn read(&self, (name, shape): &Wanted, numbers: &mut [f32]) -> Result<(), ModelError> {
        let length = part_length(shape);
        let parts = numbers.par_chunks_mut(length).enumerate();
        first_error(parts.map(|(part, numbers)| self.read_part(name, part * length, numbers)))?;
        match self.adapter {
            Some(adapter) if adapter.changes(name) => {
                adapter.merge(name, shape, numbers)?;
                self.check(name, 0, numbers)
            }
            _ => Ok(()),
        }
    }

    /// A part of a tensor as its file has it.
    fn read_part(&self, name: &str, first: usize, numbers: &mut [f32]) -> Result<(), ModelError> {
        self.progress.check()?;
        self.source.read_part(name, first, numbers)?;
        self.check(name, first, numbers)
    }

    fn check(&self, name: &str, first: usize, numbers: &[f32]) -> Result<(), ModelError> {
        // Without an early end, so that it is quick: nearly all are right.
        let are_finite = numbers
            .iter()
            .fold(true, |all, number| all & number.is_finite());
        if are_finite {
            return Ok(());
        }
        let wrong = numbers.iter().enumerate().find(|(_, n)| !n.is_finite());
        let (place, number) = wrong.unwrap_or((0, &f32::NAN));
        let place = first + place;
        Err(self.wrong(format!(
            "`{name}` has {number} at place {place}, which is no number"
        )))
    }

    fn wrong(&self, reason: String) -> ModelError {
        ModelError::Weights {
            path: self.path.to_owned(),
            reason,
        }
    }
}

fn numbers_of((_, shape): &Wanted) -> usize {
    shape.iter().product()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::weights::TensorEntry;

    /// Tensors of rows of 64 numbers, each by its name's length.
    struct Made {
        rows: usize,
        /// Numbers that are others, by place.
        odd: Vec<(usize, f32)>,
    }

    fn number(name: &str, place: usize) -> f32 {
        ((place * 37 + name.len()) % 1_009) as f32 / 1_009.0 - 0.5
    }

    impl TensorSource for Made {
        fn names(&self) -> Vec<String> {
            Vec::new()
        }

        fn entry(&self, _: &str) -> Option<TensorEntry> {
            None
        }

        fn read_part(
            &self,
            name: &str,
            first: usize,
            numbers: &mut [f32],
        ) -> Result<(), ModelError> {
            assert!(first.is_multiple_of(64) && numbers.len().is_multiple_of(64));
            assert!(first + numbers.len() <= self.rows * 64);
            for (place, out) in (first..).zip(numbers) {
                let odd = self.odd.iter().find(|(odd, _)| *odd == place);
                *out = odd.map_or_else(|| number(name, place), |(_, number)| *number);
            }
            Ok(())
        }
    }

    /// Rows that take several parts, the last of them a smaller one.
    const ROWS: usize = 2_500;

    fn wanted() -> Vec<Wanted> {
        let shape = vec![ROWS, 64];
        vec![
            ("one".to_owned(), shape.clone()),
            ("three".to_owned(), shape),
        ]
    }

    fn reading<'a>(source: &'a Made, progress: &'a Progress) -> Reading<'a> {
        Reading {
            source,
            path: Path::new("made"),
            adapter: None,
            progress,
        }
    }

    #[test]
    fn parts_come_together_whole_and_in_blocks() {
        let source = Made {
            rows: ROWS,
            odd: Vec::new(),
        };
        let progress = Progress::default();
        let reading = reading(&source, &progress);
        let all = reading.numbers(&wanted()).unwrap();
        let places = 0..ROWS * 64;
        let of = |name: &'static str| places.clone().map(move |place| number(name, place));
        assert!(all.iter().copied().eq(of("one").chain(of("three"))));
        let (values, scales) = reading.blocks(&wanted()).unwrap();
        let mut packed = (vec![0; all.len()], vec![f16::ZERO; all.len() / 32]);
        assert!(kernels::pack(&all, &mut packed.0, &mut packed.1));
        assert_eq!(values, packed.0);
        assert_eq!(scales, packed.1);
        assert_eq!(progress.amounts().0, 4);
    }

    #[test]
    fn the_first_wrong_number_is_told() {
        let place = ROWS * 64 - 70_000;
        let source = Made {
            rows: ROWS,
            odd: vec![(ROWS * 64 - 1, f32::INFINITY), (place, f32::NAN)],
        };
        let progress = Progress::default();
        let reading = reading(&source, &progress);
        let said = format!("`one` has NaN at place {place}, which is no number");
        for error in [
            reading.numbers(&wanted()).unwrap_err(),
            reading.blocks(&wanted()).unwrap_err(),
        ] {
            assert!(error.to_string().contains(&said), "{error}");
        }
        let source = Made {
            rows: ROWS,
            odd: vec![(5, 1e9)],
        };
        let error = super::tests::reading(&source, &progress).blocks(&wanted());
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("`one` has a number that is too large"),
            "{error}"
        );
        progress.cancel();
        let error = super::tests::reading(&source, &progress).numbers(&wanted());
        assert!(matches!(error, Err(ModelError::Cancelled(_))), "{error:?}");
    }
}
