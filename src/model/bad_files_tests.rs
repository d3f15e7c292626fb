//! Files of models that are damaged, cut or of another kind: each is an error that says what and where.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::runnable_tests::folder;
use super::{Model, ModelError, ModelOptions};
use crate::jobs::Progress;
use crate::report::Report;

/// A copy of a model that can be spoilt.
struct Copy(PathBuf);

impl Copy {
    fn new(name: &str) -> Self {
        let place = format!("retake-bad-{name}-{}", std::process::id());
        let place = std::env::temp_dir().join(place);
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&place).unwrap();
        for entry in fs::read_dir(folder("text")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), place.join(entry.file_name())).unwrap();
        }
        Self(place)
    }

    fn config(&self, change: impl Fn(&mut Value)) {
        let path = self.0.join("config.json");
        let mut value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        change(&mut value);
        fs::write(path, value.to_string()).unwrap();
    }

    /// Changes the header of the weights.
    fn header(&self, change: impl Fn(&mut Value)) {
        let path = self.weights();
        let bytes = fs::read(&path).unwrap();
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let mut header = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
        change(&mut header);
        let header = header.to_string();
        let mut changed = (header.len() as u64).to_le_bytes().to_vec();
        changed.extend(header.bytes());
        changed.extend(&bytes[8 + length..]);
        fs::write(path, changed).unwrap();
    }

    fn weights(&self) -> PathBuf {
        self.0.join("model.safetensors")
    }

    fn error(&self) -> String {
        error(&self.0)
    }
}

fn error(path: &Path) -> String {
    let opened = Model::open(path, &ModelOptions::default(), &Progress::default());
    let report = Report::from(opened.unwrap_err());
    report.to_string()
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn assert_said(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
}

#[test]
fn every_tensor_that_does_not_fit_is_named() {
    let copy = Copy::new("tensors");
    copy.header(|header| {
        let header = header.as_object_mut().unwrap();
        let norm = header.remove("model.norm.weight").unwrap();
        header.insert("model.rnom.weight".to_owned(), norm);
        header["model.layers.0.mlp.up_proj.weight"]["shape"] = json!([32, 48]);
        header["model.layers.1.mlp.up_proj.weight"]["dtype"] = json!("I32");
    });
    assert_said(
        &copy.error(),
        &[
            "`model.norm.weight` is missing, [32] is wanted",
            "`model.rnom.weight` [32] has no place in the model",
            "`model.layers.0.mlp.up_proj.weight` is [32, 48], [48, 32] is wanted",
            "`model.layers.1.mlp.up_proj.weight` has numbers of the type i32",
        ],
    );
}

#[test]
fn weights_that_are_cut_or_no_numbers_are_refused() {
    let copy = Copy::new("cut");
    let whole = fs::read(copy.weights()).unwrap();
    for length in [0, 4, 100, whole.len() / 2, whole.len() - 1] {
        fs::write(copy.weights(), &whole[..length]).unwrap();
        let said = match length {
            0..=100 => format!("the header of its {length} bytes can't be read"),
            _ => format!("the file is cut: it has {length} bytes of {}", whole.len()),
        };
        assert_said(
            &copy.error(),
            &["model.safetensors", "can't be used", &said],
        );
    }
    let mut wrong = whole.clone();
    let end = wrong.len();
    wrong[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(copy.weights(), &wrong).unwrap();
    assert_said(&copy.error(), &["NaN", "is no number"]);
    fs::remove_file(copy.weights()).unwrap();
    assert_said(&copy.error(), &["has no model.safetensors"]);
}

#[test]
fn a_type_of_numbers_that_nobody_knows_is_told_with_its_tensor() {
    let copy = Copy::new("type");
    copy.header(|header| {
        let norm = &mut header["model.norm.weight"];
        norm["dtype"] = json!("F8_E4M3");
        norm["shape"] = json!([128]);
    });
    let said = "`model.norm.weight` has numbers of the type F8_E4M3, which can't be read";
    assert_said(&copy.error(), &["model.safetensors", said]);
}

#[test]
fn shards_are_all_there_and_inside_the_folder() {
    let copy = Copy::new("shards");
    fs::rename(copy.weights(), copy.0.join("a.safetensors")).unwrap();
    let index = |shards: Value| {
        let text = json!({"weight_map": shards}).to_string();
        fs::write(copy.0.join("model.safetensors.index.json"), text).unwrap();
    };
    index(json!({"x": "a.safetensors", "y": "b.safetensors"}));
    assert_said(&copy.error(), &["b.safetensors, which is missing"]);
    index(json!({"x": "../a.safetensors"}));
    assert_said(&copy.error(), &["is no file name"]);
    fs::copy(copy.0.join("a.safetensors"), copy.0.join("b.safetensors")).unwrap();
    index(json!({"x": "a.safetensors", "y": "b.safetensors"}));
    assert_said(&copy.error(), &["as well"]);
    index(json!({"x": "a.safetensors"}));
    assert!(Model::open(&copy.0, &ModelOptions::default(), &Progress::default()).is_ok());
}

#[test]
fn configurations_that_cannot_be_run_are_refused() {
    let copy = Copy::new("config");
    copy.config(|config| config["model_type"] = json!("mamba\u{1b}[31m"));
    let error = copy.error();
    assert_said(
        &error,
        &[
            "models of the type `mamba",
            "known are llama, smolvlm, idefics3, qwen2_vl",
        ],
    );
    assert!(!error.contains('\u{1b}'), "{error:?}");
    copy.config(|config| {
        config["model_type"] = json!("llama");
        config["num_hidden_layers"] = json!("two");
    });
    assert_said(
        &copy.error(),
        &["config.json", "`num_hidden_layers` is no whole number"],
    );
    fs::write(copy.0.join("config.json"), "{").unwrap();
    assert_said(&copy.error(), &["config.json is not what it should be"]);
    fs::remove_file(copy.0.join("config.json")).unwrap();
    assert_said(&copy.error(), &["has no config.json"]);
    assert_said(&error_of_nothing(), &["has no config.json"]);
}

fn error_of_nothing() -> String {
    error(Path::new("/nowhere/at/all"))
}

#[test]
fn tokenizers_that_are_no_text_are_refused() {
    let copy = Copy::new("tokenizer");
    let path = copy.0.join("tokenizer.json");
    fs::write(&path, b"{\"model\": \"\xff\xfe\"}").unwrap();
    assert_said(&copy.error(), &["tokenizer.json"]);
    fs::write(&path, "{}").unwrap();
    assert_said(&copy.error(), &["tokenizer.json"]);
    fs::remove_file(&path).unwrap();
    assert_said(&copy.error(), &["has no tokenizer.json"]);
}

#[test]
fn a_loading_can_be_stopped() {
    let progress = Progress::default();
    progress.cancel();
    let opened = Model::open(&folder("text"), &ModelOptions::default(), &progress);
    assert!(matches!(opened, Err(ModelError::Cancelled(_))));
}
