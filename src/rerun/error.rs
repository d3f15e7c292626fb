use crate::corpus::CorpusError;
use crate::corpus::decision::DecisionError;
use crate::domain::CanonicalError;
use crate::domain::review::CallsError;
use crate::jobs::Cancelled;
use crate::report::Report;
use crate::rollout::RolloutError;
use crate::tools::ToolsError;
use crate::workspace::WorkspaceError;

/// Why a step could not be run again, or a candidate not picked.
#[derive(Debug, thiserror::Error)]
pub enum RerunError {
    /// What is named is no trajectory.
    #[error("{0} is no trajectory: it has no steps to run again")]
    NoTrajectory(String),
    /// It has no such step.
    #[error("{id} has no step {step}; it has {count}")]
    NoStep {
        /// The trajectory.
        id: String,
        /// The step, from 1.
        step: usize,
        /// How many it has.
        count: usize,
    },
    /// Its record keeps no candidates of the step.
    #[error("{id} keeps no candidates of step {step} to pick from")]
    NothingKept {
        /// The trajectory.
        id: String,
        /// The step, from 1.
        step: usize,
    },
    /// A number that no candidate has.
    #[error("there is no candidate {0} that could be picked")]
    NoCandidate(usize),
    /// The chosen one is on both sides.
    #[error("candidate {0} can't be preferred to itself")]
    Itself(usize),
    /// Nothing is left that the chosen one could be preferred to.
    #[error("there is no candidate that {0} could be preferred to")]
    NobodyRejected(usize),
    /// What the re-run was made from is no longer what is shown.
    #[error("the steps before step {step} of {id} are not what the candidates were made for")]
    OtherContext {
        /// The trajectory.
        id: String,
        /// The step, from 1.
        step: usize,
    },
    /// A run can't go on from the candidate.
    #[error("no run can go on from candidate {candidate}: {reason}")]
    CannotGoOn {
        /// Its number.
        candidate: usize,
        /// Why.
        reason: String,
    },
    /// An edited context is not in the form in which it was given.
    #[error("the edited context can't be read: {0}")]
    Edited(String),
    /// An edited text is no action.
    #[error("the edited candidate can't be read: {0}")]
    Calls(#[from] CallsError),
    /// Proposing, restoring or executing failed.
    #[error(transparent)]
    Rollout(RolloutError),
    /// Judging failed.
    #[error("the candidates could not be judged: {0}")]
    NoJudgement(String),
    /// The recording can't be read.
    #[error(transparent)]
    Tools(#[from] ToolsError),
    /// What was picked can't be decided.
    #[error(transparent)]
    Decision(DecisionError),
    /// The corpus, its workspace or a file of theirs.
    #[error(transparent)]
    Corpus(CorpusError),
    /// The context has no canonical form.
    #[error("the context can't be hashed: {0}")]
    Hash(#[from] CanonicalError),
    /// Somebody asked it to stop.
    #[error("cancelled")]
    Cancelled,
}

impl From<RolloutError> for RerunError {
    fn from(error: RolloutError) -> Self {
        match error {
            RolloutError::Cancelled => Self::Cancelled,
            error => Self::Rollout(error),
        }
    }
}

impl From<CorpusError> for RerunError {
    fn from(error: CorpusError) -> Self {
        match error {
            CorpusError::Cancelled(_) => Self::Cancelled,
            error => Self::Corpus(error),
        }
    }
}

impl From<DecisionError> for RerunError {
    fn from(error: DecisionError) -> Self {
        match error {
            DecisionError::Corpus(error) => error.into(),
            error => Self::Decision(error),
        }
    }
}

impl From<WorkspaceError> for RerunError {
    fn from(error: WorkspaceError) -> Self {
        Self::Corpus(error.into())
    }
}

impl From<Cancelled> for RerunError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<RerunError> for Report {
    fn from(error: RerunError) -> Self {
        match error {
            RerunError::Rollout(error) => error.into(),
            RerunError::Decision(error) => error.into(),
            error => {
                let report = Self::from_error(&error);
                match error {
                    RerunError::OtherContext { .. } => {
                        report.hint("run the step again: somebody has changed what comes before it")
                    }
                    RerunError::CannotGoOn { .. } => report
                        .hint("it may be picked for a pair; to go on, let live tools answer (--live) or pick another one"),
                    _ => report,
                }
            }
        }
    }
}
