//! Models and image processors against what `transformers` computes: the project's own small fixtures, and larger ones where
//! they are.

#![allow(clippy::print_stderr)]

use std::path::{Path, PathBuf};

use burn::store::{ModuleStore, SafetensorsStore, bridge};
use burn::tensor::Tensor;

use super::architecture::{Architecture, MODELS};
use super::config::Section;
use super::layers::{DecoderInput, KeyValueCache};
use super::model_folder::Settings;
use super::network::{Layout, Network};
use super::vision::{PictureEmbedding, Pixels};
use super::weights::{Precision, SafetensorsFolder, TensorSource};
use super::{ComputeDevice, DeviceChoice};
use crate::jobs::Progress;

/// Where the project is; a test binary that was brought to another machine is told.
pub(super) fn package() -> PathBuf {
    let told = std::env::var_os("RETAKE_PACKAGE").map(PathBuf::from);
    told.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")))
}

/// The device that is tried: the CPU, or what `RETAKE_TEST_DEVICE` says: a device as `--device` takes it, or `software`.
pub(super) fn device() -> ComputeDevice {
    let told = std::env::var("RETAKE_TEST_DEVICE").ok();
    #[cfg(feature = "gpu")]
    if told.as_deref() == Some("software") {
        return ComputeDevice::software();
    }
    let choice = told.map_or(DeviceChoice::Cpu, |choice| choice.parse().unwrap());
    let (device, told) = ComputeDevice::choose(choice).unwrap();
    assert!(told.is_empty(), "{told:?}");
    device
}

/// Folders that have a folder for each architecture.
fn roots() -> Vec<PathBuf> {
    let package = package();
    let shared = std::env::var_os("RETAKE_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| package.join("../shared"));
    let mut roots = vec![package.join("tests/reference/parity")];
    let larger = shared.join("data/parity");
    if larger.is_dir() {
        roots.push(larger);
    } else {
        eprintln!("skipped: {} is missing", larger.display());
    }
    roots
}

/// A model with the reference's numbers.
struct Case {
    name: String,
    network: Network,
    ids: Vec<u32>,
    pictures: Vec<Pixels>,
    /// `[tokens, vocabulary]`.
    logits: Vec<f32>,
    greedy: Vec<u32>,
}

fn numbers(source: &dyn TensorSource, name: &str) -> Vec<f32> {
    source.read(name).unwrap()
}

/// Models have no whole numbers, so these are read by Burn's store alone.
fn whole_numbers(source: &SafetensorsFolder, name: &str) -> Vec<u32> {
    let mut store = SafetensorsStore::from_file(source.files().next().unwrap());
    let tensors = store.get_all_tensors().unwrap();
    let data = bridge::to_data(&tensors[name]).unwrap();
    data.try_into_vec_as().unwrap()
}

fn network(folder: &Path, precision: Precision) -> Network {
    let settings = Settings::read(folder, "config.json").unwrap().unwrap();
    let whole = Section::whole(&settings);
    let architecture = Architecture::named(whole.text("model_type").unwrap()).unwrap();
    let blueprint = (architecture.read)(&whole).unwrap();
    let source = SafetensorsFolder::open(folder).unwrap();
    Network::load(
        blueprint.as_ref(),
        &source,
        folder,
        device().burn(),
        precision,
        None,
        &Progress::default(),
    )
    .unwrap()
}

/// The pictures of a fixture.
fn pictures(fixture: &SafetensorsFolder) -> Vec<Pixels> {
    let Some(entry) = fixture.entry("pixel_values") else {
        return Vec::new();
    };
    let values = numbers(fixture, "pixel_values");
    if let [_, count, channels, side, _] = entry.shape[..] {
        // One picture for each tile.
        let size = channels * side * side;
        assert_eq!(values.len(), count * size);
        return values
            .chunks(size)
            .map(|values| Pixels::Tiles {
                values: values.to_vec(),
                count: 1,
                side,
            })
            .collect();
    }
    let width = entry.shape[1];
    let mut rest = values.as_slice();
    whole_numbers(fixture, "image_grid_thw")
        .chunks(3)
        .map(|grid| {
            let grid = [grid[0] as usize, grid[1] as usize, grid[2] as usize];
            let (own, later) = rest.split_at(grid.iter().product::<usize>() * width);
            rest = later;
            Pixels::Patches {
                values: own.to_vec(),
                grid,
            }
        })
        .collect()
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for root in roots() {
        for model in MODELS {
            let folder = root.join(model.model_type);
            let fixture = SafetensorsFolder::of_files([folder.join("fixture.safetensors")]);
            let fixture = fixture.unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
            cases.push(Case {
                name: folder.display().to_string(),
                network: network(&folder, Precision::Single),
                ids: whole_numbers(&fixture, "input_ids"),
                pictures: pictures(&fixture),
                logits: numbers(&fixture, "logits"),
                greedy: whole_numbers(&fixture, "greedy"),
            });
        }
    }
    cases
}

impl Case {
    fn layout(&self) -> Layout {
        let pictures: Vec<&Pixels> = self.pictures.iter().collect();
        self.network.layout(&self.ids, &pictures).unwrap()
    }

    fn embeddings(&self) -> Vec<(usize, PictureEmbedding)> {
        let see = |pixels| self.network.see(pixels, &Progress::default()).unwrap();
        self.pictures.iter().map(see).enumerate().collect()
    }

    fn input(&self, start: usize, end: usize) -> DecoderInput {
        let layout = self.layout();
        let here = |picture: &usize| {
            let own = &layout.pictures[*picture];
            own[0].start >= start && own[0].start < end
        };
        let pictures = self.embeddings();
        let pictures: Vec<_> = pictures.into_iter().filter(|(n, _)| here(n)).collect();
        self.network
            .input(&self.ids, &layout, start, end, &pictures)
    }

    fn cache(&self) -> KeyValueCache {
        self.network.cache(1, self.ids.len() + self.greedy.len())
    }
}

fn list<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec_as().unwrap()
}

