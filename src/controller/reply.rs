use serde_json::Value;

/// A piece of a candidate, as it comes, or how much of the prompt is read before there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta {
    /// Which candidate.
    pub candidate: usize,
    /// Text that is added to it.
    pub text: String,
    /// How much of the prompt is read; there is no text then.
    pub reading: Option<PromptReading>,
}

/// How much of a prompt a server has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PromptReading {
    /// Tokens that it has read.
    pub read: u64,
    /// Tokens of the prompt.
    pub total: u64,
}

/// A candidate.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CandidateText {
    /// Its text.
    pub text: String,
    /// `stop`, `length`, or what else the server says of its end.
    pub finish: Option<String>,
    /// Calls of tools that the server has made out in it.
    pub tool_calls: Vec<Value>,
    /// What the server tells of probabilities, as it tells it.
    pub logprobs: Vec<Value>,
}

/// How many tokens there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the prompt.
    pub prompt_tokens: u64,
    /// Of all candidates.
    pub completion_tokens: u64,
    /// Of the prompt, taken from a cache, if the server tells.
    pub cached_tokens: Option<u64>,
}

/// What a controller answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reply {
    /// The candidates, in order.
    pub candidates: Vec<CandidateText>,
    /// The model's name, by the server's own word.
    pub model: Option<String>,
    /// Tokens, if the server tells.
    pub usage: Option<Usage>,
}

impl Reply {
    /// Adds an object of the protocol: a whole answer, or a chunk of one. The pieces that it brought; `Err` says what is wrong.
    pub(super) fn add(&mut self, value: &Value) -> Result<Vec<Delta>, String> {
        let object = value.as_object().ok_or("it is no object")?;
        if let Some(error) = object.get("error").filter(|error| !error.is_null()) {
            return Err(message_of(error));
        }
        if let Some(model) = object.get("model").and_then(Value::as_str) {
            self.model = Some(model.to_owned());
        }
        if let Some(usage) = object.get("usage").filter(|usage| usage.is_object()) {
            let count = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or(0);
            self.usage = Some(Usage {
                prompt_tokens: count("prompt_tokens"),
                completion_tokens: count("completion_tokens"),
                cached_tokens: usage
                    .pointer("/prompt_tokens_details/cached_tokens")
                    .and_then(Value::as_u64),
            });
        }
        let choices = match object.get("choices") {
            Some(Value::Array(choices)) => choices.as_slice(),
            None | Some(Value::Null) if object.contains_key("usage") => &[],
            _ => return Err("it has no list `choices`".to_owned()),
        };
        let mut deltas = Vec::new();
        if let Some(told) = object.get("prompt_progress") {
            let count = |name: &str| told.get(name).and_then(Value::as_u64);
            let reading = count("processed").zip(count("total"));
            let reading = reading.map(|(read, total)| PromptReading { read, total });
            deltas.extend(reading.map(|reading| Delta {
                reading: Some(reading),
                ..Delta::default()
            }));
        }
        for choice in choices {
            deltas.extend(self.add_choice(choice)?);
        }
        Ok(deltas)
    }

    fn add_choice(&mut self, choice: &Value) -> Result<Option<Delta>, String> {
        const MOST: usize = 1024;
        let place = match choice.get("index") {
            None | Some(Value::Null) => 0,
            Some(index) => index
                .as_u64()
                .and_then(|index| usize::try_from(index).ok())
                .filter(|index| *index < MOST)
                .ok_or("`index` of a choice is no small whole number")?,
        };
        if self.candidates.len() <= place {
            self.candidates
                .resize_with(place + 1, CandidateText::default);
        }
        let Some(candidate) = self.candidates.get_mut(place) else {
            return Ok(None);
        };
        match choice.get("finish_reason") {
            None | Some(Value::Null) => {}
            Some(Value::String(reason)) => candidate.finish = Some(reason.clone()),
            Some(_) => return Err("`finish_reason` is no text".to_owned()),
        }
        if let Some(told) = choice.get("logprobs").filter(|told| !told.is_null()) {
            candidate.logprobs.push(told.clone());
        }
        let Some(message) = choice.get("delta").or_else(|| choice.get("message")) else {
            return Err("a choice has neither `message` nor `delta`".to_owned());
        };
        if let Some(calls) = message.get("tool_calls").and_then(Value::as_array) {
            candidate.add_calls(calls);
        }
        let text = match message.get("content") {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text,
            Some(_) => return Err("`content` is no text".to_owned()),
        };
        candidate.text.push_str(text);
        Ok((!text.is_empty()).then(|| Delta {
            candidate: place,
            text: text.clone(),
            reading: None,
        }))
    }
}

