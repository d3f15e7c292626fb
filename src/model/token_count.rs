use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{ChatMessage, ChatTemplate, ModelError, PictureSize, PictureTokens, Tokenizer};

/// Counts the tokens of conversations as the processor of a model would: its chat template, its tokenizer, and its pictures.
#[derive(Debug)]
pub struct TokenCounter {
    folder: PathBuf,
    tokenizer: Tokenizer,
    template: ChatTemplate,
    template_for_tools: ChatTemplate,
    pictures: Option<PictureTokens>,
}

impl TokenCounter {
    /// Reads the folder of a model. What is needed for pictures alone may be missing until there is one.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        Ok(Self {
            folder: folder.to_owned(),
            tokenizer: Tokenizer::open(folder)?,
            template: ChatTemplate::open(folder, false)?,
            template_for_tools: ChatTemplate::open(folder, true)?,
            pictures: PictureTokens::open(folder).ok(),
        })
    }

    /// The tokens of a whole conversation: messages, tools and pictures, the last answer included.
    pub fn count(&self, messages: &[ChatMessage], tools: &[Value]) -> Result<usize, ModelError> {
        let template = match tools {
            [] => &self.template,
            _ => &self.template_for_tools,
        };
        let text = template.render(messages, tools, false)?;
        let pictures: Vec<PictureSize> = messages.iter().flat_map(ChatMessage::pictures).collect();
        if pictures.is_empty() {
            return Ok(self.tokenizer.encode(&text)?.len());
        }
        let (text, more_tokens) = self.with_pictures(&text, &pictures)?;
        Ok(self.tokenizer.encode(&text)?.len() + more_tokens)
    }

    /// The text with what pictures become in the places of their placeholders, and how many tokens these take beyond it.
    fn with_pictures(
        &self,
        text: &str,
        pictures: &[PictureSize],
    ) -> Result<(String, usize), ModelError> {
        let tokens = match &self.pictures {
            Some(tokens) => tokens,
            // Says what is missing.
            None => &PictureTokens::open(&self.folder)?,
        };
        let placeholder = tokens.placeholder();
        if self.tokenizer.id(placeholder).is_none() {
            return Err(ModelError::NoPictureToken(placeholder));
        }
        let placeholders = text.matches(placeholder).count();
        if placeholders != pictures.len() {
            return Err(ModelError::Placeholders {
                placeholder,
                placeholders,
                pictures: pictures.len(),
            });
        }
        let mut pieces = text.split(placeholder);
        let mut expanded = pieces.next().unwrap_or_default().to_owned();
        let mut more_tokens = 0;
        for (picture, piece) in pictures.iter().zip(pieces) {
            let picture = tokens.text_of(*picture)?;
            expanded += &picture.text;
            expanded += piece;
            more_tokens += picture.more_tokens;
        }
        Ok((expanded, more_tokens))
    }
}
