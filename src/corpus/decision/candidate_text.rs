//! Thought, code and observation as a person writes them: a JSON object, or a reply as controllers write it.

use serde_json::Value;

use crate::domain::review::LiteralCandidate;
use crate::ingest::code_reply::CodeReply;

use super::DecisionError;

/// Whether it says nothing and does nothing.
pub fn is_empty_candidate(texts: &LiteralCandidate) -> bool {
    let all = [&texts.thought, &texts.code, &texts.observation];
    all.into_iter()
        .all(|text| text.as_deref().is_none_or(|text| text.trim().is_empty()))
}

/// Reads either form. What opens with `{` is JSON; of a reply without code all is the thought.
pub fn parse_candidate(text: &str) -> Result<LiteralCandidate, DecisionError> {
    let texts = match text.trim_start().starts_with('{') {
        true => json(text)?,
        false => {
            let reply = CodeReply::parse(text);
            LiteralCandidate {
                thought: reply.thought(text).map(str::to_owned),
                code: reply.code(text).map(str::to_owned),
                observation: None,
            }
        }
    };
    match is_empty_candidate(&texts) {
        true => Err(DecisionError::EmptyCandidate),
        false => Ok(texts),
    }
}

fn json(text: &str) -> Result<LiteralCandidate, DecisionError> {
    let wrong = DecisionError::NoCandidate;
    let value: Value = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    let mut texts = LiteralCandidate::default();
    for (key, value) in value.as_object().into_iter().flatten() {
        let place = match key.as_str() {
            "thought" => &mut texts.thought,
            "code" => &mut texts.code,
            "observation" => &mut texts.observation,
            other => return Err(wrong(format!("`{other}` is none of its keys"))),
        };
        *place = match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            // Tool calls are JSON themselves.
            Value::Array(_) if key == "code" => Some(value.to_string()),
            _ => return Err(wrong(format!("`{key}` is no text"))),
        };
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let some = |text: &str| Some(text.to_owned());
        let reply =
            parse_candidate("Thought: Look.\nCode:\n```py\nf()\n```<end_action>").expect("a reply");
        assert_eq!((reply.thought, reply.code), (some("Look."), some("f()")));
        let json = parse_candidate(r#" {"thought": "Look.", "code": null, "observation": "3"}"#)
            .expect("JSON");
        assert_eq!((json.thought, json.code), (some("Look."), None));
        assert_eq!(json.observation, some("3"));
        let calls =
            parse_candidate(r#"{"code": [{"name": "ocr", "arguments": {}}]}"#).expect("calls");
        assert_eq!(calls.code, some(r#"[{"name":"ocr","arguments":{}}]"#));
        assert_eq!(
            parse_candidate("I know it.").expect("words").thought,
            some("I know it.")
        );
    }

    #[test]
    fn what_is_no_candidate_is_refused() {
        for wrong in [
            "",
            "  \n",
            "{}",
            "{\"thought\": \" \"}",
            "{\"thought\": 3}",
            "{\"answer\": \"3\"}",
            "{\"thought\": ",
        ] {
            assert!(parse_candidate(wrong).is_err(), "{wrong}");
        }
    }
}