fn best(logits: &[f32]) -> u32 {
    let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.unwrap().0 as u32
}

fn furthest(values: &[f32], wanted: &[f32]) -> f32 {
    assert_eq!(values.len(), wanted.len());
    let distances = values.iter().zip(wanted).map(|(a, b)| (a - b).abs());
    distances.fold(0.0, f32::max)
}

fn assert_close(name: &str, values: &[f32], wanted: &[f32], most: f32) {
    let distance = furthest(values, wanted);
    assert!(distance <= most, "{name}: {distance} from the reference");
}

#[test]
fn logits_are_the_references() {
    for case in cases() {
        let mut cache = case.cache();
        let logits = case
            .network
            .forward(case.input(0, case.ids.len()), &mut cache);
        let logits = list(logits);
        eprintln!("{}: {:e}", case.name, furthest(&logits, &case.logits));
        assert_close(&case.name, &logits, &case.logits, 1e-4);
    }
}

#[test]
fn greedy_tokens_are_the_references() {
    for case in cases() {
        let mut cache = case.cache();
        let input = case.input(0, case.ids.len());
        let mut logits = list(
            case.network
                .forward_last(input, &mut cache, &Progress::default())
                .unwrap(),
        );
        let first = case.layout().next;
        let mut greedy = Vec::new();
        for next in (first..).take(case.greedy.len()) {
            // The reference may not end early either: it was told to go on.
            logits[2] = f32::NEG_INFINITY;
            let token = best(&logits);
            greedy.push(token);
            let input = case.network.next_input(&[token], &[next]);
            logits = list(
                case.network
                    .forward_last(input, &mut cache, &Progress::default())
                    .unwrap(),
            );
        }
        assert_eq!(greedy, case.greedy, "{}", case.name);
    }
}

#[test]
fn a_cached_beginning_changes_nothing() {
    for case in cases() {
        let count = case.ids.len();
        let layout = case.layout();
        let ends: Vec<usize> = layout
            .pictures
            .iter()
            .map(|own| own[own.len() - 1].end)
            .collect();
        let starts: Vec<usize> = layout.pictures.iter().map(|own| own[0].start).collect();
        let vocabulary = case.logits.len() / count;
        // Behind the first token, before and behind each picture, before the last token.
        let mut cuts = [vec![1, count - 1], starts, ends].concat();
        cuts.retain(|cut| *cut > 0 && *cut < count);
        for cut in cuts {
            let mut cache = case.cache();
            let first = list(case.network.forward(case.input(0, cut), &mut cache));
            let second = list(case.network.forward(case.input(cut, count), &mut cache));
            assert_close(&case.name, &first, &case.logits[..cut * vocabulary], 1e-4);
            assert_close(&case.name, &second, &case.logits[cut * vocabulary..], 1e-4);
        }
    }
}

