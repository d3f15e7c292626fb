use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::error::RolloutError;
use super::prompt::{Message, Part, Prompt, PromptForm};
use crate::controller::{Content, ContentPart, ImageUrl, RequestMessage};
use crate::domain::{Attachment, ContentHash, PictureReference, content_hash, visible_line};
use crate::media::{self, DecodeLimits, MediaError, PictureRoots};

/// What is done about a picture that can't be shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MissingPictures {
    /// It is an error that names every such picture.
    #[default]
    Refuse,
    /// It is left out; the prompt says which.
    LeaveOut,
}

/// Where pictures of contexts are, and what is done about those that can't be shown.
#[derive(Debug, Clone, Default)]
pub struct Pictures {
    /// The folders that they are looked up in.
    pub roots: PictureRoots,
    /// The largest that are read.
    pub limits: DecodeLimits,
    /// What is done about the others.
    pub missing: MissingPictures,
}

/// What a controller is sent: pictures as `data:` URLs.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedPrompt {
    /// How it is asked.
    pub form: PromptForm,
    /// The conversation.
    pub messages: Vec<RequestMessage>,
    /// Tools that it may call.
    pub tools: Vec<Value>,
    /// BLAKE3 over the canonical JSON of messages and tools, each picture as the hash of its bytes.
    pub hash: ContentHash,
    /// BLAKE3 over the canonical JSON of the context.
    pub context: ContentHash,
    /// Pictures that are sent.
    pub pictures: usize,
    /// Pictures that are not, with the reason.
    pub left_out: Vec<String>,
}

impl Prompt {
    /// Reads the pictures, below the roots and within the limits.
    pub fn load(&self, pictures: &Pictures) -> Result<LoadedPrompt, RolloutError> {
        let mut loading = Loading {
            roots: &pictures.roots,
            limits: &pictures.limits,
            pictures: 0,
            failed: Vec::new(),
        };
        let loaded = self.messages.iter().map(|message| loading.message(message));
        let (messages, hashed): (Vec<RequestMessage>, Vec<Value>) = loaded.unzip();
        if pictures.missing == MissingPictures::Refuse && !loading.failed.is_empty() {
            return Err(RolloutError::Pictures {
                pictures: loading.failed,
            });
        }
        let hashed = json!({"messages": hashed, "tools": self.tools});
        Ok(LoadedPrompt {
            form: self.form,
            messages,
            tools: self.tools.clone(),
            hash: content_hash(&hashed.to_string())?,
            context: self.context,
            pictures: loading.pictures,
            left_out: loading.failed,
        })
    }
}

impl LoadedPrompt {
    /// The pictures as they are sent, in the order of the conversation.
    pub fn images(&self) -> Vec<ContentPart> {
        let parts = self
            .messages
            .iter()
            .flat_map(|message| match &message.content {
                Some(Content::Parts(parts)) => parts.as_slice(),
                _ => &[],
            });
        let images = parts.filter(|part| matches!(part, ContentPart::ImageUrl { .. }));
        images.cloned().collect()
    }
}

struct Loading<'a> {
    roots: &'a PictureRoots,
    limits: &'a DecodeLimits,
    pictures: usize,
    failed: Vec<String>,
}

impl Loading<'_> {
    /// A message as it is sent, and as it is hashed.
    fn message(&mut self, message: &Message) -> (RequestMessage, Value) {
        let mut sent = Vec::with_capacity(message.parts.len());
        let mut hashed = Vec::with_capacity(message.parts.len());
        for part in &message.parts {
            match part {
                Part::Text(text) => {
                    sent.push(ContentPart::Text { text: text.clone() });
                    hashed.push(json!({"type": "text", "text": text}));
                }
                Part::Picture(picture) => match self.bytes(picture) {
                    Ok(bytes) => {
                        let kind = image::guess_format(&bytes)
                            .map_or("application/octet-stream", |format| format.to_mime_type());
                        let url = format!("data:{kind};base64,{}", STANDARD.encode(&bytes));
                        let image_url = ImageUrl { url };
                        sent.push(ContentPart::ImageUrl { image_url });
                        let hash = ContentHash(blake3::hash(&bytes).into());
                        hashed.push(json!({"type": "picture", "blake3": hash.to_string()}));
                        self.pictures += 1;
                    }
                    Err(error) => {
                        let label = visible_line(picture.reference.label()).into_owned();
                        self.failed.push(match error.to_string() {
                            reason if reason.contains(&label) => reason,
                            reason => format!("{label}: {reason}"),
                        });
                    }
                },
            }
        }
        let mut hashed = json!({"role": message.role, "content": hashed});
        if let Some(members) = hashed.as_object_mut() {
            members.extend(message.fields.clone());
        }
        let sent = RequestMessage {
            role: message.role.to_owned(),
            content: content(sent),
            fields: message.fields.clone(),
        };
        (sent, hashed)
    }

    fn bytes(&self, picture: &Attachment) -> Result<Vec<u8>, MediaError> {
        let named = |path: &str| {
            let reference = PictureReference::Path(path.to_owned());
            media::bytes(&reference, self.roots, self.limits)
        };
        let first = media::bytes(&picture.reference, self.roots, self.limits);
        let found = match (&picture.alias, first) {
            (Some(alias), Err(error)) => named(alias).map_err(|_| error),
            (_, first) => first,
        }?;
        if found.len() as u64 > self.limits.max_bytes {
            return Err(MediaError::TooManyBytes {
                limit: self.limits.max_bytes,
            });
        }
        Ok(found)
    }
}

/// Texts alone are sent as one text: every server takes that, and templates of models that know nothing of pictures take
/// nothing else.
fn content(parts: Vec<ContentPart>) -> Option<Content> {
    let text = |part: &ContentPart| match part {
        ContentPart::Text { text } => Some(text.clone()),
        ContentPart::ImageUrl { .. } => None,
    };
    let texts: Option<String> = parts.iter().map(text).collect();
    match texts {
        _ if parts.is_empty() => None,
        Some(text) => Some(Content::Text(text)),
        None => Some(Content::Parts(parts)),
    }
}
