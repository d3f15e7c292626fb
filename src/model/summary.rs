use std::collections::BTreeMap;
use std::path::Path;

use super::ModelError;
use super::architecture::Architecture;
use super::config::Section;
use super::kernels::BLOCK;
use super::model_folder::{self, Settings};
use super::weights::{GgufFile, GgufValue, SafetensorsFolder, TensorSource};

/// What is known of a model without loading it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSummary {
    /// What people call its architecture.
    pub title: &'static str,
    /// Numbers in its weights.
    pub parameters: u64,
    /// Bytes of its weights.
    pub bytes: u64,
    /// How many numbers there are of each type.
    pub types: BTreeMap<String, u64>,
    /// Tokens that fit in a context.
    pub context: usize,
    /// Whether it takes pictures.
    pub takes_pictures: bool,
    /// Its license, if its files say.
    pub license: Option<String>,
    /// Numbers that a token takes in the cache.
    cache_numbers: u64,
    /// Bytes of its weights where matrices are in blocks of 8 bits.
    packed_bytes: u64,
}

impl ModelSummary {
    /// Reads headers and settings of a folder in the layout of Hugging Face, or of a GGUF file.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        if path.is_file() {
            let file = GgufFile::open(path)?;
            let license = file.value("general.license").and_then(GgufValue::text);
            return Self::of(
                &file.config()?,
                &file,
                license.map(str::to_owned),
                weight(path),
            );
        }
        let settings = Settings::read(path, "config.json")?;
        let settings = settings.ok_or_else(|| ModelError::Missing {
            folder: path.to_owned(),
            file: "config.json",
        })?;
        let source = SafetensorsFolder::open(path)?;
        let bytes = source.files().map(weight).sum();
        Self::of(&settings, &source, license(path)?, bytes)
    }

    fn of(
        settings: &Settings,
        source: &dyn TensorSource,
        license: Option<String>,
        bytes: u64,
    ) -> Result<Self, ModelError> {
        let whole = Section::whole(settings);
        let architecture = Architecture::named(whole.text("model_type").unwrap_or_default())?;
        let blueprint = (architecture.read)(&whole)?;
        let decoder = blueprint.decoder();
        let mut types = BTreeMap::new();
        let mut packed_bytes = 0;
        for entry in source.names().iter().filter_map(|name| source.entry(name)) {
            let count = entry.shape.iter().map(|side| *side as u64).product::<u64>();
            // A scale of 16 bits for each block of 8 bits; all else is in 32.
            packed_bytes += match entry.shape.as_slice() {
                [_, inputs] if inputs.is_multiple_of(BLOCK) => count + count / BLOCK as u64 * 2,
                _ => 4 * count,
            };
            *types.entry(entry.kind).or_insert(0) += count;
        }
        Ok(Self {
            title: architecture.title,
            parameters: types.values().sum(),
            bytes,
            types,
            context: decoder.context,
            takes_pictures: blueprint.pictures().is_some(),
            license,
            packed_bytes,
            cache_numbers: 2 * (decoder.layers * decoder.key_value_heads * decoder.head) as u64,
        })
    }

    /// Bytes that it takes with numbers of so many bytes and a context of so many tokens: its weights and its cache.
    pub fn memory(&self, bytes_each: u64, tokens: usize) -> u64 {
        (self.parameters + self.cache_numbers * tokens as u64) * bytes_each
    }

    /// The same with `--quantize q8`: matrices in 8 bits, and a cache in 32.
    pub fn packed_memory(&self, tokens: usize) -> u64 {
        self.packed_bytes + self.cache_numbers * tokens as u64 * 4
    }

    /// In one line.
    pub fn line(&self) -> String {
        let types: Vec<&str> = self.types.keys().map(String::as_str).collect();
        format!(
            "{}  {:.0} M parameters, {}, {:.2} GB",
            self.title,
            self.parameters as f64 / 1e6,
            types.join("+"),
            self.bytes as f64 / 1e9
        )
    }
}

fn weight(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

/// `license` at the top of the folder's README, else the first line of its LICENSE.
fn license(folder: &Path) -> Result<Option<String>, ModelError> {
    if let Some(readme) = model_folder::text(folder, "README.md")?
        && let Some(head) = readme.strip_prefix("---")
    {
        let head = head.split("\n---").next().unwrap_or_default();
        let line = head.lines().find_map(|line| line.strip_prefix("license:"));
        if let Some(license) = line {
            return Ok(Some(license.trim().trim_matches(['"', '\'']).to_owned()));
        }
    }
    let text = model_folder::text(folder, "LICENSE")?;
    Ok(text.and_then(|text| {
        let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
        Some(line.to_owned())
    }))
}

#[cfg(test)]
mod tests {
    use super::super::runnable_tests::folder;
    use super::*;

    #[test]
    fn headers_tell_the_size() {
        let summary = ModelSummary::read(&folder("qwen2_vl")).unwrap();
        assert_eq!(summary.title, "Qwen2-VL");
        assert!(summary.takes_pictures);
        assert_eq!(summary.context, 512);
        assert_eq!(summary.types.keys().collect::<Vec<_>>(), ["f32"]);
        // The file is its numbers and a header.
        let rest = summary.bytes - 4 * summary.parameters;
        assert!(rest < 8_000, "{summary:?}");
        // Two layers with two heads of eight numbers, keys and values.
        assert_eq!(summary.memory(1, 10) - summary.parameters, 640);
        // Matrices take 34 bytes for 32 numbers; rows of 16 or 48 numbers, and what is no matrix, stay whole.
        let packed = summary.packed_memory(0);
        assert!(
            packed > summary.parameters && packed < 3 * summary.parameters,
            "{summary:?}"
        );
        assert_eq!(summary.packed_memory(10) - packed, 4 * 640);
    }

    #[test]
    fn a_license_is_told_where_it_is_written() {
        let folder = std::env::temp_dir().join(format!("retake-license-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        assert_eq!(license(&folder).unwrap(), None);
        std::fs::write(folder.join("LICENSE"), "\n  Some License 2.0\nmore").unwrap();
        assert_eq!(
            license(&folder).unwrap().as_deref(),
            Some("Some License 2.0")
        );
        std::fs::write(
            folder.join("README.md"),
            "---\ntags:\nlicense: 'apache-2.0'\n---\nlicense: no",
        )
        .unwrap();
        assert_eq!(license(&folder).unwrap().as_deref(), Some("apache-2.0"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
