//! How fast a model of the size of Qwen2-VL-2B is on a device, with random weights. Run by hand:
//! `RETAKE_TEST_DEVICE=gpu cargo test --release --features gpu --lib speed -- --ignored --nocapture`

#![allow(clippy::print_stderr)]

use std::time::Instant;

use burn::tensor::{Distribution, Tensor};
use serde_json::json;

use super::architecture::Architecture;
use super::config::Section;
use super::model_folder::Settings;
use super::network::Network;
use super::parity_tests::device;
use super::vision::Pixels;
use super::weights::{Precision, RandomSource};
use crate::jobs::Progress;

fn number(name: &str, default: usize) -> usize {
    let told = std::env::var(name).ok();
    told.and_then(|number| number.parse().ok())
        .unwrap_or(default)
}

fn settings(layers: usize) -> Settings {
    let values = json!({
        "model_type": "qwen2_vl", "vocab_size": 151_936, "hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": layers,
        "num_attention_heads": 12, "num_key_value_heads": 2, "max_position_embeddings": 32_768, "tie_word_embeddings": true,
        "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]},
        "vision_config": {"depth": 32, "embed_dim": 1280, "num_heads": 16, "mlp_ratio": 4, "patch_size": 14},
    });
    Settings {
        path: "random numbers".into(),
        values: values.as_object().unwrap().clone(),
    }
}

/// Bytes in a second that a sum of two large tensors moves.
fn bandwidth(device: &burn::tensor::Device) -> f64 {
    let count = 1 << 27;
    let tensor = || Tensor::<1>::random([count], Distribution::Default, device);
    let (a, b) = (tensor(), tensor());
    let once = || {
        let sum = a.clone() + b.clone();
        device.sync().unwrap();
        sum
    };
    once();
    let started = Instant::now();
    for _ in 0..5 {
        once();
    }
    5.0 * 3.0 * 4.0 * count as f64 / started.elapsed().as_secs_f64()
}

#[test]
#[ignore = "takes gigabytes and minutes"]
fn speed_of_two_billion_random_weights() {
    let device = device();
    let (prompt, tokens) = (number("RETAKE_PROMPT", 1000), number("RETAKE_TOKENS", 64));
    let settings = settings(number("RETAKE_LAYERS", 28));
    let whole = Section::whole(&settings);
    let blueprint = (Architecture::named("qwen2_vl").unwrap().read)(&whole).unwrap();
    let source = RandomSource::new(blueprint.as_ref());
    let precision = match device.is_half() {
        true => Precision::Half,
        false => Precision::Single,
    };
    let bytes_each = precision.kind().size() as f64;
    let started = Instant::now();
    let network = Network::load(
        blueprint.as_ref(),
        &source,
        &settings.path,
        device.burn(),
        precision,
        None,
        &Progress::default(),
    )
    .unwrap();
    device.burn().sync().unwrap();
    eprintln!(
        "{}: {:.2} billion numbers of {bytes_each} bytes, loaded in {:.1} s",
        device.name(),
        source.numbers() as f64 / 1e9,
        started.elapsed().as_secs_f64()
    );
    let moved = bandwidth(device.burn());
    eprintln!("memory: {:.0} GB/s by sums", moved / 1e9);

    let grid = [1, 32, 32];
    let pixels = Pixels::Patches {
        values: vec![0.5; 32 * 32 * 3 * 2 * 14 * 14],
        grid,
    };
    for round in ["first", "second"] {
        let started = Instant::now();
        let seen = network.see(&pixels, &Progress::default()).unwrap();
        let _ = seen.tokens.into_data();
        let seconds = started.elapsed().as_secs_f64();
        eprintln!("picture of 448 × 448, {round} time: {seconds:.3} s");
    }

    let ids: Vec<u32> = (0..prompt as u32).map(|n| n * 37 % 150_000).collect();
    let layout = network.layout(&ids, &[]).unwrap();
    let config = network.config();
    let layer = config.hidden * (config.heads + 2 * config.key_value_heads) * config.head
        + config.heads * config.head * config.hidden
        + 3 * config.hidden * config.intermediate;
    let read = (layer * config.layers + config.vocabulary * config.hidden) as f64 * bytes_each;
    for rows in [1, 5] {
        for round in ["first", "second"] {
            let mut cache = network.cache(1, prompt);
            let started = Instant::now();
            let input = network.input(&ids, &layout, 0, prompt, &[]);
            let _ = network
                .forward_last(input, &mut cache, &Progress::default())
                .unwrap()
                .into_data();
            let seconds = started.elapsed().as_secs_f64();
            eprintln!(
                "prompt of {prompt}, {round} time: {seconds:.3} s, {:.0} tokens/s",
                prompt as f64 / seconds
            );
            let mut fork = cache.fork(rows, tokens);
            let started = Instant::now();
            for step in 0..tokens {
                let input = network.next_input(&vec![7; rows], &vec![(prompt + step) as u32; rows]);
                let _ = network
                    .forward_last(input, &mut fork, &Progress::default())
                    .unwrap()
                    .into_data();
            }
            let seconds = started.elapsed().as_secs_f64() / tokens as f64;
            eprintln!(
                "{rows} rows, {round} time: {:.2} ms for a token of each, {:.1} tokens/s, weights at {:.0} GB/s, {:.1}% of the memory's speed",
                seconds * 1e3,
                rows as f64 / seconds,
                read / seconds / 1e9,
                100.0 * read / seconds / moved
            );
        }
    }
}
