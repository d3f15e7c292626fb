use std::fmt;
use std::path::{Path, PathBuf};

use super::model_folder::Settings;
use super::{ModelError, model_folder};

/// The tokenizer of a model: `tokenizer.json` of its folder.
pub struct Tokenizer {
    path: PathBuf,
    inner: tokenizers::Tokenizer,
    /// The token that ends a text, by `tokenizer_config.json`.
    end: Option<u32>,
}

impl Tokenizer {
    const FILE: &'static str = "tokenizer.json";

    /// Reads the tokenizer of a model's folder.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join(Self::FILE);
        let Some(text) = model_folder::text(folder, Self::FILE)? else {
            return Err(ModelError::Missing {
                folder: folder.to_owned(),
                file: Self::FILE,
            });
        };
        let mut tokenizer = Self::from_json(&path, &text)?;
        let config = Settings::read(folder, "tokenizer_config.json")?.unwrap_or_default();
        let end = config.values.get("eos_token");
        let end = end.and_then(|end| end.as_str().or_else(|| end.get("content")?.as_str()));
        tokenizer.end = end.and_then(|end| tokenizer.id(end));
        Ok(tokenizer)
    }

    /// From the text of a `tokenizer.json`; `path` is what errors name.
    pub(super) fn from_json(path: &Path, text: &str) -> Result<Self, ModelError> {
        let path = path.to_owned();
        let mut inner: tokenizers::Tokenizer =
            serde_json::from_str(text).map_err(|source| ModelError::Json {
                path: path.clone(),
                source,
            })?;
        // A file may carry a length that some program set before it was saved.
        inner.with_padding(None);
        if let Err(error) = inner.with_truncation(None) {
            let reason = error.to_string();
            return Err(ModelError::Tokenizer { path, reason });
        }
        Ok(Self {
            path,
            inner,
            end: None,
        })
    }

    /// The ids of a text's tokens. The marks of special tokens in it are these tokens; none are added.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        let encoding = self.inner.encode_fast(text, false);
        let encoding = encoding.map_err(|error| ModelError::Tokenizer {
            path: self.path.clone(),
            reason: error.to_string(),
        })?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The text of tokens; special ones have none. A part of a character is a replacement character.
    pub fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        let text = self.inner.decode(ids, true);
        text.map_err(|error| ModelError::Tokenizer {
            path: self.path.clone(),
            reason: error.to_string(),
        })
    }

    /// A token as the vocabulary has it.
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// The token that ends a text, if the folder names one.
    pub fn end(&self) -> Option<u32> {
        self.end
    }

    /// The id of a token.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tokenizer").field(&self.path).finish()
    }
}
