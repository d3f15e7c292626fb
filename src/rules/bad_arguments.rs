use serde_json::{Map, Value};

use super::python_call::{ArgumentValue, PythonCall};
use super::{FINAL_ANSWER, Flag, Place, Rule, RuleContext};
use crate::domain::{ToolDefinition, ToolParameter, Trajectory};

const NAME: &str = "bad-arguments";

pub(super) const RULE: Rule = Rule {
    name: NAME,
    doc: "A call of a declared tool whose parameters are known, with an argument too many, too few or under a wrong name; \
          in Python also a literal dictionary of the parameters in place of arguments; in structured calls also a value \
          of another JSON type than a simple declared one. Positional arguments are only counted, since the order in \
          which a prompt lists parameters need not be the function's. Calls with `*` or `**` do not fire.",
    check,
};

fn check(trajectory: &Trajectory, context: &RuleContext<'_>, flags: &mut Vec<Flag>) {
    for (index, step) in trajectory.steps.iter().enumerate() {
        for call in context.calls_of(index) {
            let tool = context
                .tool(&call.name)
                .filter(|t| !t.parameters.is_empty());
            // A name that the code binds itself is no longer the tool.
            let Some(tool) = tool.filter(|_| !context.is_bound(&call.name, index)) else {
                continue;
            };
            flags.extend(python_problem(call, tool).map(|problem| {
                let message = format!("`{}` {problem}", call.name);
                Flag::at_step(NAME, index, Place::Code, message).over(call.range.clone())
            }));
        }
        for (n, call) in step.tool_calls().iter().enumerate() {
            let tool = context
                .tool(&call.name)
                .filter(|t| !t.parameters.is_empty());
            let none = Map::new();
            let arguments = match &call.arguments {
                Value::Object(arguments) => arguments,
                Value::Null => &none,
                // The rule `unparsed` tells of these.
                _ => continue,
            };
            flags.extend(
                tool.and_then(|tool| object_problem(arguments, tool))
                    .map(|problem| {
                        let message = format!("`{}` {problem}", call.name);
                        Flag::at_step(NAME, index, Place::ToolCall(n), message)
                    }),
            );
        }
    }
}

fn python_problem(call: &PythonCall, tool: &ToolDefinition) -> Option<String> {
    if call.has_star {
        return None;
    }
    let parameter = |name: &str| tool.parameters.iter().any(|p| p.name == name);
    if let Some((name, _)) = call.keywords.iter().find(|(name, _)| !parameter(name)) {
        return Some(format!("has no parameter `{name}`"));
    }
    let (given, most) = (
        call.arguments.len() + call.keywords.len(),
        tool.parameters.len(),
    );
    if given > most {
        return Some(format!("takes at most {most} arguments, {given} are given"));
    }
    let is_dictionary = call.name != FINAL_ANSWER
        && matches!(call.arguments.as_slice(), [only] if matches!(&only.value,
            ArgumentValue::Literal(Value::Object(object))
                if !object.is_empty() && object.keys().all(|key| parameter(key))));
    if is_dictionary {
        return Some("gets a dictionary of its parameters in place of arguments".to_owned());
    }
    let open: Vec<&ToolParameter> = required(tool)
        .filter(|p| call.keywords.iter().all(|(name, _)| *name != p.name))
        .collect();
    (open.len() > call.arguments.len()).then(|| missing(&open))
}

fn object_problem(arguments: &Map<String, Value>, tool: &ToolDefinition) -> Option<String> {
    let parameter = |name: &str| tool.parameters.iter().find(|p| p.name == name);
    if let Some(name) = arguments.keys().find(|name| parameter(name).is_none()) {
        return Some(format!("has no parameter `{name}`"));
    }
    let open: Vec<&ToolParameter> = required(tool)
        .filter(|p| !arguments.contains_key(&p.name))
        .collect();
    if !open.is_empty() {
        return Some(missing(&open));
    }
    arguments.iter().find_map(|(name, value)| {
        let parameter = parameter(name)?;
        let kind = parameter.kind.as_deref()?;
        let fits = has_type(value, kind)? || (parameter.optional && value.is_null());
        (!fits).then(|| format!("wants {kind} for `{name}`, not {}", type_name(value)))
    })
}

fn required(tool: &ToolDefinition) -> impl Iterator<Item = &ToolParameter> {
    tool.parameters.iter().filter(|p| !p.optional)
}

