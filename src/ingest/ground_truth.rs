use serde_json::Value;

use crate::domain::ReferenceAnswer;

/// The answer a benchmark holds to be right, in the forms that GTA and GAIA files use (paper §3e, §3f): a text, lists
/// `{whitelist, blacklist}`, several texts, or `null`.
pub fn reference_answer(value: &Value) -> Option<ReferenceAnswer> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(ReferenceAnswer::Text(text.clone())),
        Value::Array(texts) => {
            let texts: Vec<String> = texts.iter().map(text_of).collect();
            (!texts.is_empty()).then_some(ReferenceAnswer::Texts(texts))
        }
        Value::Object(lists) if LISTS.iter().any(|key| lists.contains_key(*key)) => {
            let [whitelist, blacklist] = LISTS.map(|key| groups(lists.get(key)));
            let any = !whitelist.is_empty() || !blacklist.is_empty();
            any.then_some(ReferenceAnswer::Lists {
                whitelist,
                blacklist,
            })
        }
        Value::Object(empty) if empty.is_empty() => None,
        other => Some(ReferenceAnswer::Text(other.to_string())),
    }
}

const LISTS: [&str; 2] = ["whitelist", "blacklist"];

/// `[[alias, …], …]`; a bare string counts as a group of one.
fn groups(value: Option<&Value>) -> Vec<Vec<String>> {
    let Some(Value::Array(groups)) = value else {
        return Vec::new();
    };
    groups
        .iter()
        .map(|group| match group {
            Value::Array(aliases) => aliases.iter().map(text_of).collect(),
            alias => vec![text_of(alias)],
        })
        .collect()
}

fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_form() {
        assert_eq!(reference_answer(&json!(null)), None);
        assert_eq!(
            reference_answer(&json!("a")),
            Some(ReferenceAnswer::Text("a".into()))
        );
        assert_eq!(
            reference_answer(&json!(3)),
            Some(ReferenceAnswer::Text("3".into()))
        );
        assert_eq!(
            reference_answer(&json!(["a", "b"])),
            Some(ReferenceAnswer::Texts(vec!["a".into(), "b".into()]))
        );
        assert_eq!(
            reference_answer(&json!({"whitelist": [["a", 1], "b"], "blacklist": null})),
            Some(ReferenceAnswer::Lists {
                whitelist: vec![vec!["a".into(), "1".into()], vec!["b".into()]],
                blacklist: Vec::new(),
            })
        );
    }
}
