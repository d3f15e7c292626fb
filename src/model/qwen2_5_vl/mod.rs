//! Qwen2.5-VL: most layers of its tower see windows alone. Source: `modeling_qwen2_5_vl.py` of `transformers`.

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
    model_type: "qwen2_5_vl",
    title: "Qwen2.5-VL",
    read: |whole| {
        let text = text_section(whole)?;
        let decoder = DecoderConfig::read(&text, whole, &DecoderFamily::QWEN2)?;
        Ok(Box::new(Qwen25Vl {
            vision: VisionConfig::read(whole, decoder.hidden)?,
            decoder,
            picture_token: PictureRule::token(whole, 151_655)?,
        }))
    },
};

#[derive(Debug)]
struct Qwen25Vl {
    decoder: DecoderConfig,
    vision: VisionConfig,
    picture_token: u32,
}

impl Blueprint for Qwen25Vl {
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
