use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use image::RgbImage;
use serde_json::Value;

use super::architecture::Architecture;
use super::config::Section;
use super::generate::{Prompt, PromptPicture};
use super::gguf_parts::GgufParts;
use super::model_folder::Settings;
use super::network::Network;
use super::weights::{Adapter, GgufFile, Precision, SafetensorsFolder, TensorSource};
use super::{
    ChatMessage, ChatTemplate, ComputeDevice, ModelError, PicturePixels, PictureSize, Sampling,
    Tokenizer,
};
use crate::jobs::Progress;

/// A model that is ready to run: its network on a device, its tokenizer, its chat template and its image processor.
pub struct Model {
    path: PathBuf,
    network: Network,
    tokenizer: Tokenizer,
    template: Option<ChatTemplate>,
    template_for_tools: Option<ChatTemplate>,
    pictures: Option<PicturePixels>,
    /// Tokens that end a reply.
    ends: Vec<u32>,
    sampling: Sampling,
    architecture: &'static str,
    device: ComputeDevice,
    quantization: Option<Quantization>,
}

/// How a model is loaded.
#[derive(Debug, Clone, Default)]
pub struct ModelOptions {
    /// Where it runs.
    pub device: ComputeDevice,
    /// A LoRA adapter in PEFT's layout, merged into the weights.
    pub adapter: Option<PathBuf>,
    /// Whether weights are kept in fewer bits than the model computes with.
    pub quantization: Option<Quantization>,
}

/// How weights are kept in fewer bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantization {
    /// Blocks of 32 weights of 8 bits with a scale of 16 bits, as `Q8_0` of ggml.
    Q8,
}

impl Quantization {
    /// How the weights were kept that a backend's name tells of ([`Model::backend`]).
    pub fn of_backend(backend: &str) -> Option<Self> {
        let (_, kind) = backend.rsplit_once(WEIGHTS)?;
        kind.parse().ok()
    }
}

/// What stands between a backend and the kind of its weights.
const WEIGHTS: &str = ", weights ";

impl FromStr for Quantization {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "q8" => Ok(Self::Q8),
            _ => Err("known is q8".to_owned()),
        }
    }
}

impl fmt::Display for Quantization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Q8 => f.write_str("q8"),
        }
    }
}

impl Model {
    /// Loads a model from a folder in the layout of Hugging Face, or from a GGUF file.
    pub fn open(
        path: &Path,
        options: &ModelOptions,
        progress: &Progress,
    ) -> Result<Self, ModelError> {
        if path.is_file() {
            return Self::open_gguf(path, options, progress);
        }
        let settings = Settings::read(path, "config.json")?;
        let settings = settings.ok_or_else(|| ModelError::Missing {
            folder: path.to_owned(),
            file: "config.json",
        })?;
        let generation = Settings::read(path, "generation_config.json")?;
        let source = SafetensorsFolder::open(path)?;
        let template = |has_tools| match ChatTemplate::open(path, has_tools) {
            Ok(template) => Ok(Some(template)),
            Err(ModelError::NoTemplate(_)) => Ok(None),
            Err(error) => Err(error),
        };
        let parts = ModelParts {
            tokenizer: Tokenizer::open(path)?,
            template: template(false)?,
            template_for_tools: template(true)?,
            generation,
            settings,
        };
        Self::assemble(path, &source, parts, options, progress)
    }

    fn open_gguf(
        path: &Path,
        options: &ModelOptions,
        progress: &Progress,
    ) -> Result<Self, ModelError> {
        let file = GgufFile::open(path)?;
        let gguf = GgufParts::read(&file)?;
        let parts = ModelParts {
            tokenizer: gguf.tokenizer,
            template: gguf.template.clone(),
            template_for_tools: gguf.template,
            generation: None,
            settings: file.config()?,
        };
        Self::assemble(path, &file, parts, options, progress)
    }

    fn assemble(
        path: &Path,
        source: &dyn TensorSource,
        parts: ModelParts,
        options: &ModelOptions,
        progress: &Progress,
    ) -> Result<Self, ModelError> {
        let whole = Section::whole(&parts.settings);
        let model_type = whole.text("model_type").unwrap_or_default();
        let architecture = Architecture::named(model_type)?;
        let blueprint = (architecture.read)(&whole)?;
        let pictures = match blueprint.pictures() {
            Some(_) => Some(PicturePixels::open(path)?),
            None => None,
        };
        let mut adapter = options.adapter.as_deref().map(Adapter::open).transpose()?;
        if let Some(adapter) = &mut adapter {
            adapter.bind(source);
        }
        let precision = match options.quantization {
            None => options.device.precision(),
            Some(Quantization::Q8) if options.device.is_cpu() => Precision::Blocks,
            Some(Quantization::Q8) => {
                let name = options.device.name();
                let reason =
                    format!("weights of 8 bits are for the CPU, and the model is to run on {name}");
                return Err(ModelError::Device(reason));
            }
        };
        let network = Network::load(
            blueprint.as_ref(),
            source,
            path,
            options.device.burn(),
            precision,
            adapter.as_ref(),
            progress,
        )?;
        let mut ends = whole.token_ids("eos_token_id")?;
        if let Some(text) = whole.inside("text_config") {
            ends.extend(text.token_ids("eos_token_id")?);
        }
        let mut sampling = Sampling::default();
        if let Some(generation) = &parts.generation {
            let section = Section::whole(generation);
            ends.extend(section.token_ids("eos_token_id")?);
            sampling = suggested(&section)?;
        }
        ends.extend(parts.tokenizer.end());
        ends.sort_unstable();
        ends.dedup();
        Ok(Self {
            path: path.to_owned(),
            network,
            tokenizer: parts.tokenizer,
            template: parts.template,
            template_for_tools: parts.template_for_tools,
            pictures,
            ends,
            sampling,
            architecture: architecture.title,
            device: options.device.clone(),
            quantization: options.quantization,
        })
    }

