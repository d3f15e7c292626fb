use std::path::PathBuf;

use burn::tensor::{DType, Device, Shape, Tensor, TensorData};

#[cfg(any(test, feature = "gpu"))]
use super::TensorProblem;
use super::checklist::Checklist;
use super::reading::{Reading, Wanted};
use super::{Adapter, TensorSource};
use crate::jobs::Progress;
use crate::model::ModelError;
use crate::model::kernels;
use crate::model::layers::{LayerNorm, Linear, RmsNorm, Weight, WeightBlocks};

/// The type of the numbers that a model computes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model) enum Precision {
    /// 32 bits.
    Single,
    /// 16 bits for weights and between layers; norms and attention weights in 32.
    Half,
    /// Matrices in blocks of 8 bits, all else in 32: on the CPU alone.
    Blocks,
}

impl Precision {
    /// As tensors have it.
    pub fn kind(self) -> DType {
        match self {
            Self::Single | Self::Blocks => DType::F32,
            Self::Half => DType::F16,
        }
    }
}

/// Makes the parts of a model from a source of tensors.
///
/// A model is built twice by the same code: the first time only to write down what it wants, so that everything that is
/// wrong with the files is told at once; the second time with the numbers.
pub(in crate::model) struct Loader<'a> {
    source: &'a dyn TensorSource,
    path: PathBuf,
    device: Device,
    precision: Precision,
    adapter: Option<&'a Adapter>,
    progress: Progress,
    /// There while the model only writes down what it wants.
    checklist: Option<Checklist>,
    failure: Option<ModelError>,
}

