use super::python_builtins::is_builtin;
use super::{Flag, Place, Rule, RuleContext};
use crate::domain::Trajectory;

const NAME: &str = "unknown-tool";

pub(super) const RULE: Rule = Rule {
    name: NAME,
    doc: "A call of something that is neither a declared tool nor, in Python, built in or assigned, imported or defined \
          by the code so far. Methods and functions of modules (`a.b()`) never fire, nor does anything after \
          `from … import *` or where no tools are declared.",
    check,
};

fn check(trajectory: &Trajectory, context: &RuleContext<'_>, flags: &mut Vec<Flag>) {
    if !context.declares_tools() {
        return;
    }
    for (index, step) in trajectory.steps.iter().enumerate() {
        for call in context.calls_of(index) {
            let is_known = !call.is_plain()
                || context.tool(&call.name).is_some()
                || is_builtin(&call.name)
                || context.is_bound(&call.name, index);
            if !is_known {
                let start = call.range.start;
                let flag = Flag::at_step(NAME, index, Place::Code, message(&call.name));
                flags.push(flag.over(start..start + call.name.len()));
            }
        }
        for (n, call) in step.tool_calls().iter().enumerate() {
            if context.tool(&call.name).is_none() {
                flags.push(Flag::at_step(
                    NAME,
                    index,
                    Place::ToolCall(n),
                    message(&call.name),
                ));
            }
        }
    }
}

fn message(name: &str) -> String {
    format!("`{name}` is no declared tool")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::domain::Step;
    use crate::rules::Place;
    use crate::rules::sample::{calls, code, flags_of, trajectory};

    #[test]
    fn undeclared_names_are_flagged_at_the_name() {
        let text = "x = 'é'\nprint(browse(looker('q', 'a.jpg')))";
        let found = flags_of(
            super::NAME,
            &trajectory([code("helper(1)", ""), code(text, "")]),
        );
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].step, Some(1));
        assert_eq!((found[1].step, found[1].field), (Some(2), Place::Code));
        assert_eq!(&text[found[1].range.clone().expect("range")], "browse");
        let step = calls(&[("looker", json!({})), ("browse", json!({}))], "");
        let found = flags_of(super::NAME, &trajectory([step]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].field, Place::ToolCall(1));
    }

    #[test]
    fn what_the_code_so_far_binds_is_known() {
        let first = "import numpy as np\nfrom math import sqrt\ndef helper(f): return f(1)\nclass Thing: pass";
        let second =
            "Thing(); helper(sqrt); np.array([1]); sqrt(2); 'a'.join([]); raise OddError()";
        assert!(
            flags_of(
                super::NAME,
                &trajectory([code(first, ""), code(second, "")])
            )
            .is_empty()
        );
        assert_eq!(
            flags_of(
                super::NAME,
                &trajectory([code("helper(1)", ""), code(first, "")])
            )
            .len(),
            1
        );
        assert!(
            flags_of(
                super::NAME,
                &trajectory([code("from sympy import *\nsolve(x)", "")])
            )
            .is_empty()
        );
    }

    #[test]
    fn nothing_is_unknown_where_nothing_is_declared() {
        let undeclared = |step: Step| {
            let mut trajectory = trajectory([step]);
            trajectory.system_prompt = None;
            flags_of(super::NAME, &trajectory)
        };
        assert!(undeclared(code("browse()", "")).is_empty());
        assert!(undeclared(calls(&[("browse", json!({}))], "")).is_empty());
    }
}
