use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A request of OpenAI's chat completions, with what vLLM, llama.cpp and retake's own server know beyond it. Members that are not
/// set are not sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// Which model; a server with one model may take any name.
    #[serde(default)]
    pub model: String,
    /// The conversation.
    pub messages: Vec<RequestMessage>,
    /// Tools that the model may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Value>,
    /// How many candidates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<usize>,
    /// What settles the draws; the candidates count on from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What logits are divided by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Only the best tokens whose probabilities sum up to this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// Only so many of the best tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<usize>,
    /// Only tokens of at least this share of the best one's probability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f32>,
    /// What makes tokens of the context less likely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repetition_penalty: Option<f32>,
    /// Tokens of a candidate at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<usize>,
    /// The same under its newer name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<usize>,
    /// Texts that end a candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopTexts>,
    /// Whether the server may take the beginning of the prompt from its cache; `false` computes all of it. (A member of llama.cpp.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_prompt: Option<bool>,
    /// Whether a stream tells how much of the prompt is read. (A member of llama.cpp.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_progress: Option<bool>,
    /// How the single candidates are drawn, where that is not the same for all: one entry for each. (A member that only retake's own
    /// server knows; it is sent to no other.)
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<CandidateDraw>,
    /// Whether probabilities are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<bool>,
    /// Of how many tokens in each place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<usize>,
    /// Whether the answer comes piece by piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// What a stream tells besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
}

/// How one candidate of a request is drawn. What is not set is as the request says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CandidateDraw {
    /// What logits are divided by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// What settles its draws.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// What a stream tells besides its pieces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamOptions {
    /// Whether its end tells how many tokens there were.
    #[serde(default)]
    pub include_usage: bool,
}

/// One text, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum StopTexts {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl StopTexts {
    /// As a list.
    pub fn list(&self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text.clone()],
            Self::Several(texts) => texts.clone(),
        }
    }
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestMessage {
    /// `system`, `user`, `assistant`, `tool`.
    pub role: String,
    /// What it says; may be missing beside tool calls.
    #[serde(default)]
    pub content: Option<Content>,
    /// Further members, such as `tool_calls` and `name`.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Text alone.
    Text(String),
    /// Text and pictures.
    Parts(Vec<ContentPart>),
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentPart {
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// A picture.
    ImageUrl {
        /// Where it is.
        image_url: ImageUrl,
    },
}

/// Where a picture is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageUrl {
    /// A `data:` URL, or a path where the server may open files.
    pub url: String,
}

impl RequestMessage {
    /// A message of text alone.
    pub fn text(role: &str, text: impl Into<String>) -> Self {
        Self {
            role: role.to_owned(),
            content: Some(Content::Text(text.into())),
            fields: Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_set_is_not_sent() {
        let request = ChatRequest {
            model: "m".to_owned(),
            messages: vec![RequestMessage::text("user", "Hi")],
            seed: Some(3),
            ..ChatRequest::default()
        };
        let sent =
            json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "seed": 3});
        assert_eq!(serde_json::to_value(&request).unwrap(), sent);
    }

    #[test]
    fn requests_are_read_as_others_send_them() {
        let sent = json!({
            "model": "m", "stop": ["a", "b"], "user": "somebody", "temperature": 0.5, "messages": [
                {"role": "user", "content": [{"type": "text", "text": "T"}, {"type": "image_url", "image_url": {"url": "data:,", "detail": "low"}}]},
                {"role": "assistant", "content": null, "tool_calls": [{"id": "1"}]},
                {"role": "tool", "content": "17", "tool_call_id": "1"},
            ],
        });
        let request: ChatRequest = serde_json::from_value(sent).unwrap();
        assert_eq!(request.stop.unwrap().list(), ["a", "b"]);
        let Some(Content::Parts(parts)) = &request.messages[0].content else {
            panic!()
        };
        assert!(
            matches!(&parts[1], ContentPart::ImageUrl { image_url } if image_url.url == "data:,")
        );
        assert!(request.messages[1].content.is_none());
        assert_eq!(request.messages[2].fields["tool_call_id"], "1");
        assert!(serde_json::from_value::<ChatRequest>(json!({"messages": "x"})).is_err());
    }
}
