use serde_json::Value;

use super::{Flag, Place, Rule, RuleContext};
use crate::domain::{Action, Trajectory};

const NAME: &str = "unparsed";

pub(super) const RULE: Rule = Rule {
    name: NAME,
    doc: "A step whose action could not be parsed: no code, tool call or message in the reply; code that is empty or has \
          a syntax error; a tool call whose arguments are not an object. A last message without a call is an action.",
    check,
};

fn check(trajectory: &Trajectory, context: &RuleContext<'_>, flags: &mut Vec<Flag>) {
    for (index, step) in trajectory.steps.iter().enumerate() {
        match &step.action {
            None => flags.push(Flag::at_step(
                NAME,
                index,
                Place::Thought,
                "the reply holds no action".to_owned(),
            )),
            Some(Action::Code(code)) if code.trim().is_empty() => {
                flags.push(Flag::at_step(
                    NAME,
                    index,
                    Place::Code,
                    "the code is empty".to_owned(),
                ));
            }
            Some(Action::Code(_)) => {
                let error = context
                    .calls
                    .get(index)
                    .and_then(|calls| calls.error.as_ref());
                flags.extend(error.map(|error| {
                    let message = format!("syntax error in line {}: {}", error.line, error.message);
                    Flag::at_step(NAME, index, Place::Code, message).over(error.range.clone())
                }));
            }
            Some(Action::ToolCalls(calls)) => {
                for (n, call) in calls.iter().enumerate() {
                    // Formats leave the arguments of a call without any out, or write an empty text.
                    let is_absent = call.arguments.is_null() || call.arguments.as_str() == Some("");
                    if !matches!(call.arguments, Value::Object(_)) && !is_absent {
                        let message = format!("the arguments of `{}` are not an object", call.name);
                        flags.push(Flag::at_step(NAME, index, Place::ToolCall(n), message));
                    }
                }
            }
            Some(Action::Message(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::domain::{Action, Step};
    use crate::rules::Place;
    use crate::rules::sample::{calls, code, flags_of, trajectory};

    #[test]
    fn replies_without_an_action_and_broken_code_are_flagged_in_place() {
        let broken = "x = 1\ny = looker((question='a')\n";
        let found = flags_of(
            super::NAME,
            &trajectory([Step::default(), code(" \n", ""), code(broken, "")]),
        );
        assert_eq!(
            found.iter().map(|f| f.step).collect::<Vec<_>>(),
            [Some(1), Some(2), Some(3)]
        );
        assert_eq!(found[0].field, Place::Thought);
        assert_eq!(found[2].field, Place::Code);
        assert!(
            found[2].message.starts_with("syntax error in line 2"),
            "{}",
            found[2].message
        );
        let range = found[2].range.clone().expect("range");
        assert!(broken[..range.start].contains("looker("));
    }

    #[test]
    fn arguments_that_are_no_object_are_flagged_at_their_call() {
        let step = calls(
            &[
                ("looker", json!({})),
                ("looker", json!("{'a': 1}")),
                ("looker", json!(null)),
            ],
            "",
        );
        let found = flags_of(super::NAME, &trajectory([step]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].field, Place::ToolCall(1));
    }

    #[test]
    fn good_actions_are_not() {
        let message = Step {
            action: Some(Action::Message("24".to_owned())),
            ..Step::default()
        };
        assert!(
            flags_of(
                super::NAME,
                &trajectory([code("# é\nprint(1)", ""), message])
            )
            .is_empty()
        );
    }
}
