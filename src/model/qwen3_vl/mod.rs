//! Qwen3-VL: what inner layers of its tower see is added to the first layers of the language model (DeepStack). Source:
//! `modeling_qwen3_vl.py` of `transformers`.

mod tower;

use super::architecture::{Architecture, Blueprint, Parts, PictureRule};
use super::decoder_config::{DecoderConfig, DecoderFamily};
use super::layers::Decoder;
use super::llama::text_section;
use super::qwen2_vl::Names;
use super::weights::Loader;
use tower::{Tower, VisionConfig};

/// Its row among the architectures.
pub(super) const ARCHITECTURE: Architecture = Architecture {
    model_type: "qwen3_vl",
    title: "Qwen3-VL",
    read: |whole| {
        let text = text_section(whole)?;
        let decoder = DecoderConfig::read(&text, whole, &DecoderFamily::QWEN3)?;
        Ok(Box::new(Qwen3Vl {
            vision: VisionConfig::read(whole, &decoder)?,
            decoder,
            picture_token: PictureRule::token(whole, 151_655)?,
        }))
    },
};

#[derive(Debug)]
struct Qwen3Vl {
    decoder: DecoderConfig,
    vision: VisionConfig,
    picture_token: u32,
}

impl Blueprint for Qwen3Vl {
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
