use serde_json::Value;

use super::prompt::PromptForm;
use crate::domain::{Action, Step, ToolCall};
use crate::ingest::code_reply::CodeReply;
use crate::sandbox::{CodeRule, step_code};

/// What a reply holds, and how it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedReply {
    /// Why the controller acts.
    pub thought: Option<String>,
    /// What it does.
    pub action: Option<Action>,
    /// How the action was found.
    pub rule: ReplyRule,
}

/// How the action of a reply was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyRule {
    /// Code, by one of the rules of code agents. Code by [`CodeRule::Lenient`] is kept and not run: the reference finds none.
    Code(CodeRule),
    /// Calls that the server made out.
    ServerCalls,
    /// Calls between `<tool_call>` and `</tool_call>`.
    TaggedCalls,
    /// The whole reply is JSON of one call or of several.
    JsonCalls,
    /// No call: what is said is a message.
    Message,
    /// Nothing that could be done.
    Nothing,
}

impl ReplyRule {
    /// The name for JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Code(rule) => rule.name(),
            Self::ServerCalls => "server-calls",
            Self::TaggedCalls => "tagged-calls",
            Self::JsonCalls => "json-calls",
            Self::Message => "message",
            Self::Nothing => "nothing",
        }
    }

    /// Whether the reference would act on such a reply.
    pub fn acts(self) -> bool {
        !matches!(self, Self::Code(CodeRule::Lenient) | Self::Nothing)
    }
}

/// Reads a reply. `calls` are those that the server made out in it.
pub fn parse_reply(form: PromptForm, text: &str, calls: &[Value]) -> ParsedReply {
    match form {
        PromptForm::Code => code_reply(text),
        PromptForm::ToolCalls => calls_reply(text, calls),
    }
}

fn code_reply(text: &str) -> ParsedReply {
    let parsed = CodeReply::parse(text);
    let lenient = parsed.code(text);
    let step = Step {
        reply: Some(text.to_owned()),
        action: lenient.map(|code| Action::Code(code.to_owned())),
        ..Step::default()
    };
    // What the reference finds runs, also where our reader finds other code.
    let by_reference = Step {
        action: None,
        ..step.clone()
    };
    let found = step_code(&by_reference).or_else(|| step_code(&step));
    ParsedReply {
        thought: parsed.thought(text).map(str::to_owned),
        rule: found
            .as_ref()
            .map_or(ReplyRule::Nothing, |found| ReplyRule::Code(found.rule)),
        action: found
            .filter(|found| !found.code.is_empty())
            .map(|found| Action::Code(found.code)),
    }
}

const TAGS: (&str, &str) = ("<tool_call>", "</tool_call>");

fn calls_reply(text: &str, calls: &[Value]) -> ParsedReply {
    let said = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let made = |thought, calls, rule| ParsedReply {
        thought,
        action: Some(Action::ToolCalls(calls)),
        rule,
    };
    let told: Vec<ToolCall> = calls.iter().filter_map(tool_call).collect();
    if !told.is_empty() {
        let before = text.split(TAGS.0).next().unwrap_or_default();
        return made(said(before), told, ReplyRule::ServerCalls);
    }
    let tagged: Vec<ToolCall> = tagged(text).collect();
    if !tagged.is_empty() {
        let before = text.split(TAGS.0).next().unwrap_or_default();
        return made(said(before), tagged, ReplyRule::TaggedCalls);
    }
    let whole = json_calls(text);
    if !whole.is_empty() {
        return made(None, whole, ReplyRule::JsonCalls);
    }
    match said(text) {
        Some(text) => ParsedReply {
            thought: None,
            action: Some(Action::Message(text)),
            rule: ReplyRule::Message,
        },
        None => ParsedReply {
            thought: None,
            action: None,
            rule: ReplyRule::Nothing,
        },
    }
}

/// A reply that was cut may leave its last tag open.
fn tagged(text: &str) -> impl Iterator<Item = ToolCall> {
    let pieces = text.split(TAGS.0).skip(1);
    pieces.filter_map(|piece| {
        let inner = piece.split(TAGS.1).next()?;
        tool_call(&serde_json::from_str(inner.trim()).ok()?)
    })
}

