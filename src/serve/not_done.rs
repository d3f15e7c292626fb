use serde::Deserialize;
use serde_json::Value;

use super::error::Refusal;

/// Members of OpenAI's requests that change an answer and are not known here: to leave them out without a word would make another answer
/// than was asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NotDone {
    response_format: Value,
    frequency_penalty: Value,
    presence_penalty: Value,
    logit_bias: Value,
    tool_choice: Value,
    audio: Value,
    functions: Value,
}

impl NotDone {
    /// An error for the first member that asks for something.
    pub fn check(&self) -> Result<(), Refusal> {
        let members = [
            ("response_format", &self.response_format),
            ("frequency_penalty", &self.frequency_penalty),
            ("presence_penalty", &self.presence_penalty),
            ("logit_bias", &self.logit_bias),
            ("tool_choice", &self.tool_choice),
            ("audio", &self.audio),
            ("functions", &self.functions),
        ];
        match members
            .into_iter()
            .find(|(_, value)| !asks_for_nothing(value))
        {
            Some((name, value)) => Err(Refusal::request(format!(
                "`{name}` is not known here, and is {value}"
            ))),
            None => Ok(()),
        }
    }
}

/// Whether a value says what is done anyway.
fn asks_for_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(choice) => choice == "auto" || choice == "none",
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => {
            members.is_empty() || members.get("type").is_some_and(|kind| kind == "text")
        }
        Value::Bool(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_change_an_answer_is_refused() {
        let check = |text: &str| serde_json::from_str::<NotDone>(text).unwrap().check();
        for neutral in [
            "{}",
            r#"{"messages": [], "response_format": {"type": "text"}, "frequency_penalty": 0, "presence_penalty": 0.0}"#,
            r#"{"logit_bias": {}, "tool_choice": "auto", "functions": [], "audio": null}"#,
        ] {
            assert_eq!(check(neutral), Ok(()), "{neutral}");
        }
        for (wrong, said) in [
            (
                r#"{"response_format": {"type": "json_object"}}"#,
                "`response_format`",
            ),
            (r#"{"frequency_penalty": 0.5}"#, "and is 0.5"),
            (r#"{"logit_bias": {"5": 3}}"#, "`logit_bias`"),
            (r#"{"tool_choice": "required"}"#, "`tool_choice`"),
        ] {
            let refusal = check(wrong).unwrap_err();
            assert!(
                refusal.status == 400 && refusal.message.contains(said),
                "{refusal:?}"
            );
        }
    }
}
