use rmcp::model::{CallToolResult, ContentBlock};

use crate::sandbox::{Answer, PythonValue};

/// The longest text that a server may give.
const LONGEST: usize = 8 << 20;

/// What a server's result means to a step.
///
/// Structured content is the value; servers of one library wrap every value in `{"result": …}`. Texts alone are one text.
pub(super) fn answer(result: CallToolResult) -> Answer {
    let mut texts = Vec::new();
    let mut others = 0;
    for block in &result.content {
        match block {
            ContentBlock::Text(text) => texts.push(text.text.as_str()),
            _ => others += 1,
        }
    }
    if texts.iter().map(|text| text.len()).sum::<usize>() > LONGEST {
        return Answer::Unavailable(format!("it answers with more than {LONGEST} bytes"));
    }
    let text = texts.join("\n");
    if result.is_error == Some(true) {
        return Answer::Error(text);
    }
    if let Some(structured) = result.structured_content {
        let inner = structured
            .as_object()
            .filter(|fields| fields.len() == 1)
            .and_then(|fields| fields.get("result"));
        return Answer::Value(PythonValue::from_json(inner.unwrap_or(&structured)));
    }
    if texts.is_empty() && others > 0 {
        return Answer::Unavailable(
            "it answers with pictures or resources, which are not taken".to_owned(),
        );
    }
    Answer::Value(PythonValue::Str(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(result: serde_json::Value) -> Answer {
        answer(serde_json::from_value(result).expect("a result"))
    }

    #[test]
    fn results_become_values() {
        let text = |text: &str| json!({"type": "text", "text": text});
        assert_eq!(
            of(json!({"content": [text("a"), text("b")]})),
            Answer::Value(PythonValue::Str("a\nb".to_owned()))
        );
        let boxes = of(
            json!({"content": [text("[[1.0, 2]]")], "structuredContent": {"result": [[1.0, 2]]}}),
        );
        assert!(
            matches!(&boxes, Answer::Value(value) if value.repr() == "[[1.0, 2]]"),
            "{boxes:?}"
        );
        let whole = of(json!({"content": [], "structuredContent": {"a": null, "b": 1}}));
        assert!(matches!(&whole, Answer::Value(value) if value.repr() == "{'a': None, 'b': 1}"));
        assert_eq!(
            of(json!({"content": [text("no file")], "isError": true})),
            Answer::Error("no file".to_owned())
        );
        let picture = json!({"type": "image", "data": "", "mimeType": "image/png"});
        assert!(matches!(
            of(json!({"content": [picture]})),
            Answer::Unavailable(_)
        ));
        assert!(matches!(
            of(json!({"content": [text(&"x".repeat(LONGEST + 1))]})),
            Answer::Unavailable(_)
        ));
    }
}
