use burn::tensor::{Device, Tensor, TensorData};
use serde_json::json;

use super::architecture::Architecture;
use super::config::Section;
use super::layers::DecoderInput;
use super::model_folder::Settings;
use super::network::Network;
use super::random::Random;
use super::weights::{Precision, RandomSource};
use crate::jobs::Progress;

/// Whether a device computes what the CPU computes: a matrix product, and a small random model with and without its cache.
///
/// Drivers and compilers of shaders have been wrong before without a word.
pub(super) fn self_test(device: &Device, precision: Precision) -> Result<(), String> {
    matrix_product(device)?;
    small_model(device, precision)
}

/// How far logits may be apart, as a part of the largest.
fn tolerance(precision: Precision) -> f32 {
    match precision {
        Precision::Single => 1e-3,
        Precision::Half => 5e-2,
    }
}

fn matrix_product(device: &Device) -> Result<(), String> {
    let mut random = Random::new(1);
    let mut matrix = |rows: usize, columns: usize| {
        let values: Vec<f32> = (0..rows * columns)
            .map(|_| (random.next() - 0.5) as f32)
            .collect();
        TensorData::new(values, [rows, columns])
    };
    let (left, right) = (matrix(65, 130), matrix(130, 97));
    let product = |device: &Device| {
        let left = Tensor::<2>::from_data(left.clone(), device);
        let right = Tensor::<2>::from_data(right.clone(), device);
        numbers(left.matmul(right))
    };
    let (own, wanted) = (product(device)?, product(&Device::flex())?);
    compare("a matrix product", &own, &wanted, 1e-4)
}

fn small_model(device: &Device, precision: Precision) -> Result<(), String> {
    let values = json!({
        "model_type": "llama", "vocab_size": 96, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64,
    });
    let settings = Settings {
        path: "the self-test".into(),
        values: values.as_object().cloned().unwrap_or_default(),
    };
    let whole = Section::whole(&settings);
    let failure = |error: super::ModelError| error.to_string();
    let architecture = Architecture::named("llama").map_err(failure)?;
    let blueprint = (architecture.read)(&whole).map_err(failure)?;
    let source = RandomSource::new(blueprint.as_ref());
    let load = |device: &Device, precision| {
        let progress = Progress::default();
        let path = settings.path.as_path();
        Network::load(
            blueprint.as_ref(),
            &source,
            path,
            device,
            precision,
            None,
            &progress,
        )
    };
    let ids: Vec<u32> = (0..24).map(|place| place * 7 % 96).collect();
    let logits = |network: &Network, cuts: &[usize]| {
        let layout = network.layout(&ids, &[]).map_err(failure)?;
        let mut cache = network.cache(1, ids.len());
        let mut last = Vec::new();
        let mut start = 0;
        for end in cuts.iter().copied().chain([ids.len()]) {
            let input: DecoderInput = network.input(&ids, &layout, start, end, &[]);
            last = numbers(network.forward_last(input, &mut cache))?;
            start = end;
        }
        Ok::<Vec<f32>, String>(last)
    };
    let own = load(device, precision).map_err(failure)?;
    let reference = load(&Device::flex(), Precision::Single).map_err(failure)?;
    let wanted = logits(&reference, &[])?;
    let most = tolerance(precision);
    compare("a small model", &logits(&own, &[])?, &wanted, most)?;
    let cuts: Vec<usize> = [9, 20].into_iter().chain(21..ids.len()).collect();
    compare(
        "a small model with its cache",
        &logits(&own, &cuts)?,
        &wanted,
        most,
    )
}

fn numbers(tensor: Tensor<2>) -> Result<Vec<f32>, String> {
    tensor.try_into_vec_as().map_err(|error| error.to_string())
}

fn compare(what: &str, own: &[f32], wanted: &[f32], most: f32) -> Result<(), String> {
    let largest = wanted
        .iter()
        .fold(0.0_f32, |most, value| most.max(value.abs()));
    let pairs = own.iter().zip(wanted);
    let distance = pairs.fold(0.0_f32, |far, (own, wanted)| match (own - wanted).abs() {
        distance if distance.is_nan() => f32::INFINITY,
        distance => far.max(distance),
    });
    if own.len() == wanted.len() && distance <= most * largest {
        return Ok(());
    }
    Err(format!(
        "{what} comes out wrong, by {distance} where the largest number is {largest}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_passes() {
        self_test(&Device::flex(), Precision::Single).unwrap();
        self_test(&Device::flex(), Precision::Half).unwrap();
    }

    #[test]
    fn the_device_that_is_tried_passes() {
        let device = super::super::parity_tests::device();
        self_test(device.burn(), Precision::Single).unwrap();
    }

    #[test]
    fn wrong_numbers_are_found() {
        assert!(compare("it", &[1.0, 2.0], &[1.0, 2.0], 1e-3).is_ok());
        for wrong in [
            vec![1.0, 2.1],
            vec![1.0],
            vec![1.0, f32::NAN],
            vec![f32::INFINITY, 2.0],
        ] {
            assert!(
                compare("it", &wrong, &[1.0, 2.0], 1e-3).is_err(),
                "{wrong:?}"
            );
        }
    }
}