impl CandidateText {
    /// Whole calls, or pieces of them: in a stream the arguments of a call come in parts under its `index`.
    fn add_calls(&mut self, calls: &[Value]) {
        for call in calls {
            let place = call.get("index").and_then(Value::as_u64);
            let known = place.and_then(|place| {
                let at =
                    |call: &&mut Value| call.get("index").and_then(Value::as_u64) == Some(place);
                self.tool_calls.iter_mut().find(at)
            });
            let Some(known) = known else {
                self.tool_calls.push(call.clone());
                continue;
            };
            let more = call.pointer("/function/arguments").and_then(Value::as_str);
            let arguments = known.pointer_mut("/function/arguments");
            match (arguments, more) {
                (Some(Value::String(arguments)), Some(more)) => arguments.push_str(more),
                (Some(arguments), Some(more)) => *arguments = Value::from(more),
                _ => {}
            }
        }
    }
}

/// What a server says of an error, in whatever form.
pub(super) fn message_of(error: &Value) -> String {
    const LONGEST: usize = 500;
    let inner = error.get("error").filter(|inner| !inner.is_null());
    let error = inner.unwrap_or(error);
    let text = ["message", "detail"]
        .iter()
        .find_map(|name| error.get(name)?.as_str());
    let text = match text.or_else(|| error.as_str()) {
        Some(text) => text.to_owned(),
        None => error.to_string(),
    };
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn chunks_add_up_whatever_their_order() {
        let mut reply = Reply::default();
        let chunk = |index: u64, text: &str| json!({"choices": [{"index": index, "delta": {"content": text}, "finish_reason": null}], "model": "m"});
        reply
            .add(&json!({"choices": [{"index": 1, "delta": {"role": "assistant"}}]}))
            .unwrap();
        assert_eq!(
            reply.add(&chunk(1, "b")).unwrap(),
            [Delta {
                candidate: 1,
                text: "b".to_owned(),
                reading: None,
            }]
        );
        // How much of the prompt is read, as llama.cpp tells it; nonsense there is no text.
        let reading = json!({"choices": [], "prompt_progress": {"processed": 512, "total": 1900, "cache": 0}});
        assert_eq!(
            reply.add(&reading).unwrap(),
            [Delta {
                reading: Some(PromptReading {
                    read: 512,
                    total: 1900
                }),
                ..Delta::default()
            }]
        );
        let odd = json!({"choices": [], "prompt_progress": "much"});
        assert_eq!(reply.add(&odd).unwrap(), []);
        reply.add(&chunk(0, "a")).unwrap();
        reply.add(&chunk(1, "c")).unwrap();
        reply
            .add(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
            .unwrap();
        reply
            .add(&json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 2}}}))
            .unwrap();
        let texts: Vec<&str> = reply.candidates.iter().map(|c| c.text.as_str()).collect();
        assert_eq!(texts, ["a", "bc"]);
        assert_eq!(reply.candidates[0].finish.as_deref(), Some("stop"));
        assert_eq!(
            reply.usage,
            Some(Usage {
                prompt_tokens: 3,
                completion_tokens: 4,
                cached_tokens: Some(2),
            })
        );
    }

    #[test]
    fn calls_that_come_in_pieces_are_put_together() {
        let mut reply = Reply::default();
        let piece =
            |call: Value| json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]});
        reply
            .add(&piece(
                json!({"index": 0, "id": "x", "function": {"name": "f", "arguments": "{\"a\""}}),
            ))
            .unwrap();
        reply
            .add(&piece(
                json!({"index": 1, "function": {"name": "g", "arguments": ""}}),
            ))
            .unwrap();
        reply
            .add(&piece(
                json!({"index": 0, "function": {"arguments": ":1}"}}),
            ))
            .unwrap();
        let calls = &reply.candidates[0].tool_calls;
        assert_eq!(calls[0]["function"]["arguments"], "{\"a\":1}");
        assert_eq!(calls[1]["function"]["name"], "g");
    }

    #[test]
    fn what_is_no_answer_is_said_to_be_none() {
        for (value, said) in [
            (json!([]), "no object"),
            (json!({}), "no list `choices`"),
            (json!({"choices": {}}), "no list `choices`"),
            (json!({"choices": [{}]}), "neither"),
            (
                json!({"choices": [{"message": {"content": 3}}]}),
                "`content` is no text",
            ),
            (
                json!({"choices": [{"index": 1e9, "message": {}}]}),
                "`index`",
            ),
            (
                json!({"choices": [{"index": -1, "message": {}}]}),
                "`index`",
            ),
            (
                json!({"choices": [{"finish_reason": 1, "message": {}}]}),
                "`finish_reason`",
            ),
            (
                json!({"error": {"message": "out of memory"}}),
                "out of memory",
            ),
        ] {
            let error = Reply::default().add(&value).unwrap_err();
            assert!(error.contains(said), "{value}: {error}");
        }
        assert_eq!(message_of(&json!({"error": "plain"})), "plain");
        assert_eq!(message_of(&json!({"detail": "d"})), "d");
        assert_eq!(message_of(&json!({"x": 1})), "{\"x\":1}");
    }
}
