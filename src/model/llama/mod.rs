//! Llama, text alone: SmolLM2 and its relatives. Source: `modeling_llama.py` of `transformers`.

use super::ModelError;
use super::architecture::{Architecture, Blueprint, Parts};
use super::config::Section;
use super::decoder_config::{DecoderConfig, DecoderFamily};
use super::layers::Decoder;
use super::weights::Loader;

/// Its row among the architectures.
pub(super) const ARCHITECTURE: Architecture = Architecture {
    model_type: "llama",
    title: "Llama (SmolLM2, text alone)",
    read: |whole| {
        let decoder = DecoderConfig::read(whole, whole, &DecoderFamily::LLAMA)?;
        Ok(Box::new(Llama { decoder }))
    },
};

/// What the configuration says.
#[derive(Debug)]
pub(super) struct Llama {
    /// The language model.
    pub decoder: DecoderConfig,
}

impl Blueprint for Llama {
    fn decoder(&self) -> &DecoderConfig {
        &self.decoder
    }

    fn build(&self, loader: &mut Loader<'_>) -> Parts {
        Parts {
            decoder: Decoder::load(loader, "model.", "lm_head", &self.decoder),
            tower: None,
        }
    }
}

/// The text part of a configuration that may have it in a section of its own.
pub(super) fn text_section<'a>(whole: &Section<'a>) -> Result<Section<'a>, ModelError> {
    match whole.has("text_config") {
        true => whole.demanded("text_config"),
        false => Ok(whole.clone()),
    }
}
