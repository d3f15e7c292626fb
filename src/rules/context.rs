use serde_json::Value;

use super::python_builtins::is_builtin;
use super::python_call::{ArgumentValue, PythonCall, StepCalls};
use super::tool_list::FINAL_ANSWER;
use crate::domain::{FileLookup, RecordId, ToolDefinition, Trajectory};

/// What rules know of a trajectory's surroundings.
#[derive(Clone, Copy)]
pub struct RuleContext<'a> {
    /// The tools that it declares ([`super::ToolLists`]).
    pub tools: &'a [ToolDefinition],
    /// Tells whether attachments are there.
    pub files: &'a dyn FileLookup,
    /// An earlier record of the corpus with the same task.
    pub same_task_as: Option<&'a RecordId>,
    /// The calls of each step ([`super::trajectory_calls`]).
    pub calls: &'a [StepCalls],
}

impl<'a> RuleContext<'a> {
    /// The calls of a step, by its index from 0.
    pub(super) fn calls_of(&self, index: usize) -> &'a [PythonCall] {
        self.calls.get(index).map_or(&[], |step| &step.calls)
    }

    /// Whether the trajectory says which tools there are.
    pub(super) fn declares_tools(&self) -> bool {
        self.tools.iter().any(|tool| tool.name != FINAL_ANSWER)
    }

    /// The definition of a tool.
    pub(super) fn tool(&self, name: &str) -> Option<&'a ToolDefinition> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// Whether a Python call in a step calls a tool other than `final_answer`.
    ///
    /// Where no tools are declared, any plain name is one that is neither built in nor bound by the code so far.
    pub(super) fn is_tool_call(&self, call: &PythonCall, index: usize) -> bool {
        if call.name == FINAL_ANSWER || !call.is_plain() {
            return false;
        }
        if self.declares_tools() {
            return self.tool(&call.name).is_some();
        }
        !is_builtin(&call.name) && !self.is_bound(&call.name, index)
    }

    /// Whether any step calls a tool other than `final_answer`.
    pub(super) fn uses_tool(&self, trajectory: &Trajectory) -> bool {
        trajectory.steps.iter().enumerate().any(|(index, step)| {
            step.tool_calls()
                .iter()
                .any(|call| call.name != FINAL_ANSWER)
                || self
                    .calls_of(index)
                    .iter()
                    .any(|call| self.is_tool_call(call, index))
        })
    }

    /// Whether the code of a step or of an earlier one may bind a name.
    pub(super) fn is_bound(&self, name: &str, index: usize) -> bool {
        let mut so_far = self.calls.iter().take(index + 1);
        so_far.any(|step| step.imports_all || step.bindings.iter().any(|b| b.name == name))
    }

    /// The value of an argument: a literal, or a name that the whole trajectory binds once, to a literal.
    pub(super) fn value<'v>(&self, argument: &'v ArgumentValue) -> Option<&'v Value>
    where
        'a: 'v,
    {
        let name = match argument {
            ArgumentValue::Literal(value) => return Some(value),
            ArgumentValue::Expression(source) => source,
        };
        let mut bindings = self
            .calls
            .iter()
            .flat_map(|step| &step.bindings)
            .filter(|b| b.name == *name);
        let only = bindings.next()?;
        bindings
            .next()
            .is_none()
            .then_some(only.value.as_ref())
            .flatten()
    }
}
