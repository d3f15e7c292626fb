use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::model::decoder_config::{RotaryConfig, RotaryScaling};
use crate::model::kernels;

/// A place in a context: time, row and column. Text has the same number in all three.
pub(in crate::model) type Position = [u32; 3];

/// Rotary position embedding (Su et al. 2021), halves of a head paired as in `rotate_half` of `transformers`.
#[derive(Debug, Clone)]
pub(in crate::model) struct Rotary {
    /// Radians for each step, of each pair of numbers.
    frequencies: Vec<f32>,
    /// The axis of positions that each pair turns by.
    axes: Vec<usize>,
}

/// The turns of some positions.
#[derive(Debug, Clone)]
pub(in crate::model) struct Rotation {
    /// `[batch, 1, positions, head / 2]`.
    cos: Tensor<4>,
    sin: Tensor<4>,
}

impl Rotary {
    /// Of a language model.
    pub fn new(config: &RotaryConfig) -> Self {
        let pairs = config.axes.len();
        let frequency = |pair: usize| {
            let frequency = 1.0 / (config.theta as f32).powf(pair as f32 / pairs as f32);
            scaled(frequency, pair, &config.scaling)
        };
        Self {
            frequencies: (0..pairs).map(frequency).collect(),
            axes: config.axes.clone(),
        }
    }

    /// Of patches in a grid: the first half of the pairs turns by rows, the second by columns.
    pub fn of_grid(theta: f64, head: usize) -> Self {
        let pairs = head / 4;
        let frequency = |pair: usize| 1.0 / (theta as f32).powf(pair as f32 / pairs as f32);
        let one: Vec<f32> = (0..pairs).map(frequency).collect();
        Self {
            frequencies: [one.clone(), one].concat(),
            axes: [vec![1; pairs], vec![2; pairs]].concat(),
        }
    }

    /// The turns of positions: a list for each row of a batch, all of the same length.
    pub fn rotation(&self, rows: &[Vec<Position>], device: &Device, kind: DType) -> Rotation {
        let count = rows.first().map_or(0, Vec::len);
        let shape = [rows.len(), 1, count, self.frequencies.len()];
        let angles: Vec<f32> = rows
            .iter()
            .flatten()
            .flat_map(|position| {
                let pairs = self.frequencies.iter().zip(&self.axes);
                pairs.map(|(frequency, axis)| {
                    position.get(*axis).copied().unwrap_or_default() as f32 * frequency
                })
            })
            .collect();
        let table = |turn: fn(f32) -> f32| {
            let values: Vec<f32> = angles.iter().copied().map(turn).collect();
            Tensor::from_data(TensorData::new(values, shape), (device, kind))
        };
        Rotation {
            cos: table(f32::cos),
            sin: table(f32::sin),
        }
    }
}

impl Rotation {
    /// Turns `[batch, heads, positions, head]`.
    pub fn apply(&self, input: Tensor<4>) -> Tensor<4> {
        if kernels::fits(&input) && kernels::fits(&self.cos) {
            return kernels::rotate_of(input, self.cos.clone(), self.sin.clone());
        }
        let half = input.dims()[3] / 2;
        let first = input.clone().narrow(3, 0, half);
        let second = input.narrow(3, half, half);
        let turned_first = first.clone() * self.cos.clone() - second.clone() * self.sin.clone();
        let turned_second = second * self.cos.clone() + first * self.sin.clone();
        Tensor::cat(vec![turned_first, turned_second], 3)
    }
}

/// A frequency stretched for long contexts.
fn scaled(frequency: f32, pair: usize, scaling: &RotaryScaling) -> f32 {
    match *scaling {
        RotaryScaling::None => frequency,
        RotaryScaling::Linear { factor } => frequency / factor as f32,
        // `freq_factors` of `ggml_rope_ext`.
        RotaryScaling::Each { ref factors } => {
            frequency / factors.get(pair).copied().unwrap_or(1.0)
        }
        RotaryScaling::Llama3 {
            factor,
            low,
            high,
            context,
        } => {
            // `_compute_llama3_parameters` of `transformers`.
            let wave = std::f64::consts::TAU / f64::from(frequency);
            let turns = context / wave;
            if turns > high {
                frequency
            } else if turns < low {
                frequency / factor as f32
            } else {
                let smooth = (turns - low) / (high - low);
                let frequency = f64::from(frequency);
                ((1.0 - smooth) * frequency / factor + smooth * frequency) as f32
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(scaling: RotaryScaling, axes: Vec<usize>) -> RotaryConfig {
        RotaryConfig {
            theta: 10_000.0,
            scaling,
            axes,
        }
    }

    #[test]
    fn pairs_turn_by_their_axis() {
        let rotary = Rotary::new(&config(RotaryScaling::None, vec![0, 2]));
        let device = Device::flex();
        let rotation = rotary.rotation(&[vec![[1, 7, 2]]], &device, DType::F32);
        let input = Tensor::<4>::from_data([[[[1.0, 0.0, 0.0, 1.0]]]], &device);
        let output: Vec<f32> = rotation.apply(input).into_data().try_to_vec().unwrap();
        // The first pair is (1, 0), turned by 1 radian; the second is (0, 1), turned by 2 × 0.01.
        let wanted = [1_f32.cos(), -(0.02_f32.sin()), 1_f32.sin(), 0.02_f32.cos()];
        for (value, wanted) in output.iter().zip(wanted) {
            assert!((value - wanted).abs() < 1e-6, "{output:?}");
        }
    }

    #[test]
    fn long_contexts_stretch_low_frequencies_alone() {
        let scaling = RotaryScaling::Llama3 {
            factor: 8.0,
            low: 1.0,
            high: 4.0,
            context: 8192.0,
        };
        // A turn in 6.28 tokens is high; in 62,832 tokens low; in 4,096 tokens there are 2 in the context: a third between.
        assert_eq!(scaled(1.0, 0, &scaling), 1.0);
        assert_eq!(scaled(1e-4, 0, &scaling), 1e-4 / 8.0);
        let between = (std::f64::consts::TAU / 4096.0) as f32;
        let wanted = between * (2.0 / 3.0 / 8.0 + 1.0 / 3.0);
        assert!((scaled(between, 0, &scaling) - wanted).abs() < 1e-8);
        let linear = RotaryScaling::Linear { factor: 4.0 };
        assert_eq!(scaled(1.0, 0, &linear), 0.25);
        let each = RotaryScaling::Each {
            factors: vec![1.0, 8.0],
        };
        assert_eq!(
            [scaled(0.5, 0, &each), scaled(0.5, 1, &each)],
            [0.5, 0.0625]
        );
    }
}
