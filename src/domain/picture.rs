use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Where the bytes of a picture or another attached file are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PictureReference {
    /// A path as the data has it; resolved against the source's picture roots, never outside them.
    Path(String),
    /// An address; shown, never fetched.
    Url(String),
    /// Bytes inside the record itself (a `data:` address, or the `{bytes, path}` structure of Hugging Face tables).
    Inline(PictureBytes),
}

/// Bytes that a record holds itself, still in base64 as JSON has them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PictureBytes {
    /// `image/png` and the like, where the data says so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub media_type: Option<String>,
    /// The name that came with the bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<String>,
    /// Standard base64.
    pub base64: Arc<str>,
}

const PICTURE_TYPES: [&str; 8] = ["jpg", "jpeg", "png", "gif", "webp", "bmp", "tif", "tiff"];

impl PictureReference {
    /// Tells a path, an address and a `data:` address apart.
    pub fn from_text(text: &str) -> Self {
        if let Some((head, body)) = text.strip_prefix("data:").and_then(|t| t.split_once(',')) {
            let media_type = head.split(';').next().filter(|m| !m.is_empty());
            return Self::Inline(PictureBytes {
                media_type: media_type.map(str::to_owned),
                path: None,
                base64: Arc::from(body),
            });
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return Self::Url(text.to_owned());
        }
        Self::Path(text.strip_prefix("file://").unwrap_or(text).to_owned())
    }

    /// The path or address to show a person; inline bytes are named by their own path.
    pub fn label(&self) -> &str {
        match self {
            Self::Path(path) => path,
            Self::Url(url) => url,
            Self::Inline(bytes) => bytes.path.as_deref().unwrap_or("(inside the record)"),
        }
    }

    /// The ending in lower case without the dot, from the name or the media type.
    pub fn file_type(&self) -> Option<String> {
        if let Self::Inline(PictureBytes {
            media_type: Some(media_type),
            ..
        }) = self
        {
            return media_type.rsplit('/').next().map(str::to_ascii_lowercase);
        }
        let label = self.label();
        let label = label.split(['?', '#']).next().unwrap_or(label);
        let name = label.rsplit(['/', '\\']).next()?;
        let (stem, ending) = name.rsplit_once('.')?;
        let plain = !stem.is_empty()
            && !ending.is_empty()
            && ending.len() <= 8
            && ending.chars().all(|c| c.is_ascii_alphanumeric());
        plain.then(|| ending.to_ascii_lowercase())
    }

    /// Whether the name or media type says that it is a picture.
    pub fn is_picture(&self) -> bool {
        match self {
            Self::Inline(bytes) => bytes
                .media_type
                .as_deref()
                .is_none_or(|m| m.starts_with("image/")),
            _ => self
                .file_type()
                .is_some_and(|t| PICTURE_TYPES.contains(&t.as_str())),
        }
    }
}
