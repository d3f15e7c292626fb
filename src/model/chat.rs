use serde_json::{Map, Value, json};

/// The size of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PictureSize {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl PictureSize {
    /// The size after a trainer has shrunk a picture of more than `max_pixels` pixels, its shape kept.
    ///
    /// Source: `MMPluginMixin._preprocess_image` of LLaMA-Factory, which does so (`image_max_pixels`) before the model's own
    /// processor sees the picture.
    pub fn at_most(self, max_pixels: u64) -> Self {
        let pixels = u64::from(self.width) * u64::from(self.height);
        if pixels <= max_pixels {
            return self;
        }
        let factor = (max_pixels as f64 / pixels as f64).sqrt();
        let shrunk = |side: u32| ((f64::from(side) * factor) as u32).max(1);
        Self {
            width: shrunk(self.width),
            height: shrunk(self.height),
        }
    }
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatPart {
    /// Text.
    Text(String),
    /// A picture; its size is all that counts.
    Picture(PictureSize),
}

/// A message of a conversation, as chat templates take it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatMessage {
    /// `system`, `user`, `assistant`, `tool`.
    pub role: String,
    /// What it says.
    pub content: Vec<ChatPart>,
    /// Further members, such as `tool_calls` and `name`.
    pub fields: Map<String, Value>,
}

impl ChatMessage {
    /// A message of text alone.
    pub fn text(role: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            role: role.into(),
            content: vec![ChatPart::Text(text.into())],
            fields: Map::new(),
        }
    }

    /// Its pictures, in order.
    pub fn pictures(&self) -> impl Iterator<Item = PictureSize> {
        self.content.iter().filter_map(|part| match part {
            ChatPart::Picture(size) => Some(*size),
            ChatPart::Text(_) => None,
        })
    }

    /// What the template sees: content as a string, or as a list of parts where the conversation has pictures (then all
    /// messages have it so, as trainers' collators do it).
    pub(super) fn to_json(&self, in_parts: bool) -> Value {
        let content = if in_parts {
            let part = |part: &ChatPart| match part {
                ChatPart::Text(text) => json!({"type": "text", "text": text}),
                ChatPart::Picture(_) => json!({"type": "image"}),
            };
            self.content.iter().map(part).collect()
        } else {
            let texts = self.content.iter().filter_map(|part| match part {
                ChatPart::Text(text) => Some(text.as_str()),
                ChatPart::Picture(_) => None,
            });
            Value::from(texts.collect::<String>())
        };
        let mut message = Map::new();
        message.insert("role".to_owned(), Value::from(self.role.as_str()));
        message.insert("content".to_owned(), content);
        // Templates tell a member that is null from one that is missing; `transformers` drops the former.
        let fields = self.fields.iter().filter(|(_, value)| !value.is_null());
        message.extend(fields.map(|(name, value)| (name.clone(), value.clone())));
        Value::Object(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_parts_only_beside_pictures() {
        let size = PictureSize {
            width: 4,
            height: 3,
        };
        let mut message = ChatMessage::text("user", "a");
        message.content.push(ChatPart::Text("b".to_owned()));
        message.fields.insert("name".to_owned(), json!("n"));
        message.fields.insert("tool_calls".to_owned(), Value::Null);
        let plain = json!({"role": "user", "content": "ab", "name": "n"});
        assert_eq!(message.to_json(false), plain);
        message.content.insert(1, ChatPart::Picture(size));
        let parts = json!([{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]);
        assert_eq!(message.to_json(true)["content"], parts);
        assert_eq!(message.pictures().collect::<Vec<_>>(), [size]);
    }

    #[test]
    fn large_pictures_shrink_in_shape() {
        let size = |width, height| PictureSize { width, height };
        // sqrt(589824 / (4000 * 3000)) = 0.22170… : 886.8 × 665.1.
        assert_eq!(size(4000, 3000).at_most(589_824), size(886, 665));
        assert_eq!(size(768, 768).at_most(589_824), size(768, 768));
        assert_eq!(size(100_000, 1).at_most(100), size(3162, 1));
    }
}
