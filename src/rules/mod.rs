//! Pure checks of a trajectory, one file each, listed in [`RULES`].
//!
//! A rule reads a trajectory and what [`RuleContext`] knows of its surroundings, and says where something is wrong. It
//! opens no file, keeps no state, never panics, and would rather miss a fault than accuse good data.

pub mod answer_scorer;
mod bad_arguments;
mod context;
mod duplicate_task;
mod error;
mod flag;
mod infra_error;
mod missing_file;
mod nesting;
mod no_progress;
mod no_tool;
mod normalised_code;
mod path_text;
mod python_builtins;
mod python_call;
mod python_literal;
#[cfg(test)]
mod real_data;
mod repeated_call;
#[cfg(test)]
mod sample;
mod tool_list;
mod ungrounded_answer;
mod unknown_tool;
mod unlisted_path;
mod unparsed;

pub use context::RuleContext;
pub use duplicate_task::duplicate_task_flag;
pub use flag::{Flag, Place};
pub use normalised_code::normalised_code;
pub use python_call::{
    Argument, ArgumentValue, Binding, PathLiteral, PythonCall, StepCalls, SyntaxError, step_calls,
};
pub use tool_list::{FINAL_ANSWER, ToolLists, tools_of_prompt};

use crate::domain::Trajectory;

/// A check that an audit runs on each trajectory.
pub struct Rule {
    /// The stable name: `flag:` in queries uses it.
    pub name: &'static str,
    /// What fires and what does not, for a person.
    pub doc: &'static str,
    /// Appends a flag for each place that the rule objects to.
    pub check: fn(&Trajectory, &RuleContext<'_>, &mut Vec<Flag>),
}

/// Every rule.
pub static RULES: &[Rule] = &[
    no_tool::RULE,
    unparsed::RULE,
    error::RULE,
    infra_error::RULE,
    unknown_tool::RULE,
    bad_arguments::RULE,
    unlisted_path::RULE,
    missing_file::RULE,
    repeated_call::RULE,
    ungrounded_answer::RULE,
    no_progress::RULE,
    duplicate_task::RULE,
];

/// Runs every rule; flags come in the order of [`RULES`], each rule's in the order of the trajectory.
pub fn check(trajectory: &Trajectory, context: &RuleContext<'_>) -> Vec<Flag> {
    let mut flags = Vec::new();
    for rule in RULES {
        (rule.check)(trajectory, context, &mut flags);
    }
    flags
}

/// The Python calls of each step, in the order of the steps; empty for a step without code.
pub fn trajectory_calls(trajectory: &Trajectory) -> Vec<StepCalls> {
    let calls = |step: &crate::domain::Step| step.code().map(step_calls).unwrap_or_default();
    trajectory.steps.iter().map(calls).collect()
}

/// The tools that each step calls, in order and once each, `final_answer` left out.
pub fn tools_by_step(trajectory: &Trajectory, context: &RuleContext<'_>) -> Vec<Vec<String>> {
    let tools = |(index, step): (usize, &crate::domain::Step)| {
        let structured = step.tool_calls().iter().map(|call| call.name.as_str());
        let python = context.calls_of(index).iter();
        let python = python.filter(|call| context.is_tool_call(call, index));
        let mut tools: Vec<String> = Vec::new();
        for name in structured.chain(python.map(|call| call.name.as_str())) {
            if name != FINAL_ANSWER && !tools.iter().any(|known| known == name) {
                tools.push(name.to_owned());
            }
        }
        tools
    };
    trajectory.steps.iter().enumerate().map(tools).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> String {
        let mut page = String::from(
            "# Rules\n\n\
             An audit runs these rules on every trajectory while it is indexed. What they find is searched with \
             `flag:NAME`, counted by `retake facets --field flag`, and shown with its place by `retake show`. A rule \
             would rather miss a fault than accuse good data.\n\n\
             | flag | fires |\n|---|---|\n",
        );
        for rule in RULES {
            page.push_str(&format!(
                "| `{}` | {} |\n",
                rule.name,
                rule.doc.replace('|', "\\|")
            ));
        }
        page
    }

    /// `UPDATE_DOCS=1 cargo test --release docs_agree` writes the page anew.
    #[test]
    fn docs_agree() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, page()).unwrap();
        }
        let known = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(known, page(), "set UPDATE_DOCS=1 to write it anew");
    }
}
