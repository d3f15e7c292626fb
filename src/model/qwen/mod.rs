//! What Qwen's vision-language models share: a vision transformer over patches of any grid, and a language model with positions of
//! rows and columns. Each of them has a folder of its own that says what is different, as data.

mod tower;
mod vision_config;

pub(super) use tower::merger;
pub(super) use vision_config::{FeedForwardNames, VisionConfig, VisionFamily};

use super::ModelError;
use super::architecture::{Blueprint, Parts, PictureRule};
use super::config::Section;
use super::decoder_config::{DecoderConfig, DecoderFamily};
use super::layers::Decoder;
use super::llama::text_section;
use super::weights::Loader;
use tower::Tower;

/// What a configuration says of one of these models.
#[derive(Debug)]
pub(super) struct Qwen {
    decoder: DecoderConfig,
    vision: VisionConfig,
    picture_token: u32,
}

impl Qwen {
    /// Reads a `config.json`.
    pub fn read(
        whole: &Section<'_>,
        decoder: &DecoderFamily,
        vision: &'static VisionFamily,
    ) -> Result<Box<dyn Blueprint>, ModelError> {
        let decoder = DecoderConfig::read(&text_section(whole)?, whole, decoder)?;
        Ok(Box::new(Self {
            vision: VisionConfig::read(whole, &decoder, vision)?,
            decoder,
            picture_token: PictureRule::token(whole, 151_655)?,
        }))
    }
}

impl Blueprint for Qwen {
    fn decoder(&self) -> &DecoderConfig {
        &self.decoder
    }

    fn pictures(&self) -> Option<PictureRule> {
        Some(PictureRule {
            token: self.picture_token,
            merge: Some(self.vision.merge),
        })
    }

    fn build(&self, loader: &mut Loader<'_>) -> Parts {
        // Versions of `transformers` name the parts in two ways.
        let either = |new: &'static str, old: &'static str, tensor: &str| {
            let is_new = loader.has(&format!("{new}{tensor}"));
            if is_new { new } else { old }
        };
        let decoder = either("model.language_model.", "model.", "embed_tokens.weight");
        let tower = either("model.visual.", "visual.", "patch_embed.proj.weight");
        let tower = Tower::load(loader, tower, &self.vision);
        Parts {
            decoder: Decoder::load(loader, decoder, "lm_head", &self.decoder),
            tower: Some(Box::new(tower)),
        }
    }
}
