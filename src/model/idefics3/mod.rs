//! Idefics3: SigLIP, pixel shuffle, Llama. Source: `modeling_idefics3.py` of `transformers`.

use super::ModelError;
use super::architecture::{Architecture, Blueprint, Parts, PictureRule};
use super::config::Section;
use super::decoder_config::{DecoderConfig, DecoderFamily};
use super::layers::Decoder;
use super::vision::{IdeficsTower, IdeficsVisionConfig};
use super::weights::Loader;

/// Its row among the architectures.
pub(super) const ARCHITECTURE: Architecture = Architecture {
    model_type: "idefics3",
    title: "Idefics3",
    read: |whole| Ok(Box::new(Idefics3::read(whole)?)),
};

/// What the configuration says.
#[derive(Debug)]
pub(super) struct Idefics3 {
    decoder: DecoderConfig,
    vision: IdeficsVisionConfig,
    picture_token: u32,
}

impl Idefics3 {
    /// Reads a `config.json`.
    pub fn read(whole: &Section<'_>) -> Result<Self, ModelError> {
        let text = whole.demanded("text_config")?;
        let kind = text.text("model_type").unwrap_or("llama");
        if kind != "llama" {
            let problem = format!("is `{kind}`; known is `llama`");
            return Err(text.error("model_type", problem));
        }
        Ok(Self {
            decoder: DecoderConfig::read(&text, whole, &DecoderFamily::IDEFICS)?,
            vision: IdeficsVisionConfig::read(whole)?,
            picture_token: PictureRule::token(whole, 128_257)?,
        })
    }
}

impl Blueprint for Idefics3 {
    fn decoder(&self) -> &DecoderConfig {
        &self.decoder
    }

    fn pictures(&self) -> Option<PictureRule> {
        Some(PictureRule {
            token: self.picture_token,
            merge: None,
        })
    }

    fn build(&self, loader: &mut Loader<'_>) -> Parts {
        let tower = IdeficsTower::load(loader, &self.vision, self.decoder.hidden);
        Parts {
            decoder: Decoder::load(loader, "model.text_model.", "lm_head", &self.decoder),
            tower: Some(Box::new(tower)),
        }
    }
}
