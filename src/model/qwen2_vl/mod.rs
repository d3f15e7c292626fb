//! Qwen2-VL, the controller of MATRIX. Source: `modeling_qwen2_vl.py` of `transformers`.

pub(super) mod tower;

use super::architecture::{Architecture, Blueprint, Parts, PictureRule};
use super::decoder_config::{DecoderConfig, DecoderFamily};
use super::layers::Decoder;
use super::llama::text_section;
use super::weights::Loader;
use tower::{Tower, VisionConfig};

/// Its row among the architectures.
pub(super) const ARCHITECTURE: Architecture = Architecture {
    model_type: "qwen2_vl",
    title: "Qwen2-VL",
    read: |whole| {
        let text = text_section(whole)?;
        let decoder = DecoderConfig::read(&text, whole, &DecoderFamily::QWEN2)?;
        Ok(Box::new(Qwen2Vl {
            vision: VisionConfig::read(whole, decoder.hidden)?,
            decoder,
            picture_token: PictureRule::token(whole, 151_655)?,
        }))
    },
};

#[derive(Debug)]
struct Qwen2Vl {
    decoder: DecoderConfig,
    vision: VisionConfig,
    picture_token: u32,
}

/// Where the parts of Qwen's models are: versions of `transformers` name them in two ways.
pub(super) struct Names {
    /// What the language model's tensors begin with.
    pub decoder: &'static str,
    /// What the tower's tensors begin with.
    pub tower: &'static str,
}

impl Names {
    /// Those of the files at hand.
    pub fn of(loader: &Loader<'_>) -> Self {
        let either = |new: &'static str, old: &'static str, tensor: &str| {
            let is_new = loader.has(&format!("{new}{tensor}"));
            if is_new { new } else { old }
        };
        Self {
            decoder: either("model.language_model.", "model.", "embed_tokens.weight"),
            tower: either("model.visual.", "visual.", "patch_embed.proj.weight"),
        }
    }
}

impl Blueprint for Qwen2Vl {
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
        let names = Names::of(loader);
        let tower = Tower::load(loader, names.tower, &self.vision);
        Parts {
            decoder: Decoder::load(loader, names.decoder, "lm_head", &self.decoder),
            tower: Some(Box::new(tower)),
        }
    }
}