impl<'a> Loader<'a> {
    /// Builds a model; `path` is what errors name.
    pub fn build<Model>(
        source: &'a dyn TensorSource,
        path: PathBuf,
        device: &Device,
        precision: Precision,
        adapter: Option<&'a Adapter>,
        progress: &Progress,
        make: impl Fn(&mut Loader<'_>) -> Model,
    ) -> Result<Model, ModelError> {
        let mut loader = Loader {
            source,
            path,
            device: device.clone(),
            precision,
            adapter,
            progress: progress.clone(),
            checklist: Some(Checklist::default()),
            failure: None,
        };
        make(&mut loader);
        if let Some(checklist) = loader.checklist.take() {
            progress.add_total(checklist.count() as u64);
            let mut problems = checklist.finish(source);
            if let Some(adapter) = adapter {
                problems.extend(adapter.problems(source));
            }
            if !problems.is_empty() {
                return Err(ModelError::Tensors {
                    path: loader.path,
                    problems,
                });
            }
        }
        let model = make(&mut loader);
        match loader.failure {
            Some(failure) => Err(failure),
            None => Ok(model),
        }
    }

    /// What a model wants and a source lacks.
    #[cfg(any(test, feature = "gpu"))]
    pub fn wanted<Model>(
        source: &dyn TensorSource,
        make: impl Fn(&mut Loader<'_>) -> Model,
    ) -> Vec<TensorProblem> {
        let mut loader = Loader {
            source,
            path: PathBuf::new(),
            device: Device::flex(),
            precision: Precision::Single,
            adapter: None,
            progress: Progress::default(),
            checklist: Some(Checklist::default()),
            failure: None,
        };
        make(&mut loader);
        let checklist = loader.checklist.take();
        checklist
            .map(|list| list.finish(source))
            .unwrap_or_default()
    }

    /// Whether a tensor is there; for models whose names differ by version.
    pub fn has(&self, name: &str) -> bool {
        self.source.entry(name).is_some()
    }

    /// A tensor may be there and is not needed.
    pub fn allow(&mut self, name: &str) {
        if let Some(checklist) = &mut self.checklist {
            checklist.allow(name);
        }
    }

    /// What is read of these tensors. `None` while nothing is read, and from the first failure on.
    fn take<T>(
        &mut self,
        parts: &[Wanted],
        read: impl FnOnce(&Reading<'_>) -> Result<T, ModelError>,
    ) -> Option<T> {
        if let Some(checklist) = &mut self.checklist {
            for (name, shape) in parts {
                checklist.want(self.source, name, shape);
            }
            return None;
        }
        if self.failure.is_some() {
            return None;
        }
        let reading = Reading {
            source: self.source,
            path: &self.path,
            adapter: self.adapter,
            progress: &self.progress,
        };
        match read(&reading) {
            Ok(taken) => Some(taken),
            Err(error) => {
                self.failure = Some(error);
                None
            }
        }
    }

    /// Tensors of the same row length below each other, as one.
    fn tensor<const D: usize>(&mut self, parts: &[Wanted], shape: [usize; D]) -> Tensor<D> {
        let values = self.take(parts, |reading| reading.numbers(parts));
        let options = (&self.device, self.precision.kind());
        match values {
            Some(values) => Tensor::from_data(TensorData::new(values, Shape::from(shape)), options),
            // Of no use.
            None => Tensor::empty([1; D], options),
        }
    }

    /// A vector.
    pub fn vector(&mut self, name: &str, length: usize) -> Tensor<1> {
        self.tensor(&[(name.to_owned(), vec![length])], [length])
    }

    /// A matrix.
    pub fn matrix(&mut self, name: &str, shape: [usize; 2]) -> Tensor<2> {
        self.tensor(&[(name.to_owned(), shape.to_vec())], shape)
    }

    /// A matrix that inputs are multiplied with, or whose rows are looked up.
    pub fn weight(&mut self, name: &str, shape: [usize; 2]) -> Weight {
        self.fused_weight(&[(name.to_owned(), shape.to_vec())], shape)
    }

    /// As [`Self::tensor`], in blocks where that is asked for and rows are a whole number of them.
    fn fused_weight(&mut self, parts: &[Wanted], shape: [usize; 2]) -> Weight {
        let [outputs, inputs] = shape;
        let is_whole =
            self.precision != Precision::Blocks || !inputs.is_multiple_of(kernels::BLOCK);
        if is_whole {
            return Weight::Whole(self.tensor(parts, shape));
        }
        let Some((values, scales)) = self.take(parts, |reading| reading.blocks(parts)) else {
            // Of no use.
            let options = (&self.device, self.precision.kind());
            return Weight::Whole(Tensor::empty([1, 1], options));
        };
        let values = TensorData::new(values, Shape::from(shape));
        let scales = TensorData::new(scales, Shape::from([outputs, inputs / kernels::BLOCK]));
        Weight::Blocks(Box::new(WeightBlocks {
            values: Tensor::from_data(values, (&self.device, DType::I8)),
            scales: Tensor::from_data(scales, (&self.device, DType::F16)),
        }))
    }

    /// A layer whose weight is `name.weight` of `[outputs, inputs]`, with `name.bias` if it has one.
    pub fn linear(&mut self, name: &str, inputs: usize, outputs: usize, has_bias: bool) -> Linear {
        self.fused_linear(&[(name.to_owned(), outputs)], inputs, has_bias)
    }

    /// Several layers over the same inputs as one, their outputs in order.
    pub fn fused_linear(
        &mut self,
        parts: &[(String, usize)],
        inputs: usize,
        has_bias: bool,
    ) -> Linear {
        let outputs = parts.iter().map(|(_, outputs)| outputs).sum();
        let weights: Vec<_> = parts
            .iter()
            .map(|(name, outputs)| (format!("{name}.weight"), vec![*outputs, inputs]))
            .collect();
        let biases: Vec<_> = parts
            .iter()
            .map(|(name, outputs)| (format!("{name}.bias"), vec![*outputs]))
            .collect();
        Linear {
            weight: self.fused_weight(&weights, [outputs, inputs]),
            bias: has_bias.then(|| self.tensor(&biases, [outputs])),
        }
    }

    /// A layer that a convolution over patches without overlap amounts to: its weight has more than two dimensions.
    pub fn patch_projection(
        &mut self,
        name: &str,
        kernel: &[usize],
        outputs: usize,
        has_bias: bool,
    ) -> Linear {
        let inputs = kernel.iter().product();
        let shape = [&[outputs], kernel].concat();
        let weight = (format!("{name}.weight"), shape);
        Linear {
            weight: Weight::Whole(self.tensor(&[weight], [outputs, inputs])),
            bias: has_bias.then(|| self.vector(&format!("{name}.bias"), outputs)),
        }
    }

    /// `name.weight` and `name.bias`.
    pub fn layer_norm(&mut self, name: &str, length: usize, epsilon: f64) -> LayerNorm {
        LayerNorm {
            weight: self.vector(&format!("{name}.weight"), length),
            bias: self.vector(&format!("{name}.bias"), length),
            epsilon,
        }
    }

    /// `name.weight`.
    pub fn rms_norm(&mut self, name: &str, length: usize, epsilon: f64) -> RmsNorm {
        RmsNorm {
            weight: self.vector(&format!("{name}.weight"), length),
            epsilon,
        }
    }
}
