use image::RgbImage;
use serde_json::Value;

use super::ServeOptions;
use super::error::Refusal;
use super::limits::MOST_PICTURES;
use crate::controller::{ChatRequest, Content, ContentPart, RequestMessage};
use crate::domain::{PictureBytes, PictureReference};
use crate::media::{self, PictureRoots};
use crate::model::{
    CandidateOptions, ChatMessage, ChatPart, GenerationRequest, Model, PictureSize, Prompt,
    Sampling,
};

/// Probabilities that are told of other tokens at most.
const MOST_LOGPROBS: usize = 20;

/// What the model is to do for a request. `seed` is used where the request has none.
pub(super) fn generation(
    request: &ChatRequest,
    model: &Model,
    options: &ServeOptions,
    seed: u64,
) -> Result<GenerationRequest, Refusal> {
    if request.messages.is_empty() {
        return Err(Refusal::request("`messages` is empty"));
    }
    let prompt = prompt(request, model, options)?;
    let sampling = Sampling {
        temperature: request.temperature.unwrap_or(options.sampling.temperature),
        top_p: request.top_p.unwrap_or(options.sampling.top_p),
        top_k: request.top_k.unwrap_or(options.sampling.top_k),
        min_p: request.min_p.unwrap_or(options.sampling.min_p),
        repetition_penalty: request
            .repetition_penalty
            .unwrap_or(options.sampling.repetition_penalty),
    };
    let seed = request.seed.unwrap_or(seed);
    let stop = request
        .stop
        .as_ref()
        .map(|stop| stop.list())
        .unwrap_or_default();
    let count = count(request)?;
    let candidate = |number: usize| {
        let own = request.candidates.get(number).copied().unwrap_or_default();
        CandidateOptions {
            sampling: Sampling {
                temperature: own.temperature.unwrap_or(sampling.temperature),
                ..sampling
            },
            seed: own.seed.unwrap_or(seed.wrapping_add(number as u64)),
            stop: stop.clone(),
            max_tokens: request.max_completion_tokens.or(request.max_tokens),
        }
    };
    let logprobs = request.logprobs.unwrap_or(false);
    let top = request.top_logprobs.unwrap_or(0);
    if top > MOST_LOGPROBS {
        return Err(Refusal::request(format!(
            "`top_logprobs` is {top}, and at most {MOST_LOGPROBS}"
        )));
    }
    Ok(GenerationRequest {
        prompt,
        candidates: (0..count).map(candidate).collect(),
        logprobs: logprobs.then_some(top),
    })
}

/// How many candidates are asked for.
fn count(request: &ChatRequest) -> Result<usize, Refusal> {
    let drawn = request.candidates.len();
    let count = request.n.unwrap_or(drawn.max(1));
    if drawn > 0 && drawn != count {
        return Err(Refusal::request(format!(
            "`candidates` has {drawn} entries, and `n` is {count}"
        )));
    }
    // More than a request may have is refused by the model; no list of that length is made before.
    Ok(count.min(4096))
}

fn prompt(request: &ChatRequest, model: &Model, options: &ServeOptions) -> Result<Prompt, Refusal> {
    let mut pictures = Vec::new();
    let mut messages = Vec::with_capacity(request.messages.len());
    for message in &request.messages {
        messages.push(chat_message(message, model, options, &mut pictures)?);
    }
    let tools: &[Value] = &request.tools;
    Ok(model.chat_prompt(&messages, tools, &pictures)?)
}

fn chat_message(
    message: &RequestMessage,
    model: &Model,
    options: &ServeOptions,
    pictures: &mut Vec<RgbImage>,
) -> Result<ChatMessage, Refusal> {
    let mut content = Vec::new();
    match &message.content {
        None => {}
        Some(Content::Text(text)) => content.push(ChatPart::Text(text.clone())),
        Some(Content::Parts(parts)) => {
            for part in parts {
                match part {
                    ContentPart::Text { text } => content.push(ChatPart::Text(text.clone())),
                    ContentPart::ImageUrl { .. }
                        if options.drops_images && !model.takes_pictures() => {}
                    ContentPart::ImageUrl { image_url } => {
                        if pictures.len() >= MOST_PICTURES {
                            let problem = format!("there are more than {MOST_PICTURES} pictures");
                            return Err(Refusal::request(problem));
                        }
                        let picture = picture(&image_url.url, options)?;
                        let (width, height) = picture.dimensions();
                        content.push(ChatPart::Picture(PictureSize { width, height }));
                        pictures.push(picture);
                    }
                }
            }
        }
    }
    Ok(ChatMessage {
        role: message.role.clone(),
        content,
        fields: message.fields.clone(),
    })
}

/// The pixels of a picture: inside a `data:` URL, or below the roots where paths are allowed.
fn picture(url: &str, options: &ServeOptions) -> Result<RgbImage, Refusal> {
    let none = PictureRoots::default();
    let (reference, roots) = match url.strip_prefix("data:") {
        Some(data) => {
            let (kind, base64) = data
                .split_once(";base64,")
                .ok_or_else(|| Refusal::request("a `data:` URL of a picture has no `;base64,`"))?;
            let bytes = PictureBytes {
                media_type: Some(kind.to_owned()),
                path: None,
                base64: base64.into(),
            };
            (PictureReference::Inline(bytes), &none)
        }
        None => {
            if url.starts_with("http://") || url.starts_with("https://") {
                return Err(Refusal::request(
                    "pictures are not fetched from addresses; send a `data:` URL",
                ));
            }
            let Some(roots) = &options.picture_roots else {
                return Err(Refusal::request("pictures are taken as `data:` URLs alone"));
            };
            let path = url.strip_prefix("file://").unwrap_or(url);
            (PictureReference::Path(path.to_owned()), roots)
        }
    };
    let picture = media::load(&reference, roots, &options.picture_limits)?;
    Ok(picture.to_rgb8())
}
