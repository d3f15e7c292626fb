use std::path::PathBuf;

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
    /// The tokenizer does not know the text that stands for a picture.
    #[error("the tokenizer has no token `{0}`, which stands for a picture")]
    NoPictureToken(&'static str),
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
            _ => report,
        }
    }
}
