use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::python_call::PythonCall;
use super::{FINAL_ANSWER, Flag, Place, Rule, RuleContext};
use crate::domain::Trajectory;

const NAME: &str = "repeated-call";

pub(super) const RULE: Rule = Rule {
    name: NAME,
    doc: "A tool is called again with the same arguments. In Python only calls count whose arguments are all known: \
          literals, or names that the whole trajectory sets once, to a literal. Repeating a call of a step that failed \
          does not fire, nor do calls without arguments and `final_answer`.",
    check,
};

fn check(trajectory: &Trajectory, context: &RuleContext<'_>, flags: &mut Vec<Flag>) {
    // The step of the first call that did not fail, by its arguments.
    let mut earlier: HashMap<String, usize> = HashMap::new();
    for (index, step) in trajectory.steps.iter().enumerate() {
        let mut made: HashSet<String> = HashSet::new();
        let mut repeats = |key: String| {
            let first = earlier
                .get(&key)
                .copied()
                .or(made.contains(&key).then_some(index));
            made.insert(key);
            first
        };
        for call in context
            .calls_of(index)
            .iter()
            .filter(|c| context.is_tool_call(c, index))
        {
            if let Some(first) = python_key(call, context).and_then(&mut repeats) {
                let flag = Flag::at_step(NAME, index, Place::Code, message(&call.name, first));
                flags.push(flag.over(call.range.clone()));
            }
        }
        for (n, call) in step
            .tool_calls()
            .iter()
            .enumerate()
            .filter(|(_, c)| c.name != FINAL_ANSWER)
        {
            let key = call
                .arguments
                .as_object()
                .and_then(|object| object_key(&call.name, object));
            if let Some(first) = key.and_then(&mut repeats) {
                flags.push(Flag::at_step(
                    NAME,
                    index,
                    Place::ToolCall(n),
                    message(&call.name, first),
                ));
            }
        }
        if !step.is_error() {
            made.into_iter().for_each(|key| {
                earlier.entry(key).or_insert(index);
            });
        }
    }
}

fn python_key(call: &PythonCall, context: &RuleContext<'_>) -> Option<String> {
    if call.has_star || (call.arguments.is_empty() && call.keywords.is_empty()) {
        return None;
    }
    let positional: Option<Vec<&Value>> = call
        .arguments
        .iter()
        .map(|a| context.value(&a.value))
        .collect();
    let named: Option<Vec<(&str, &Value)>> = call
        .keywords
        .iter()
        .map(|(name, a)| Some((name.as_str(), context.value(&a.value)?)))
        .collect();
    Some(key(&call.name, &positional?, named?))
}

fn object_key(name: &str, arguments: &Map<String, Value>) -> Option<String> {
    let named = arguments
        .iter()
        .map(|(name, value)| (name.as_str(), value))
        .collect();
    (!arguments.is_empty()).then(|| key(name, &[], named))
}

fn key(name: &str, positional: &[&Value], mut named: Vec<(&str, &Value)>) -> String {
    named.sort_by_key(|(name, _)| *name);
    let named: Vec<Value> = named
        .into_iter()
        .map(|(name, value)| Value::from(vec![Value::from(name), value.clone()]))
        .collect();
    serde_json::json!([name, positional, named]).to_string()
}

fn message(name: &str, first: usize) -> String {
    format!(
        "`{name}` was called with the same arguments in step {}",
        first + 1
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::rules::Place;
    use crate::rules::sample::{calls, code, failed, flags_of, trajectory};

    #[test]
    fn an_equal_call_is_flagged_where_it_is_repeated() {
        let text = "x = 'é'\nprint(looker(image_path='a.jpg', question='q'))";
        let steps = [
            code("looker(question='q', image_path='a.jpg')", "1"),
            code("1", ""),
            code(text, "2"),
        ];
        let found = flags_of(super::NAME, &trajectory(steps));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].step, found[0].field), (Some(3), Place::Code));
        assert_eq!(
            &text[found[0].range.clone().expect("range")],
            "looker(image_path='a.jpg', question='q')"
        );
        assert_eq!(
            found[0].message,
            "`looker` was called with the same arguments in step 1"
        );
        let twice = calls(
            &[
                ("counter", json!({"image": "a", "k": 1})),
                ("counter", json!({"k": 1, "image": "a"})),
            ],
            "",
        );
        let found = flags_of(super::NAME, &trajectory([twice]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].field, Place::ToolCall(1));
    }

    #[test]
    fn a_name_counts_by_its_value_if_it_has_only_one() {
        let flags = |a, b| flags_of(super::NAME, &trajectory([code(a, ""), code(b, "")])).len();
        assert_eq!(flags("q = 'x'\nreader(q)", "reader(q)"), 1);
        assert_eq!(flags("q = 'x'\nreader(q)", "reader('x')"), 1);
        assert_eq!(flags("q = 'x'\nreader(q)", "q = 'y'\nreader(q)"), 0);
        assert_eq!(flags("for q in qs: reader(q)", "for q in qs: reader(q)"), 0);
    }

    #[test]
    fn other_arguments_retries_and_bare_calls_are_not() {
        let flags = |a, b| flags_of(super::NAME, &trajectory([a, b])).len();
        assert_eq!(
            flags(
                code("looker('q', 'a.jpg')", ""),
                code("looker('q', 'b.jpg')", "")
            ),
            0
        );
        assert_eq!(
            flags(failed(code("reader('x')", "")), code("reader('x')", "")),
            0
        );
        assert_eq!(flags(code("reader()", ""), code("reader()", "")), 0);
        assert_eq!(
            flags(code("final_answer('x')", ""), code("final_answer('x')", "")),
            0
        );
        assert_eq!(flags(code("print('x')", ""), code("print('x')", "")), 0);
        assert_eq!(
            flags(
                calls(&[("counter", json!({}))], ""),
                calls(&[("counter", json!({}))], "")
            ),
            0
        );
    }
}
