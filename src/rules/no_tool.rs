use super::{Flag, Place, Rule, RuleContext};
use crate::domain::Trajectory;

const NAME: &str = "no-tool";

pub(super) const RULE: Rule = Rule {
    name: NAME,
    doc: "There are steps, and none of them calls a tool; `final_answer` does not count as one, nor do Python's own \
          functions. Where the trajectory does not declare its tools, a call of any unknown name counts as a tool call.",
    check,
};

fn check(trajectory: &Trajectory, context: &RuleContext<'_>, flags: &mut Vec<Flag>) {
    if !trajectory.steps.is_empty() && !context.uses_tool(trajectory) {
        let count = trajectory.steps.len();
        let steps = if count == 1 {
            "the only step calls"
        } else {
            "no step calls"
        };
        let none = if count == 1 { "no tool" } else { "a tool" };
        flags.push(Flag::at(NAME, Place::Trajectory, format!("{steps} {none}")));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::sample::{calls, code, flags_of, trajectory};

    #[test]
    fn python_without_tools_is_flagged() {
        let found = flags_of(
            super::NAME,
            &trajectory([
                code("x = abs(-3)\nprint(x)", "3"),
                code("final_answer(x)", ""),
            ]),
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].step, None);
        assert_eq!(found[0].message, "no step calls a tool");
    }

    #[test]
    fn a_tool_call_of_any_kind_counts() {
        assert!(
            flags_of(
                super::NAME,
                &trajectory([code("print(looker('q', 'a.jpg'))", "x")])
            )
            .is_empty()
        );
        assert!(
            flags_of(
                super::NAME,
                &trajectory([calls(&[("looker", serde_json::json!({}))], "x")])
            )
            .is_empty()
        );
        assert!(flags_of(super::NAME, &trajectory([])).is_empty());
    }

    #[test]
    fn without_a_tool_list_an_unknown_name_counts() {
        let undeclared = |text| {
            let mut trajectory = trajectory([code(text, "x")]);
            trajectory.system_prompt = None;
            flags_of(super::NAME, &trajectory).len()
        };
        assert_eq!(undeclared("search('q')"), 0);
        assert_eq!(undeclared("def f(): pass\nf()\nlen('a')"), 1);
    }
}
