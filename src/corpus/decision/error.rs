use crate::corpus::CorpusError;
use crate::domain::TargetId;
use crate::domain::review::{ConflictReason, DraftError, Field, PairError, Side};

/// Why something can't be decided. Nothing was saved.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    /// The corpus.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// A record has no such pair.
    #[error("{} has no pair `{}`", .id.record, .id.part.as_deref().unwrap_or_default())]
    NoPair {
        /// What was named.
        id: TargetId,
        /// The pairs that it has.
        known: Vec<String>,
    },
    /// A record has no step with this number.
    #[error("{id} has no step {step}")]
    NoStep {
        /// The trajectory.
        id: TargetId,
        /// What was named.
        step: u32,
        /// How many it has.
        count: usize,
    },
    /// The verb is about a step, and none was named.
    #[error("this is about a step")]
    NeedsStep,
    /// The source changed after the index was brought up to date.
    #[error("{0} changes just now")]
    Changing(TargetId),
    /// The record is not the one that somebody has seen.
    #[error("{id} is another record now: its hash is {hash}, not {expected}")]
    OtherRecord {
        /// The record.
        id: TargetId,
        /// Its content hash.
        hash: String,
        /// The beginning of the hash that was expected.
        expected: String,
    },
    /// The change could not be applied to what is shown.
    #[error("{id}: {reason}")]
    Conflict {
        /// The trajectory or pair.
        id: TargetId,
        /// Why.
        reason: ConflictReason,
    },
    /// The verb can't stand there.
    #[error("{id}: {reason}")]
    Draft {
        /// The trajectory or pair.
        id: TargetId,
        /// Why.
        reason: DraftError,
    },
    /// A verb of pairs on something else.
    #[error("{0} is no pair")]
    NotAPair(TargetId),
    /// A ruling of pairs on something else.
    #[error("{id} is no pair")]
    RulingOfPairs {
        /// The trajectory.
        id: TargetId,
        /// Whether its sides were to be exchanged; else it was to be a tie.
        is_swap: bool,
    },
    /// Sides are exchanged where none is the better one.
    #[error("only an acceptance exchanges sides")]
    SwapWithoutAccept,
    /// Reasons for what was not rejected.
    #[error("only a rejection has reasons")]
    ReasonWithoutReject,
    /// The sides of a pair about which somebody has ruled.
    #[error("{by} adjudicated {id}: its sides stay as they are until somebody adjudicates again")]
    Adjudicated {
        /// The pair.
        id: TargetId,
        /// Who ruled.
        by: String,
    },
    /// A reason that is not in the settings.
    #[error("there is no reason `{name}`{}", .near.as_deref().map_or(String::new(), |near| format!("; did you mean `{near}`?")))]
    NoReason {
        /// What was named.
        name: String,
        /// The configured one that is nearest to it.
        near: Option<String>,
        /// All that are configured.
        configured: Vec<String>,
    },
    /// A note that is not there.
    #[error("{id} has no note {note}")]
    NoNote {
        /// The trajectory or pair.
        id: TargetId,
        /// The note's id.
        note: uuid::Uuid,
    },
    /// A note that says nothing.
    #[error("a note can't be empty")]
    EmptyNote,
    /// A query found several steps of a trajectory for a mark that only one can have.
    #[error("{0}: the query finds several of its steps, and only one can be the first wrong one")]
    SeveralFirstWrong(TargetId),
    /// A side of what is no pair.
    #[error("{0} is no pair: it has no sides")]
    NoSides(TargetId),
    /// A record that is neither trajectory nor pair.
    #[error("{0} has nothing to edit")]
    NothingToEdit(TargetId),
    /// A step for a field of the whole trajectory.
    #[error("the {} is of the whole trajectory, not of a step", .0.name())]
    FieldOfWhole(Field),
    /// A pair whose step was removed.
    #[error("the step of {0} is gone")]
    StepOfPairGone(TargetId),
    /// A step of a pair.
    #[error("{0} is a pair: it has no steps of its own")]
    NoStepOfPair(TargetId),
    /// The answer of a pair.
    #[error("{0} is a pair: it has no answer")]
    NoAnswerOfPair(TargetId),
    /// The task of one candidate.
    #[error("the task is of both candidates")]
    TaskOfSide,
    /// An edit of a pair that does not say of which candidate.
    #[error("{0} is a pair, and an edit is of one candidate")]
    NeedsSide(TargetId),
    /// A pair of a pair.
    #[error("{0} is a pair itself")]
    PairOfPair(TargetId),
    /// The pair can't be made.
    #[error("{id}: {reason}")]
    Pair {
        /// The trajectory.
        id: TargetId,
        /// Why.
        reason: PairError,
    },
    /// A candidate of a new pair that a controller could not have written.
    #[error("the {} candidate has neither thought nor action", match .0 { Side::Chosen => "chosen", Side::Rejected => "rejected" })]
    EmptySide(Side),
    /// Both candidates of a new pair are the same.
    #[error(
        "both candidates have the same thought and the same action: there is nothing to prefer"
    )]
    SameSides,
    /// A step or candidate that says nothing and does nothing.
    #[error("a candidate says or does something")]
    EmptyCandidate,
    /// What should be a candidate is none.
    #[error("no candidate: {0}")]
    NoCandidate(String),
}
