//! GGUF files: one that is written here from a model whose answers are known, cut and spoilt, and a real one where it is.

#![allow(clippy::print_stderr)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::runnable_tests::{candidate, folder};
use super::weights::{SafetensorsFolder, TensorSource};
use super::{
    ChatMessage, GenerationRequest, Generator, Model, ModelOptions, Prompt, Quantization, Sampling,
};
use crate::jobs::Progress;

/// Bytes of a GGUF file.
#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, number: u64) {
        self.0.extend(number.to_le_bytes());
    }

    fn kind(&mut self, kind: u32) {
        self.0.extend(kind.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend(text.bytes());
    }

    fn texts(&mut self, name: &str, texts: &[String]) {
        self.text(name);
        self.kind(9);
        self.kind(8);
        self.number(texts.len() as u64);
        texts.iter().for_each(|text| self.text(text));
    }

    fn count(&mut self, name: &str, number: u32) {
        self.text(name);
        self.kind(4);
        self.kind(number);
    }

    fn word(&mut self, name: &str, text: &str) {
        self.text(name);
        self.kind(8);
        self.text(text);
    }
}

const PARTS: [(&str, &str); 9] = [
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

fn gguf_name(name: &str) -> String {
    match name {
        "model.embed_tokens.weight" => return "token_embd.weight".to_owned(),
        "model.norm.weight" => return "output_norm.weight".to_owned(),
        "lm_head.weight" => return "output.weight".to_owned(),
        _ => {}
    }
    let rest = name.strip_prefix("model.layers.").unwrap();
    let (layer, part) = rest.split_once('.').unwrap();
    let part = part.strip_suffix(".weight").unwrap();
    let (_, own) = PARTS.iter().find(|(known, _)| *known == part).unwrap();
    format!("blk.{layer}.{own}.weight")
}

/// What the converter of llama.cpp does with queries and keys: the halves of each head become pairs.
fn interleaved(values: &[f32], heads: usize, columns: usize) -> Vec<f32> {
    let rows: Vec<&[f32]> = values.chunks(columns).collect();
    let head = rows.len() / heads;
    let mut mixed = Vec::new();
    for head_rows in rows.chunks(head) {
        let (first, second) = head_rows.split_at(head / 2);
        for (a, b) in first.iter().zip(second) {
            mixed.extend([*a, *b].concat());
        }
    }
    mixed
}

/// The model of `runnable/text` as a GGUF file.
fn text_model() -> Vec<u8> {
    text_model_with(&[])
}

/// As [`text_model`], with what its four frequencies are divided by, if it says so.
fn text_model_with(factors: &[f32]) -> Vec<u8> {
    let place = folder("text");
    let read = |name: &str| fs::read_to_string(place.join(name)).unwrap();
    let tokenizer: Value = serde_json::from_str(&read("tokenizer.json")).unwrap();
    let mut tokens: Vec<(u64, String, u32)> = tokenizer["model"]["vocab"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(token, id)| (id.as_u64().unwrap(), token.clone(), 1))
        .collect();
    let added = tokenizer["added_tokens"].as_array().unwrap();
    tokens.extend(added.iter().map(|token| {
        let text = token["content"].as_str().unwrap().to_owned();
        (token["id"].as_u64().unwrap(), text, 3)
    }));
    tokens.sort();
    let end = tokens
        .iter()
        .position(|token| token.1 == "<|im_end|>")
        .unwrap();
    let merges = tokenizer["model"]["merges"].as_array().unwrap();
    let merges: Vec<String> = merges
        .iter()
        .map(|pair| {
            format!(
                "{} {}",
                pair[0].as_str().unwrap(),
                pair[1].as_str().unwrap()
            )
        })
        .collect();

    let source = SafetensorsFolder::open(&place).unwrap();
    let names = source.names();
    let mut writer = Writer(b"GGUF".to_vec());
    writer.kind(3);
    writer.number(names.len() as u64 + u64::from(!factors.is_empty()));
    writer.number(15);
    writer.word("general.architecture", "llama");
    writer.count("llama.block_count", 2);
    writer.count("llama.embedding_length", 32);
    writer.count("llama.feed_forward_length", 48);
    writer.count("llama.attention.head_count", 4);
    writer.count("llama.attention.head_count_kv", 2);
    writer.count("llama.context_length", 512);
    writer.text("llama.attention.layer_norm_rms_epsilon");
    writer.kind(6);
    writer.0.extend(1e-6_f32.to_le_bytes());
    writer.word("tokenizer.ggml.model", "gpt2");
    writer.word("tokenizer.ggml.pre", "qwen2");
    let words: Vec<String> = tokens.iter().map(|token| token.1.clone()).collect();
    writer.texts("tokenizer.ggml.tokens", &words);
    writer.texts("tokenizer.ggml.merges", &merges);
    writer.text("tokenizer.ggml.token_type");
    writer.kind(9);
    writer.kind(5);
    writer.number(tokens.len() as u64);
    tokens.iter().for_each(|token| writer.kind(token.2));
    writer.count("tokenizer.ggml.eos_token_id", end as u32);
    writer.word("tokenizer.chat_template", &read("chat_template.jinja"));

    let mut data: Vec<u8> = Vec::new();
    for name in &names {
        let shape = source.entry(name).unwrap().shape;
        let mut values = source.read(name).unwrap();
        if name.contains("q_proj") {
            values = interleaved(&values, 4, 32);
        } else if name.contains("k_proj") {
            values = interleaved(&values, 2, 32);
        }
        writer.text(&gguf_name(name));
        writer.kind(shape.len() as u32);
        shape
            .iter()
            .rev()
            .for_each(|side| writer.number(*side as u64));
        writer.kind(0);
        writer.number(data.len() as u64);
        data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        data.resize(data.len().next_multiple_of(32), 0);
    }
    if !factors.is_empty() {
        writer.text("rope_freqs.weight");
        writer.kind(1);
        writer.number(factors.len() as u64);
        writer.kind(0);
        writer.number(data.len() as u64);
        data.extend(factors.iter().flat_map(|value| value.to_le_bytes()));
        data.resize(data.len().next_multiple_of(32), 0);
    }
    let start = writer.0.len().next_multiple_of(32);
    writer.0.resize(start, 0);
    writer.0.extend(data);
    writer.0
}

/// A file that is removed again.
struct Written(PathBuf);

impl Written {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let place = format!("retake-{name}-{}.gguf", std::process::id());
        let place = std::env::temp_dir().join(place);
        fs::write(&place, bytes).unwrap();
        Self(place)
    }

    fn open(&self) -> Result<Model, String> {
        let opened = Model::open(&self.0, &ModelOptions::default(), &Progress::default());
        opened.map_err(|error| error.to_string())
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn greedy(model: Model, prompt: &Prompt, count: usize) -> Vec<u32> {
    let request = GenerationRequest {
        prompt: prompt.clone(),
        candidates: vec![candidate(Sampling::greedy(), 0, count)],
        logprobs: None,
    };
    let mut generator = Generator::new(Arc::new(model));
    let made = generator.generate(&request, &Progress::default(), &mut |_| {});
    made.unwrap().0.remove(0).ids
}

#[test]
fn a_model_in_one_file_answers_as_in_its_folder() {
    let written = Written::new("whole", &text_model());
    let model = written.open().unwrap();
    let expected = fs::read_to_string(folder("text").join("expected.json")).unwrap();
    let expected: Vec<Value> = serde_json::from_str(&expected).unwrap();
    let ids = |value: &Value| serde_json::from_value::<Vec<u32>>(value.clone()).unwrap();
    let text = expected[0]["messages"][0]["content"][0].as_str().unwrap();
    let messages = [ChatMessage::text("user", text)];
    let prompt = model.chat_prompt(&messages, &[], &[]).unwrap();
    assert_eq!(prompt.ids, ids(&expected[0]["prompt"]));
    let wanted = ids(&expected[0]["greedy"]);
    assert_eq!(greedy(model, &prompt, wanted.len()), wanted);
}

#[test]
fn frequencies_are_divided_by_the_files_factors() {
    let prompt = Prompt {
        ids: (20..60).collect(),
        pictures: Vec::new(),
    };
    let logits = |model: &Model| {
        let network = model.network();
        let layout = network.layout(&prompt.ids, &[]).unwrap();
        let input = network.input(&prompt.ids, &layout, 0, 40, &[]);
        let logits = network
            .forward(input, &mut network.cache(1, 40))
            .into_data();
        logits.try_into_vec_as::<f32>().unwrap()
    };
    let of = |factors: &[f32]| Written::new("factors", &text_model_with(factors)).open();
    let plain = logits(&of(&[]).unwrap());
    assert_eq!(logits(&of(&[1.0; 4]).unwrap()), plain);
    // All by four is what a folder calls linear scaling.
    let place = std::env::temp_dir().join(format!("retake-linear-{}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).unwrap();
    for entry in fs::read_dir(folder("text")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), place.join(entry.file_name())).unwrap();
    }
    let config = fs::read_to_string(place.join("config.json")).unwrap();
    let mut config: Value = serde_json::from_str(&config).unwrap();
    config.as_object_mut().unwrap().remove("rope_parameters");
    config["rope_scaling"] = serde_json::json!({"rope_type": "linear", "factor": 4.0});
    fs::write(place.join("config.json"), config.to_string()).unwrap();
    let linear = Model::open(&place, &ModelOptions::default(), &Progress::default());
    let _ = fs::remove_dir_all(&place);
    let (linear, each) = (logits(&linear.unwrap()), logits(&of(&[4.0; 4]).unwrap()));
    let apart = |one: &[f32], other: &[f32]| {
        let pairs = one.iter().zip(other);
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    assert!(apart(&linear, &each) < 1e-5, "{}", apart(&linear, &each));
    assert!(apart(&plain, &each) > 1e-3);
    // Each by its own.
    assert!(apart(&each, &logits(&of(&[1.0, 1.0, 4.0, 8.0]).unwrap())) > 1e-4);
    for wrong in [&[4.0; 3][..], &[1.0, 1.0, 1.0, 0.0]] {
        let error = of(wrong).unwrap_err();
        assert!(
            error.contains("factors") && error.contains("4 numbers"),
            "{error}"
        );
    }
}

#[test]
fn files_that_are_cut_or_spoilt_are_refused() {
    let whole = text_model();
    // Inside the header, at its end, and inside the numbers.
    let tensors = whole.len() - 40_000;
    for length in [0, 3, 4, 20, 100, 5_000, tensors, whole.len() - 40] {
        let error = Written::new("cut", &whole[..length]).open().unwrap_err();
        assert!(
            error.contains("can't be used") || error.contains("can't be read"),
            "{error}"
        );
    }
    let mut spoilt = whole.clone();
    spoilt[4] = 9;
    assert!(
        Written::new("version", &spoilt)
            .open()
            .unwrap_err()
            .contains("version 9")
    );
    // Counts beyond all memory.
    let mut spoilt = whole;
    spoilt[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    let error = Written::new("count", &spoilt).open().unwrap_err();
    assert!(error.contains("claims to have"), "{error}");
}

#[test]
fn whatever_the_bytes_no_panic() {
    use super::weights::GgufFile;
    let whole = text_model();
    let header = &whole[..1200];
    proptest::proptest!(proptest::test_runner::Config::with_cases(200), |(
        place in 4..1200_usize,
        byte: u8,
        length in 0..1200_usize,
    )| {
        let mut bytes = header.to_vec();
        bytes[place] = byte;
        let written = Written::new(&format!("any-{place}-{byte}"), &bytes[..length.max(24)]);
        let _ = GgufFile::open(Path::new(&written.0));
    });
}

/// SmolLM2 (Q4_1) against llama.cpp: the first 64 greedy tokens of five prompts. llama.cpp rounds what it multiplies to 8 bits, so its
/// probabilities differ a little at every token; where the best token is another one, the two must be nearer than that.
#[test]
fn smollm2_writes_what_llama_cpp_writes() {
    let Some(weights) = std::env::var_os("RETAKE_SMOLLM2").map(PathBuf::from) else {
        eprintln!("skipped: RETAKE_SMOLLM2 names no weights");
        return;
    };
    let expected = folder("text").join("../../smollm2.json");
    let expected: Vec<Value> =
        serde_json::from_str(&fs::read_to_string(expected).unwrap()).unwrap();
    for quantization in [None, Some(Quantization::Q8)] {
        compare_with_llama_cpp(&weights, quantization, &expected);
    }
}

fn compare_with_llama_cpp(weights: &Path, quantization: Option<Quantization>, expected: &[Value]) {
    let options = ModelOptions {
        quantization,
        ..ModelOptions::default()
    };
    let model = Model::open(weights, &options, &Progress::default()).unwrap();
    eprintln!("weights: {quantization:?}");
    let (mut noise, mut gaps, mut all) = (Vec::new(), Vec::new(), 0);
    for case in expected {
        let text = case["text"].as_str().unwrap();
        let prompt = model.text_prompt(text).unwrap().ids;
        let ids = |name: &str| serde_json::from_value::<Vec<u32>>(case[name].clone()).unwrap();
        assert_eq!(prompt, ids("prompt"), "{text}");
        let wanted = ids("greedy");
        let told: Vec<f32> = serde_json::from_value(case["logprobs"].clone()).unwrap();
        // Along llama.cpp's own tokens, all at once.
        let network = model.network();
        let tokens = [prompt.as_slice(), &wanted[..wanted.len() - 1]].concat();
        let layout = network.layout(&tokens, &[]).unwrap();
        let input = network.input(&tokens, &layout, 0, tokens.len(), &[]);
        let logits = network.forward(input, &mut network.cache(1, tokens.len()));
        let logits: Vec<f32> = logits.into_data().try_into_vec_as().unwrap();
        let rows = logits
            .chunks(network.config().vocabulary)
            .skip(prompt.len() - 1);
        let mut first = None;
        for (place, (row, (id, theirs))) in rows.zip(wanted.iter().zip(told)).enumerate() {
            // llama.cpp was told to ignore what ends a text: the tokens 0 and 2.
            let mut row = row.to_vec();
            row[0] = f32::NEG_INFINITY;
            row[2] = f32::NEG_INFINITY;
            let best = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = row.iter().map(|logit| (logit - best).exp()).sum();
            let gap = best - row[*id as usize];
            noise.push((-gap - sum.ln() - theirs).abs());
            all += 1;
            if gap > 0.0 {
                first.get_or_insert(place);
                gaps.push(gap);
            }
        }
        eprintln!("{text:?}: the first other token is {first:?}");
    }
    noise.sort_by(f32::total_cmp);
    let mean = noise.iter().sum::<f32>() / noise.len() as f32;
    let (median, high) = (noise[noise.len() / 2], noise[noise.len() * 99 / 100]);
    let widest = gaps.iter().copied().fold(0.0, f32::max);
    eprintln!(
        "of {all} tokens {} are others, at most {widest} apart",
        gaps.len()
    );
    eprintln!("logprobs differ by {mean} (median {median}, 99% below {high})");
    assert!(mean < 0.1 && gaps.len() * 20 < all, "{mean} {}", gaps.len());
    assert!(
        widest <= 2.0 * high,
        "{widest} apart, and the noise is {high}"
    );
}
