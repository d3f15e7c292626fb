use std::collections::HashMap;

use serde_json::Value;

use super::python_builtins::is_builtin;
use super::python_call::{ArgumentValue, PythonCall, StepCalls};
use super::tool_list::FINAL_ANSWER;
use crate::domain::{FileLookup, RecordId, ToolDefinition, Trajectory};

/// What rules know of a trajectory's surroundings.
pub struct RuleContext<'a> {
    /// The tools that it declares.
    pub(super) tools: &'a [ToolDefinition],
    /// Tells whether attachments are there.
    pub(super) files: &'a dyn FileLookup,
    /// An earlier record of the corpus with the same task.
    pub(super) same_task_as: Option<&'a RecordId>,
    /// The calls of each step.
    pub(super) calls: &'a [StepCalls],
    bound: HashMap<&'a str, Bound<'a>>,
    /// The first step that may bind any name.
    imports_all_from: Option<usize>,
}

/// How a trajectory's code binds a name.
struct Bound<'a> {
    /// The first step that does, from 0.
    from: usize,
    /// The literal, if it is bound only once and to one.
    value: Option<&'a Value>,
}

impl<'a> RuleContext<'a> {
    /// `tools` come from [`super::ToolLists`], `calls` from [`super::trajectory_calls`]; `same_task_as` is an earlier
    /// record of the corpus with the same task.
    pub fn new(
        tools: &'a [ToolDefinition],
        files: &'a dyn FileLookup,
        same_task_as: Option<&'a RecordId>,
        calls: &'a [StepCalls],
    ) -> Self {
        let mut bound: HashMap<&str, Bound<'_>> = HashMap::new();
        for (from, step) in calls.iter().enumerate() {
            for binding in &step.bindings {
                bound
                    .entry(&binding.name)
                    .and_modify(|known| known.value = None)
                    .or_insert(Bound {
                        from,
                        value: binding.value.as_ref(),
                    });
            }
        }
        Self {
            tools,
            files,
            same_task_as,
            calls,
            bound,
            imports_all_from: calls.iter().position(|step| step.imports_all),
        }
    }

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
        self.imports_all_from.is_some_and(|from| from <= index)
            || self
                .bound
                .get(name)
                .is_some_and(|bound| bound.from <= index)
    }

    /// The value of an argument: a literal, or a name that the whole trajectory binds once, to a literal.
    pub(super) fn value<'v>(&self, argument: &'v ArgumentValue) -> Option<&'v Value>
    where
        'a: 'v,
    {
        match argument {
            ArgumentValue::Literal(value) => Some(value),
            ArgumentValue::Expression(source) => self.bound.get(source.as_str())?.value,
        }
    }
}