fn missing(open: &[&ToolParameter]) -> String {
    let names: Vec<String> = open.iter().map(|p| format!("`{}`", p.name)).collect();
    format!("lacks {}", names.join(" or "))
}

/// Whether a value has a declared type; `None` where the type is not a simple one.
fn has_type(value: &Value, kind: &str) -> Option<bool> {
    Some(match kind.to_ascii_lowercase().as_str() {
        "text" | "string" | "str" | "image" => value.is_string(),
        "int" | "integer" => value.is_i64() || value.is_u64() || is_whole(value),
        "number" | "float" => value.is_number(),
        "bool" | "boolean" => value.is_boolean(),
        "array" | "list" => value.is_array(),
        "object" | "dict" => value.is_object(),
        _ => return None,
    })
}

/// JSON writers of some languages write whole numbers as `2.0`.
fn is_whole(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::rules::Place;
    use crate::rules::sample::{calls, code, flags_of, trajectory};

    fn messages(text: &str) -> Vec<String> {
        let found = flags_of(super::NAME, &trajectory([code(text, "")]));
        found.into_iter().map(|flag| flag.message).collect()
    }

    #[test]
    fn python_calls_are_held_against_the_declared_parameters() {
        assert_eq!(
            messages("looker('q', path='a.jpg')"),
            ["`looker` has no parameter `path`"]
        );
        assert_eq!(
            messages("looker('q', 'a.jpg', 'b.jpg')"),
            ["`looker` takes at most 2 arguments, 3 are given"]
        );
        assert_eq!(
            messages("looker(question='q')"),
            ["`looker` lacks `image_path`"]
        );
        assert_eq!(
            messages("looker()"),
            ["`looker` lacks `question` or `image_path`"]
        );
        assert_eq!(
            messages("looker({'question': 'q', 'image_path': 'a'})"),
            ["`looker` gets a dictionary of its parameters in place of arguments"]
        );
        assert_eq!(
            messages("final_answer()"),
            ["`final_answer` lacks `answer`"]
        );
        assert_eq!(messages("final_answer(1, 2)").len(), 1);
    }

    #[test]
    fn the_whole_call_is_pointed_at() {
        let text = "x = 1\nprint(looker('é'))";
        let found = flags_of(super::NAME, &trajectory([code("1", ""), code(text, "")]));
        assert_eq!((found[0].step, found[0].field), (Some(2), Place::Code));
        assert_eq!(&text[found[0].range.clone().expect("range")], "looker('é')");
    }

    #[test]
    fn good_python_calls_are_not_flagged() {
        for text in [
            "looker('q', 'a.jpg')",
            "looker('q', image_path='a.jpg')",
            "looker(image_path=p, question=q)",
            "looker(*both)",
            "looker(**both)",
            "reader('a.pdf')",
            "reader(file_path='a.pdf')",
            "reader(file_path='a.pdf', question=None)",
            "final_answer({'answer': 1})",
            "final_answer([1, 2])",
            "print(1, 2, sep='')",
            "def looker(a): pass\nlooker(1)",
            "unknown(1, 2)",
        ] {
            assert!(messages(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn structured_calls_are_held_against_names_and_types() {
        let problems = |arguments| {
            let step = calls(
                &[
                    ("looker", json!({"question": "q", "image_path": "a"})),
                    ("counter", arguments),
                ],
                "",
            );
            flags_of(super::NAME, &trajectory([step]))
        };
        for good in [
            json!({"image": "a.jpg"}),
            json!({"image": "a.jpg", "k": 2}),
            json!({"image": "a.jpg", "k": 2.0}),
            json!({"image": "a.jpg", "k": null}),
            json!("not an object"),
        ] {
            assert!(problems(good.clone()).is_empty(), "{good}");
        }
        for (bad, message) in [
            (json!({}), "`counter` lacks `image`"),
            (json!(null), "`counter` lacks `image`"),
            (
                json!({"image": "a.jpg", "n": 2}),
                "`counter` has no parameter `n`",
            ),
            (
                json!({"image": "a.jpg", "k": "2"}),
                "`counter` wants integer for `k`, not text",
            ),
            (
                json!({"image": ["a.jpg"]}),
                "`counter` wants image for `image`, not a list",
            ),
        ] {
            let found = problems(bad);
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].message, message);
            assert_eq!(found[0].field, Place::ToolCall(1));
        }
    }
}