/// Rows of a batch that begin with padding.
fn padded(rows: &[DecoderInput]) -> DecoderInput {
    let longest = rows
        .iter()
        .map(|row| row.embeddings.dims()[1])
        .max()
        .unwrap();
    let fill = |tensor: &Tensor<3>| {
        let [_, tokens, width] = tensor.dims();
        let padding = Tensor::ones([1, longest - tokens, width], &tensor.device());
        Tensor::cat(vec![padding, tensor.clone()], 1)
    };
    let additions = rows.iter().map(|row| row.additions.len()).max().unwrap();
    let addition = |place: usize| {
        let of_row = |row: &DecoderInput| match row.additions.get(place) {
            Some(addition) => fill(addition),
            None => fill(&row.embeddings.zeros_like()),
        };
        Tensor::cat(rows.iter().map(of_row).collect(), 0)
    };
    let padding: Vec<usize> = rows
        .iter()
        .map(|row| longest - row.embeddings.dims()[1])
        .collect();
    let positions = rows.iter().zip(&padding).map(|(row, padding)| {
        let mut positions = vec![[0; 3]; *padding];
        positions.extend(&row.positions[0]);
        positions
    });
    DecoderInput {
        embeddings: Tensor::cat(rows.iter().map(|row| fill(&row.embeddings)).collect(), 0),
        positions: positions.collect(),
        padding: padding.clone(),
        additions: (0..additions).map(addition).collect(),
    }
}

#[test]
fn batched_and_left_padded_prompts_are_as_single_ones() {
    for case in cases() {
        let count = case.ids.len();
        let vocabulary = case.logits.len() / count;
        // The whole prompt, and what stands before its first picture (or its first five tokens).
        let short = case.layout().pictures.first().map_or(5, |own| own[0].start);
        let rows = [
            case.input(0, count),
            case.input(0, short),
            case.input(0, count),
        ];
        let input = padded(&rows);
        assert_eq!(input.padding, [0, count - short, 0]);
        let mut cache = case.network.cache(3, count + 1);
        let logits = list(case.network.forward(input, &mut cache));
        let row = count * vocabulary;
        assert_close(&case.name, &logits[..row], &case.logits, 1e-4);
        assert_close(&case.name, &logits[2 * row..], &case.logits, 1e-4);
        let short_logits = &logits[2 * row - short * vocabulary..2 * row];
        let wanted = &case.logits[..short * vocabulary];
        assert_close(&case.name, short_logits, wanted, 1e-4);
    }
}

#[test]
fn candidates_that_share_a_prompt_are_as_single_ones() {
    for case in cases() {
        let mut prompt = case.cache();
        let input = case.input(0, case.ids.len());
        let first = best(&list(
            case.network
                .forward_last(input, &mut prompt, &Progress::default())
                .unwrap(),
        ));
        let next = case.layout().next;
        let tokens = [first, 5, 7];
        let mut batch = prompt.fork(3, 4);
        let input = case.network.next_input(&tokens, &[next; 3]);
        let together = list(
            case.network
                .forward_last(input, &mut batch, &Progress::default())
                .unwrap(),
        );
        let input = case.network.next_input(&[9, 8, 6], &[next + 1; 3]);
        let together_later = list(
            case.network
                .forward_last(input, &mut batch, &Progress::default())
                .unwrap(),
        );
        let vocabulary = together.len() / 3;
        for (row, (token, later)) in tokens.into_iter().zip([9, 8, 6]).enumerate() {
            prompt.truncate(case.ids.len());
            let own = row * vocabulary..(row + 1) * vocabulary;
            let input = case.network.next_input(&[token], &[next]);
            let alone = list(
                case.network
                    .forward_last(input, &mut prompt, &Progress::default())
                    .unwrap(),
            );
            assert_close(&case.name, &together[own.clone()], &alone, 1e-4);
            let input = case.network.next_input(&[later], &[next + 1]);
            let alone = list(
                case.network
                    .forward_last(input, &mut prompt, &Progress::default())
                    .unwrap(),
            );
            assert_close(&case.name, &together_later[own], &alone, 1e-4);
        }
    }
}