/// A fence around JSON is no part of it.
fn json_calls(text: &str) -> Vec<ToolCall> {
    let text = text.trim();
    let inner = text
        .strip_prefix("```")
        .and_then(|inner| inner.strip_suffix("```"))
        .map_or(text, |inner| inner.strip_prefix("json").unwrap_or(inner));
    let all = |calls: &[Value]| calls.iter().map(tool_call).collect::<Option<Vec<_>>>();
    match serde_json::from_str(inner.trim()) {
        Ok(Value::Array(calls)) => all(&calls).unwrap_or_default(),
        Ok(call @ Value::Object(_)) => all(&[call]).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// `{id?, function: {name, arguments}}`, or `{name, arguments|parameters}`. Arguments may be JSON in a text.
fn tool_call(value: &Value) -> Option<ToolCall> {
    let function = value.get("function").unwrap_or(value);
    let name = function.get("name")?.as_str()?;
    let arguments = ["arguments", "parameters"]
        .iter()
        .find_map(|key| function.get(*key));
    let arguments = match arguments {
        Some(Value::String(text)) => match serde_json::from_str(text) {
            Ok(object @ Value::Object(_)) => object,
            // What a model wrote is kept as it is.
            _ => Value::String(text.clone()),
        },
        Some(arguments) => arguments.clone(),
        // In a text that is no call, a name alone is nothing.
        None if value.get("function").is_some() => Value::Object(serde_json::Map::new()),
        None => return None,
    };
    Some(ToolCall {
        id: value.get("id").and_then(Value::as_str).map(str::to_owned),
        name: name.to_owned(),
        arguments,
        result: None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn code(text: &str) -> (Option<String>, Option<String>, &'static str) {
        let parsed = parse_reply(PromptForm::Code, text, &[]);
        let code = match parsed.action {
            Some(Action::Code(code)) => Some(code),
            None => None,
            other => panic!("{other:?}"),
        };
        (parsed.thought, code, parsed.rule.name())
    }

    #[test]
    fn code_is_found_as_the_reference_finds_it_and_the_rule_is_told() {
        let some = |text: &str| Some(text.to_owned());
        let cases = [
            (
                "Thought: Look.\nCode:\n```py\nf()\n```<end_action>",
                some("Look."),
                some("f()"),
                "reference",
            ),
            (
                "Look.\n```python\nf()\n```",
                some("Look."),
                some("f()"),
                "whole-reply",
            ),
            (
                "Thought: Look.\nCode:\n```py\nf()",
                some("Look."),
                some("f()"),
                "lenient",
            ),
            ("I know it.", some("I know it."), None, "nothing"),
            (
                "Thought: T.\nCode:\n```py\n\n```",
                some("T."),
                None,
                "reference",
            ),
        ];
        for (text, thought, found, rule) in cases {
            assert_eq!(code(text), (thought, found, rule), "{text}");
        }
        assert!(!parse_reply(PromptForm::Code, "Code:\nf()", &[]).rule.acts());
    }

    fn calls(text: &str, told: &[Value]) -> (Option<String>, Vec<(String, Value)>, &'static str) {
        let parsed = parse_reply(PromptForm::ToolCalls, text, told);
        let calls = match parsed.action {
            Some(Action::ToolCalls(calls)) => calls,
            Some(Action::Message(text)) => vec![ToolCall {
                id: None,
                name: "says".to_owned(),
                arguments: text.into(),
                result: None,
            }],
            _ => Vec::new(),
        };
        let calls = calls.into_iter().map(|call| (call.name, call.arguments));
        (parsed.thought, calls.collect(), parsed.rule.name())
    }

    #[test]
    fn calls_are_found_in_every_form() {
        let ocr = || vec![("OCR".to_owned(), json!({"image": "a.png"}))];
        let told = json!({"id": "x", "type": "function", "function": {"name": "OCR", "arguments": "{\"image\": \"a.png\"}"}});
        assert_eq!(
            calls("I read it.", std::slice::from_ref(&told)),
            (Some("I read it.".to_owned()), ocr(), "server-calls")
        );
        let tagged = "I read it.\n<tool_call>\n{\"name\": \"OCR\", \"arguments\": {\"image\": \"a.png\"}}\n</tool_call>";
        assert_eq!(
            calls(tagged, &[]),
            (Some("I read it.".to_owned()), ocr(), "tagged-calls")
        );
        assert_eq!(
            calls(tagged.trim_end_matches("</tool_call>"), &[]).2,
            "tagged-calls"
        );
        for json in [
            "{\"name\": \"OCR\", \"parameters\": {\"image\": \"a.png\"}}",
            "```json\n[{\"name\": \"OCR\", \"arguments\": {\"image\": \"a.png\"}}]\n```",
        ] {
            assert_eq!(calls(json, &[]), (None, ocr(), "json-calls"), "{json}");
        }
        let message = |text: &str| (None, vec![("says".to_owned(), text.into())], "message");
        assert_eq!(calls("It is 3.", &[]), message("It is 3."));
        assert_eq!(
            calls("{\"name\": \"Ada\"}", &[]),
            message("{\"name\": \"Ada\"}")
        );
        assert_eq!(calls(" ", &[]), (None, Vec::new(), "nothing"));
    }

    proptest::proptest! {
        /// What is written in the form that is asked for is read back.
        #[test]
        fn replies_in_the_form_are_read_back(thought in "[A-Za-z][a-z ,.]{0,40}[a-z.]", code in "[a-z_]{1,8}\\([a-z0-9', ]{0,12}\\)(\n[a-z]{1,5} = [0-9]{1,3}){0,3}") {
            let text = format!("Thought: {thought}\nCode:\n```py\n{code}\n```<end_action>");
            let parsed = parse_reply(PromptForm::Code, &text, &[]);
            proptest::prop_assert_eq!(parsed.thought.as_deref(), Some(thought.trim()));
            proptest::prop_assert_eq!(parsed.action, Some(Action::Code(code)));
            proptest::prop_assert_eq!(parsed.rule, ReplyRule::Code(CodeRule::Reference));
        }

        #[test]
        fn any_reply_is_survived(text in "(<tool_call>|\\{\"name\": \"f\"|```|Code:|Thought:|[\\[\\]{}\",:\n é]|py\n){0,20}") {
            parse_reply(PromptForm::Code, &text, &[]);
            parse_reply(PromptForm::ToolCalls, &text, &[]);
        }
    }
}
