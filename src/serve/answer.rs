use serde_json::{Value, json};

use crate::model::{Completion, Finish, GenerationStatistics, Piece, TokenLogprob, Tokenizer};

/// What all parts of an answer have in common.
#[derive(Debug, Clone)]
pub(super) struct AnswerHead {
    /// Its own name.
    pub id: String,
    /// Seconds since 1970.
    pub created: u64,
    /// The model's name.
    pub model: String,
}

impl AnswerHead {
    /// An answer as a whole.
    pub fn whole(
        &self,
        completions: &[Completion],
        statistics: &GenerationStatistics,
        tokenizer: &Tokenizer,
    ) -> Value {
        let choices: Vec<Value> = completions
            .iter()
            .enumerate()
            .map(|(index, completion)| {
                json!({
                    "index": index, "message": {"role": "assistant", "content": completion.text},
                    "logprobs": logprobs(&completion.logprobs, tokenizer), "finish_reason": reason(completion.finish),
                })
            })
            .collect();
        json!({
            "id": self.id, "object": "chat.completion", "created": self.created, "model": self.model, "choices": choices,
            "usage": usage(statistics),
        })
    }

    /// A piece of a stream.
    pub fn chunk(&self, piece: &Piece, is_first: bool, tokenizer: &Tokenizer) -> Value {
        let delta = match (is_first, piece.text.is_empty()) {
            (true, _) => json!({"role": "assistant", "content": piece.text}),
            (false, true) => json!({}),
            (false, false) => json!({"content": piece.text}),
        };
        let told: Vec<TokenLogprob> = piece.logprob.iter().cloned().collect();
        let choice = json!({
            "index": piece.candidate, "delta": delta, "logprobs": logprobs(&told, tokenizer), "finish_reason": piece.finish.map(reason),
        });
        json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model, "choices": [choice],
        })
    }

    /// How much of the prompt is read; a member of llama.cpp.
    pub fn reading_chunk(&self, read: usize, total: usize) -> Value {
        json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model, "choices": [],
            "prompt_progress": {"processed": read, "total": total},
        })
    }

    /// The last part of a stream, if tokens are to be told.
    pub fn usage_chunk(&self, statistics: &GenerationStatistics) -> Value {
        json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model, "choices": [],
            "usage": usage(statistics),
        })
    }
}

fn reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
    }
}

fn usage(statistics: &GenerationStatistics) -> Value {
    json!({
        "prompt_tokens": statistics.prompt_tokens, "completion_tokens": statistics.new_tokens,
        "total_tokens": statistics.prompt_tokens + statistics.new_tokens,
        "prompt_tokens_details": {"cached_tokens": statistics.cached_tokens},
    })
}

fn logprobs(told: &[TokenLogprob], tokenizer: &Tokenizer) -> Value {
    if told.is_empty() {
        return Value::Null;
    }
    let token = |id: u32, logprob: f32| {
        let text = tokenizer.decode(&[id]).unwrap_or_default();
        let text = match text.is_empty() {
            true => tokenizer.token(id).unwrap_or_default(),
            false => text,
        };
        // Of a token that is a part of a character the bytes are not known here.
        let bytes = (!text.contains(char::REPLACEMENT_CHARACTER)).then_some(text.as_bytes());
        json!({"token": text, "logprob": logprob, "bytes": bytes, "id": id})
    };
    let places: Vec<Value> = told
        .iter()
        .map(|place| {
            let top: Vec<Value> = place.top.iter().map(|(id, p)| token(*id, *p)).collect();
            let mut own = token(place.id, place.logprob);
            own["top_logprobs"] = Value::from(top);
            own
        })
        .collect();
    json!({"content": places})
}
