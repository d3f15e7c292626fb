use super::config::Section;
use super::decoder_config::DecoderConfig;
use super::layers::Decoder;
use super::vision::VisionTower;
use super::weights::Loader;
use super::{ModelError, idefics3, llama, qwen2_5_vl, qwen2_vl, qwen3_vl, smolvlm};

/// The architectures that can be run. A new one is a folder and a row here, with a fixture under `tests/reference/parity/`.
pub(super) const MODELS: &[Architecture] = &[
    llama::ARCHITECTURE,
    smolvlm::ARCHITECTURE,
    idefics3::ARCHITECTURE,
    qwen2_vl::ARCHITECTURE,
    qwen2_5_vl::ARCHITECTURE,
    qwen3_vl::ARCHITECTURE,
];

/// A kind of model.
pub(super) struct Architecture {
    /// `model_type` of a `config.json`.
    pub model_type: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// Reads a `config.json`.
    pub read: fn(&Section<'_>) -> Result<Box<dyn Blueprint>, ModelError>,
}

/// What a configuration says of a model, enough to load it.
pub(super) trait Blueprint: std::fmt::Debug {
    /// Its language model.
    fn decoder(&self) -> &DecoderConfig;

    /// How it takes pictures; `None` if it takes none.
    fn pictures(&self) -> Option<PictureRule> {
        None
    }

    /// Loads it.
    fn build(&self, loader: &mut Loader<'_>) -> Parts;
}

/// What a model is made of.
pub(super) struct Parts {
    /// The language model.
    pub decoder: Decoder,
    /// What sees, if it does.
    pub tower: Option<Box<dyn VisionTower>>,
}

/// How a model takes pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PictureRule {
    /// The token in whose places the embeddings of a picture stand.
    pub token: u32,
    /// Patches of a side of the square that becomes one token, where positions have rows and columns (m-RoPE).
    pub merge: Option<usize>,
}

impl PictureRule {
    /// `image_token_id` of a configuration.
    pub fn token(whole: &Section<'_>, default: u32) -> Result<u32, ModelError> {
        let ids = whole.token_ids("image_token_id")?;
        Ok(ids.first().copied().unwrap_or(default))
    }
}

impl Architecture {
    /// The architecture of a `model_type`.
    pub fn named(model_type: &str) -> Result<&'static Self, ModelError> {
        let found = MODELS.iter().find(|model| model.model_type == model_type);
        found.ok_or_else(|| ModelError::UnknownArchitecture(model_type.to_owned()))
    }

    /// The names of all, as a list for people.
    pub fn names() -> String {
        let names: Vec<&str> = MODELS.iter().map(|model| model.model_type).collect();
        names.join(", ")
    }
}
