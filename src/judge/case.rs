use crate::controller::{ContentPart, Controller, ControllerError};
use crate::domain::{
    Benchmark, Candidate, Context, FileLookup, ReferenceAnswer, Step, ToolDefinition,
};
use crate::jobs::{Cancelled, Progress};

/// What is judged: the candidates of one step, and what is known around them. They are judged as they are: execute them first.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// What the candidates go on from.
    pub context: &'a Context,
    /// The candidates, none of them twice ([`super::first_alike`]).
    pub candidates: &'a [Candidate],
    /// The tools that may be called.
    pub tools: &'a [ToolDefinition],
    /// Tells whether attachments are there.
    pub files: &'a dyn FileLookup,
    /// The pictures of the context as the controller got them.
    pub pictures: &'a [ContentPart],
    /// The answer that the data holds to be right.
    pub reference: Option<&'a ReferenceAnswer>,
    /// Whose scorer compares answers with it.
    pub benchmark: Option<Benchmark>,
    /// What settles in which order a model is shown the candidates, and how continuations are drawn.
    pub seed: u64,
    /// How a candidate is gone on from; the outcome judge has no verdict without.
    pub continuation: Option<&'a dyn Continuation>,
}

/// Goes on from a candidate to the end of its run.
pub trait Continuation {
    /// The answer that the run ends with, or `None` where it ends without one: at the step limit, or after too many errors.
    fn answer(
        &self,
        controller: &mut dyn Controller,
        candidate: &Candidate,
        seed: u64,
        progress: &Progress,
    ) -> Result<Option<String>, ContinuationError>;
}

/// Why a run did not get to an end of its own. It says nothing about the candidate.
#[derive(Debug, thiserror::Error)]
pub enum ContinuationError {
    /// A tool that nobody answers, or a sandbox that failed; in words.
    #[error("{0}")]
    CannotGoOn(String),
    /// The controller gave no step.
    #[error(transparent)]
    Controller(#[from] ControllerError),
    /// Somebody asked it to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// A candidate as the step that it would be.
pub(super) fn step_of(candidate: &Candidate) -> Step {
    Step {
        thought: candidate.thought.clone(),
        action: candidate.action.clone(),
        observation: candidate.observation.clone(),
        reply: candidate.reply.clone(),
        ..Step::default()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::{Action, Observation, PictureReference, Task};

    /// Files that nobody knows of.
    pub struct NoFiles;

    impl FileLookup for NoFiles {
        fn exists(&self, _: &PictureReference) -> Option<bool> {
            None
        }
    }

    /// A candidate of code and what it printed; empty texts are none.
    pub fn candidate(thought: &str, code: &str, observation: &str) -> Candidate {
        Candidate {
            thought: (!thought.is_empty()).then(|| thought.to_owned()),
            action: (!code.is_empty()).then(|| Action::Code(code.to_owned())),
            observation: (!observation.is_empty()).then(|| Observation {
                text: observation.to_owned(),
                is_error: observation.starts_with("Error"),
                pictures: Vec::new(),
            }),
            ..Candidate::default()
        }
    }

    /// A context with a task alone.
    pub fn context(task: &str) -> Context {
        Context {
            task: Task {
                text: task.to_owned(),
                ..Task::default()
            },
            ..Context::default()
        }
    }

    /// A case without files, pictures and reference.
    pub fn case<'a>(context: &'a Context, candidates: &'a [Candidate]) -> Case<'a> {
        Case {
            context,
            candidates,
            tools: &[],
            files: &NoFiles,
            pictures: &[],
            reference: None,
            benchmark: None,
            seed: 1,
            continuation: None,
        }
    }
}