#[test]
fn half_precision_is_near() {
    for root in roots() {
        for model in MODELS {
            let folder = root.join(model.model_type);
            let fixture =
                SafetensorsFolder::of_files([folder.join("fixture.safetensors")]).unwrap();
            let case = Case {
                name: folder.display().to_string(),
                network: network(&folder, Precision::Half),
                ids: whole_numbers(&fixture, "input_ids"),
                pictures: pictures(&fixture),
                logits: numbers(&fixture, "logits"),
                greedy: Vec::new(),
            };
            let input = case.input(0, case.ids.len());
            let logits = list(case.network.forward(input, &mut case.cache()));
            let spread = case.logits.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
            assert_close(&case.name, &logits, &case.logits, 0.03 * spread);
        }
    }
}

/// The pictures that image processors were tried on, where there are any.
#[test]
fn pixels_are_the_references() {
    for root in roots() {
        let folder = root.join("processors");
        let expected = SafetensorsFolder::of_files([folder.join("expected_f16.safetensors")]);
        let expected = expected.unwrap();
        let names = expected.names();
        let mut compared = 0;
        for name in names.iter().filter_map(|n| n.strip_suffix(".pixel_values")) {
            let (processor, picture) = name.split_once('.').unwrap();
            let settings = folder.join(processor);
            let processor = match settings.is_dir() {
                true => super::PicturePixels::open(&settings).unwrap(),
                false => made(processor),
            };
            let picture = image::open(folder.join(format!("{picture}.png"))).unwrap();
            let pixels = processor.process(&picture.to_rgb8()).unwrap();
            let shape = whole_numbers(&expected, &format!("{name}.shape"));
            let wanted = numbers(&expected, &format!("{name}.pixel_values"));
            let values = match &pixels {
                Pixels::Patches { values, grid } => {
                    let width = shape[1] as usize;
                    assert_eq!(values.len(), shape[0] as usize * width, "{name}");
                    let wanted = whole_numbers(&expected, &format!("{name}.image_grid_thw"));
                    assert_eq!(grid.map(|side| side as u32)[..], wanted[..], "{name}");
                    values.chunks(width).step_by(4).flatten().copied().collect()
                }
                Pixels::Tiles {
                    values,
                    count,
                    side,
                } => {
                    let [_, tiles, _, height, width] = shape[..] else {
                        panic!("{shape:?}")
                    };
                    assert_eq!(
                        [*count, *side, *side],
                        [tiles as usize, height as usize, width as usize]
                    );
                    let rows = values.chunks(*side);
                    let rows = rows.enumerate().filter(|(row, _)| row % side % 8 == 0);
                    let thinned = rows.flat_map(|(_, row)| row.iter().step_by(8));
                    thinned.copied().collect::<Vec<f32>>()
                }
            };
            assert_eq!(values.len(), wanted.len(), "{name}");
            let far = values
                .iter()
                .zip(&wanted)
                .filter(|(a, b)| (*a - *b).abs() > 2e-3);
            let far = far.count() as f64 / values.len() as f64;
            let furthest = furthest(&values, &wanted);
            eprintln!("{name}: {far} differ, at most {furthest}");
            assert!(far <= 0.01, "{name}: {far} of the values differ");
            assert!(furthest <= 1.0 / 255.0 / 0.26 + 2e-3, "{name}: {furthest}");
            compared += 1;
        }
        assert!(compared >= 4);
    }
}

/// The processors of the larger fixtures, whose settings are in the script that made them.
fn made(name: &str) -> super::PicturePixels {
    let folder = std::env::temp_dir().join(format!("retake-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (kind, settings) = match name {
        "qwen2vl" => ("qwen2_vl", r#"{"min_pixels": 3136, "max_pixels": 200704}"#),
        _ => (
            "smolvlm",
            r#"{"size": {"longest_edge": 1024}, "max_image_size": {"longest_edge": 512}, "resample": 1}"#,
        ),
    };
    std::fs::write(
        folder.join("config.json"),
        format!(r#"{{"model_type": "{kind}"}}"#),
    )
    .unwrap();
    std::fs::write(folder.join("preprocessor_config.json"), settings).unwrap();
    let processor = super::PicturePixels::open(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
    processor.unwrap()
}
