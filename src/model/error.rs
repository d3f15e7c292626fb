use std::path::PathBuf;

use super::architecture::Architecture;
use super::weights::TensorProblem;
use super::{DeviceChoice, Quantization};
use crate::domain::visible_line as visible;
use crate::jobs::Cancelled;
use crate::report::Report;

/// Why something can't be told of a model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The folder lacks a file.
    #[error("{} has no {file}", folder.display())]
    Missing {
        /// The model's folder.
        folder: PathBuf,
        /// What is missing.
        file: &'static str,
    },
    /// A file can't be read.
    #[error("{} can't be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not the JSON that it should be.
    #[error("{} is not what it should be", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The tokenizer can't be made, or it fails.
    #[error("the tokenizer of {} fails: {reason}", path.display())]
    Tokenizer {
        /// Its file.
        path: PathBuf,
        /// What the library says.
        reason: String,
    },
    /// The folder has no chat template.
    #[error("{} has no chat template", .0.display())]
    NoTemplate(PathBuf),
    /// The chat template is no Jinja that can be read, or can't be applied to these messages.
    #[error("the chat template of {} fails: {reason}", path.display())]
    Template {
        /// Its file.
        path: PathBuf,
        /// What the library says, with the line.
        reason: String,
    },
    /// The chat template calls `raise_exception`.
    #[error("the chat template refuses these messages: {0}")]
    Refused(String),
    /// The tokens of pictures are not known of this model.
    #[error("how many tokens a picture becomes is not known of a model of the type `{0}`")]
    UnknownModel(String),
    /// The model takes no picture of this shape.
    #[error("the model takes no picture of {width} × {height} pixels: {reason}")]
    PictureShape {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Why.
        reason: &'static str,
    },
    /// The rendered text has another number of places for pictures than the messages have pictures.
    #[error("the templated text has {placeholders} × `{placeholder}` for {pictures} pictures")]
    Placeholders {
        /// The text that stands for a picture.
        placeholder: &'static str,
        /// How often it is there.
        placeholders: usize,
        /// How many pictures the messages have.
        pictures: usize,
    },
    /// A member of a configuration is missing or no use.
    #[error("{}: `{member}` {problem}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// The member, with its section.
        member: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A model of a kind that can't be run.
    #[error("models of the type `{}` can't be run", visible(.0))]
    UnknownArchitecture(String),
    /// A file of weights can't be used.
    #[error("the weights in {} can't be used: {reason}", path.display())]
    Weights {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The tensors of a model's files are not those that its configuration asks for.
    #[error("the weights in {} do not fit the configuration: {}", path.display(), list(problems))]
    Tensors {
        /// The folder.
        path: PathBuf,
        /// What is wrong, tensor by tensor.
        problems: Vec<TensorProblem>,
    },
    /// The model takes text alone.
    #[error("the model takes text alone, and there are pictures")]
    NoPictures,
    /// The pixels are not those of the model's image processor.
    #[error("the pixels of a picture do not fit the model: {0}")]
    Pixels(String),
    /// The prompt has another number of tokens for pictures than its pictures need.
    #[error(
        "the prompt has {places} tokens for pictures, and its {pictures} pictures need {wanted}"
    )]
    PicturePlaces {
        /// Tokens for pictures in the prompt.
        places: usize,
        /// Tokens that its pictures need.
        wanted: usize,
        /// How many pictures there are.
        pictures: usize,
    },
    /// The tokenizer gives an id that the model does not have.
    #[error("the tokenizer gives the token {id}, and the model has {vocabulary} tokens")]
    TokenId {
        /// The id.
        id: u32,
        /// Tokens of the model.
        vocabulary: usize,
    },
    /// No model has this name.
    #[error(
        "there is no model `{}`, and no such folder or file; {}",
        visible(name),
        if names.is_empty() { "no model has a name yet".to_owned() } else { format!("models with names are {}", visible(names)) }
    )]
    NoModel {
        /// What was asked for.
        name: String,
        /// The names that there are.
        names: String,
    },
    /// The file of names can't be used.
    #[error("the names of models in {} can't be used: {reason}", path.display())]
    Registry {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A request that can't be met.
    #[error("{0}")]
    Request(String),
    /// A prompt and its answer do not fit in the model's context.
    #[error(
        "the prompt has {prompt} tokens and the answer is to have {wanted}, {} more than the {context} of the model's context",
        (prompt + wanted).saturating_sub(*context)
    )]
    Context {
        /// Tokens of the prompt.
        prompt: usize,
        /// Tokens of the answer.
        wanted: usize,
        /// Tokens that fit.
        context: usize,
    },
    /// The model computed something that is no number.
    #[error("the model computed {0} in the place of a number")]
    NotFinite(f32),
    /// A device can't be used.
    #[error("{0}")]
    Device(String),
    /// Somebody asked it to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// Weights in fewer bits are wanted on a GPU.
    #[error("weights in {kind} are for the CPU, and the model is to run on `{device}`")]
    NotOnGpu {
        /// How they are to be kept.
        kind: Quantization,
        /// What was asked for.
        device: DeviceChoice,
    },
    /// The tokenizer does not know the text that stands for a picture.
    #[error("the tokenizer has no token `{0}`, which stands for a picture")]
    NoPictureToken(&'static str),
}

/// How many problems with tensors are told one by one.
const TOLD: usize = 12;

fn list(problems: &[TensorProblem]) -> String {
    let mut lines: Vec<String> = problems
        .iter()
        .take(TOLD)
        .map(|problem| visible(&problem.to_string()).into_owned())
        .collect();
    if problems.len() > TOLD {
        lines.push(format!("and {} more", problems.len() - TOLD));
    }
    lines.join("; ")
}

impl From<ModelError> for Report {
    fn from(error: ModelError) -> Self {
        let report = Self::from_error(&error);
        match error {
            ModelError::Missing { .. } | ModelError::NoTemplate(_) => report.hint(
                "name the folder of the model that is to be trained, as it was downloaded from Hugging Face",
            ),
            ModelError::UnknownModel(_) => report.hint(
                "known are qwen2_vl, qwen2_5_vl, qwen3_vl, qwen3_vl_moe, qwen3_5, qwen3_5_moe, idefics3 and smolvlm",
            ),
            ModelError::Placeholders { .. } => report.hint(
                "the template may know no pictures, or a text holds what stands for one",
            ),
            ModelError::UnknownArchitecture(_) => {
                report.hint(format!("known are {}", Architecture::names()))
            }
            ModelError::NoModel { .. } => {
                report.hint("`retake model list` lists them; `retake model add DIR` gives one a name")
            }
            ModelError::NotFinite(_) => report.hint(
                "its weights may be damaged, or too large for 16 bits; `--device cpu` computes in 32",
            ),
            ModelError::NotOnGpu { .. } => report.hint(
                "leave out `--quantize q8`, or say `--device cpu`; `device` under [controller] in the settings counts, too",
            ),
            ModelError::NoPictures => report.hint("`--drop-images` leaves them out"),
            _ => report,
        }
    }
}
