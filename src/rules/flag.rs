use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Something that a rule objects to, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flag {
    /// The rule's name.
    pub rule: &'static str,
    /// The step, from 1; `None` for the task, the answer or the whole trajectory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// The part of the step or trajectory.
    pub field: Place,
    /// Bytes of that part's text; `None` for all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<Range<usize>>,
    /// What is wrong, for a person.
    pub message: String,
}

/// A part of a trajectory that a flag points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The task's text.
    Task,
    /// An attachment of the task, from 0.
    Attachment(usize),
    /// A step's thought.
    Thought,
    /// A step's Python.
    Code,
    /// A structured call of a step, from 0.
    ToolCall(usize),
    /// What a step printed.
    Observation,
    /// The answer.
    Answer,
    /// The trajectory as a whole.
    Trajectory,
}

impl Flag {
    /// A flag at a part of a step; `index` is the step's index, from 0.
    pub(super) fn at_step(rule: &'static str, index: usize, field: Place, message: String) -> Self {
        Self {
            rule,
            step: Some(index + 1),
            field,
            range: None,
            message,
        }
    }

    /// A flag outside the steps.
    pub(super) fn at(rule: &'static str, field: Place, message: String) -> Self {
        Self {
            rule,
            step: None,
            field,
            range: None,
            message,
        }
    }

    /// Narrows the flag to bytes of its part.
    #[must_use]
    pub(super) fn over(mut self, range: Range<usize>) -> Self {
        self.range = Some(range);
        self
    }
}
