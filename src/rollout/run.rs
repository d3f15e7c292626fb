use serde::{Deserialize, Serialize};

use super::error::RolloutError;
use super::execution::Executed;
use crate::domain::{
    Candidate, ContentHash, Context, Origin, PreferencePair, RecordId, Step, Trajectory,
};
use crate::sandbox::SavedState;

/// A run as far as it has come. It can be written down and taken up again at any step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// Its steps, with all candidates of each, and its answer.
    pub trajectory: Trajectory,
    /// The sandbox's state after the last step; `None` where nothing ran.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<SavedState>,
    /// Steps that failed.
    #[serde(default)]
    pub failures: usize,
    /// Pairs of its steps.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub pairs: Vec<PreferencePair>,
    /// Why it ended, once it has.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end: Option<End>,
}

/// Why a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// It gave an answer.
    Answered,
    /// It took all its steps. The answer is what the controller says when it is asked for one.
    StepLimit,
    /// Too many of its steps failed.
    Errors,
    /// Nothing answers what the last step asks for; why.
    Unavailable(String),
    /// Its last step has no candidate to go on with; why.
    NoChoice(String),
}

impl End {
    /// Why there is no answer of the run's own, for a record; `None` if there is one.
    pub fn failure(&self) -> Option<String> {
        match self {
            Self::Answered => None,
            Self::StepLimit => Some("it reached the step limit".to_owned()),
            Self::Errors => Some("too many of its steps failed".to_owned()),
            Self::Unavailable(reason) | Self::NoChoice(reason) => Some(reason.clone()),
        }
    }
}

impl Rollout {
    /// A run that begins: system prompt, tools and task.
    pub fn new(trajectory: Trajectory) -> Self {
        let failures = trajectory.steps.iter().filter(|step| failed(step)).count();
        Self {
            trajectory,
            failures,
            ..Self::default()
        }
    }

    /// A branch of a trajectory as it is shown: its steps before `step` (from 0), then the chosen one of `candidates`.
    ///
    /// `executed` is what executing that one led to. Nothing goes on from a candidate that is unavailable.
    #[allow(clippy::too_many_arguments)]
    pub fn branch(
        trajectory: &Trajectory,
        record: &RecordId,
        hash: ContentHash,
        step: usize,
        candidates: Vec<Candidate>,
        chosen: usize,
        reason: Option<String>,
        executed: &Executed,
    ) -> Result<Self, RolloutError> {
        let wrong = |what: &str| RolloutError::Branch(what.to_owned());
        if step > trajectory.steps.len() {
            return Err(wrong("the trajectory has no such step"));
        }
        let candidate = candidates
            .get(chosen)
            .ok_or_else(|| wrong("there is no such candidate"))?;
        if let Some(reason) = candidate.unavailable() {
            return Err(RolloutError::Branch(format!(
                "the candidate is unavailable: {reason}"
            )));
        }
        let context = Context::before(trajectory, step).hash()?;
        let mut provenance = trajectory.provenance.clone();
        provenance.failure = None;
        let mut rollout = Self::new(Trajectory {
            steps: trajectory.steps.iter().take(step).cloned().collect(),
            answer: None,
            verification: None,
            origin: Some(Box::new(Origin {
                record: record.clone(),
                hash,
                step,
                context: Some(context),
            })),
            provenance,
            ..trajectory.clone()
        });
        rollout.push(candidates, chosen, reason, executed);
        Ok(rollout)
    }

    /// What the controller sees next.
    pub fn context(&self) -> Context {
        Context::before(&self.trajectory, self.trajectory.steps.len())
    }

    /// Takes a step: the chosen one of its candidates becomes history.
    pub fn push(
        &mut self,
        candidates: Vec<Candidate>,
        chosen: usize,
        reason: Option<String>,
        executed: &Executed,
    ) {
        let Some(candidate) = candidates.get(chosen) else {
            return;
        };
        // A step that gives the answer and prints nothing has no observation, as recorded ones.
        let answered = executed.final_answer.is_some();
        let observation = candidate.observation.clone();
        let observation = observation.filter(|seen| !answered || !seen.text.is_empty());
        if observation.as_ref().is_some_and(|seen| seen.is_error) {
            self.failures += 1;
        }
        if let Some(reason) = candidate.unavailable() {
            self.end = Some(End::Unavailable(reason.to_owned()));
        }
        if let Some(answer) = &executed.final_answer {
            self.trajectory.answer = Some(answer.clone());
            self.end = Some(End::Answered);
        }
        self.state.clone_from(&executed.state);
        self.trajectory.steps.push(Step {
            thought: candidate.thought.clone(),
            action: candidate.action.clone(),
            observation,
            reply: candidate.reply.clone(),
            candidates,
            chosen: Some(chosen),
            choice_reason: reason,
            ..Step::default()
        });
    }
}

fn failed(step: &Step) -> bool {
    step.observation.as_ref().is_some_and(|seen| seen.is_error)
}
