use std::collections::BTreeMap;

use super::{Loader, TensorEntry, TensorProblem, TensorSource};
use crate::model::ModelError;
use crate::model::architecture::Blueprint;
use crate::model::random::Random;

/// Random numbers for every tensor that a model wants: what is computed with them means nothing, and takes as long.
#[derive(Debug)]
pub(in crate::model) struct RandomSource {
    shapes: BTreeMap<String, Vec<usize>>,
}

/// No tensors.
struct Nothing;

impl TensorSource for Nothing {
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn entry(&self, _: &str) -> Option<TensorEntry> {
        None
    }

    fn read_part(&self, name: &str, _: usize, _: &mut [f32]) -> Result<(), ModelError> {
        Err(ModelError::Weights {
            path: "random numbers".into(),
            reason: format!("`{name}` is missing"),
        })
    }
}

impl RandomSource {
    /// For a model of this configuration: what it misses where there is nothing is what it wants.
    pub fn new(blueprint: &dyn Blueprint) -> Self {
        let wanted = Loader::wanted(&Nothing, |loader| blueprint.build(loader));
        let shape = |problem| match problem {
            TensorProblem::Missing { name, wanted } => Some((name, wanted)),
            _ => None,
        };
        Self {
            shapes: wanted.into_iter().filter_map(shape).collect(),
        }
    }

    /// How many numbers there are.
    #[cfg(test)]
    pub fn numbers(&self) -> usize {
        self.shapes
            .values()
            .map(|shape| shape.iter().product::<usize>())
            .sum()
    }
}

impl TensorSource for RandomSource {
    fn names(&self) -> Vec<String> {
        self.shapes.keys().cloned().collect()
    }

    fn entry(&self, name: &str) -> Option<TensorEntry> {
        Some(TensorEntry {
            shape: self.shapes.get(name)?.clone(),
            kind: "F32".to_owned(),
            is_readable: true,
        })
    }

    fn read_part(&self, name: &str, first: usize, numbers: &mut [f32]) -> Result<(), ModelError> {
        let Some(shape) = self.shapes.get(name) else {
            return Nothing.read_part(name, first, numbers);
        };
        let seed = name.bytes().fold(7_u64, |seed, byte| {
            seed.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte)
        });
        // Norms near one; matrices such that sums stay of the size of what goes in.
        let (center, width) = match shape.as_slice() {
            [_] if name.ends_with("weight") => (1.0, 0.2),
            [_] => (0.0, 0.1),
            [_, inputs @ ..] => (0.0, 3.0 / (inputs.iter().product::<usize>() as f64).sqrt()),
            [] => (0.0, 1.0),
        };
        let mut random = Random::after(seed, first as u64);
        for number in numbers {
            *number = (center + (random.next() - 0.5) * width) as f32;
        }
        Ok(())
    }
}