    /// Where its files are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What people call its architecture.
    pub fn architecture(&self) -> &'static str {
        self.architecture
    }

    /// Where it runs.
    pub fn device(&self) -> &ComputeDevice {
        &self.device
    }

    /// What of Burn computes there, in which numbers, and how weights are kept where that is in fewer bits.
    pub fn backend(&self) -> String {
        let backend = self.device.backend();
        match self.quantization {
            None => backend.to_owned(),
            Some(quantization) => format!("{backend}{WEIGHTS}{quantization}"),
        }
    }

    /// Tokens that fit in a context.
    pub fn context(&self) -> usize {
        self.network.config().context
    }

    /// Whether it takes pictures.
    pub fn takes_pictures(&self) -> bool {
        self.pictures.is_some()
    }

    /// How its makers suggest to draw tokens.
    pub fn suggested_sampling(&self) -> Sampling {
        self.sampling
    }

    /// Its tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Its computation.
    pub(super) fn network(&self) -> &Network {
        &self.network
    }

    /// Whether a token ends a reply.
    pub fn ends(&self, id: u32) -> bool {
        self.ends.binary_search(&id).is_ok()
    }

    /// The tokens of a text as it stands.
    pub fn text_prompt(&self, text: &str) -> Result<Prompt, ModelError> {
        Ok(Prompt {
            ids: self.tokenizer.encode(text)?,
            pictures: Vec::new(),
        })
    }

    /// The prompt that makes the model answer messages. `pictures` are those of the messages, in order.
    pub fn chat_prompt(
        &self,
        messages: &[ChatMessage],
        tools: &[Value],
        pictures: &[RgbImage],
    ) -> Result<Prompt, ModelError> {
        let template = match tools {
            [] => &self.template,
            _ => &self.template_for_tools,
        };
        let Some(template) = template else {
            return Err(ModelError::NoTemplate(self.path.clone()));
        };
        let sizes: Vec<PictureSize> = messages.iter().flat_map(ChatMessage::pictures).collect();
        if sizes.len() != pictures.len() {
            let (messages, given) = (sizes.len(), pictures.len());
            let reason = format!("the messages have {messages} pictures, and {given} are given");
            return Err(ModelError::Request(reason));
        }
        let mut text = template.render(messages, tools, true)?;
        let mut pixels = Vec::with_capacity(pictures.len());
        if !pictures.is_empty() {
            let Some(processor) = &self.pictures else {
                return Err(ModelError::NoPictures);
            };
            let token = processor.tokens().placeholder();
            if self.tokenizer.id(token).is_none() {
                return Err(ModelError::NoPictureToken(token));
            }
            text = processor.tokens().expand(&text, &sizes)?;
            for picture in pictures {
                pixels.push(PromptPicture::new(processor.process(picture)?));
            }
        }
        Ok(Prompt {
            ids: self.tokenizer.encode(&text)?,
            pictures: pixels,
        })
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("path", &self.path)
            .field("architecture", &self.architecture)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

/// What a model's files say, besides its weights.
struct ModelParts {
    settings: Settings,
    generation: Option<Settings>,
    tokenizer: Tokenizer,
    template: Option<ChatTemplate>,
    template_for_tools: Option<ChatTemplate>,
}

/// `generation_config.json`.
fn suggested(section: &Section<'_>) -> Result<Sampling, ModelError> {
    let all = Sampling::default();
    let number = |name: &str, default: f32| {
        let number = section.number_or(name, f64::from(default))?;
        Ok::<f32, ModelError>(number as f32)
    };
    let sampling = Sampling {
        temperature: number("temperature", all.temperature)?,
        top_p: number("top_p", all.top_p)?,
        top_k: number("top_k", 0.0)?.max(0.0) as usize,
        min_p: number("min_p", all.min_p)?,
        repetition_penalty: number("repetition_penalty", all.repetition_penalty)?,
    };
    Ok(match section.flag_or("do_sample", true)? {
        true => sampling,
        false => Sampling {
            temperature: 0.0,
            ..sampling
        },
    })
}

/// The type that a device computes with, for [`ModelOptions`].
impl ComputeDevice {
    fn precision(&self) -> Precision {
        match self.is_half() {
            true => Precision::Half,
            false => Precision::Single,
        }
    }
}
