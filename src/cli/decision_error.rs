//! What the command line says of a decision that can't be made: which argument is wrong, and what to call instead.

use crate::corpus::decision::DecisionError;
use crate::report::Report;

use super::session::corpus_report;

const CANDIDATE_FORM: &str = "write {\"thought\": …, \"code\": …, \"observation\": …}, or a reply: Thought: … Code: ```py …```";

impl From<DecisionError> for Report {
    fn from(error: DecisionError) -> Self {
        use DecisionError as E;
        let failure = Self::from_error(&error);
        let usage = Self::usage(failure.message.clone());
        match error {
            E::Corpus(error) => corpus_report(&error),
            E::NoPair { known, .. } => match known.is_empty() {
                true => failure,
                false => failure.hint(format!("pairs: {}", known.join(", "))),
            },
            E::NoStep { count: 0, .. } => failure.hint("it has no steps"),
            E::NoStep { count, .. } => failure.hint(format!("steps: 1 to {count}")),
            E::NeedsStep => {
                usage.hint("name it with --step N, or find steps with a query: --query 'in:step …'")
            }
            E::Changing(_) => failure.hint("try again when nobody writes to its source"),
            E::OtherRecord { .. } => {
                failure.hint("look at it with `retake show`; nothing was saved")
            }
            E::NotAPair(_) => failure
                .hint("`retake pair list` lists pairs; `retake review` is about trajectories, too"),
            E::RulingOfPairs { is_swap, .. } => {
                let what = if is_swap { "--swap" } else { "`tie`" };
                usage.hint(format!("{what} is about the sides of a pair"))
            }
            E::SwapWithoutAccept => Self::usage("--swap goes with `accept`")
                .hint("a pair that is rejected or a tie has no better side"),
            E::ReasonWithoutReject => Self::usage("--reason goes with `reject`")
                .hint("--text says why something else holds"),
            E::Adjudicated { id, .. } => {
                failure.hint(format!("retake review adjudicate {id} accept --swap"))
            }
            E::NoReason { configured, .. } => usage
                .hint(format!("reasons: {}", configured.join(", ")))
                .hint(
                    "`reasons` under [review] in the settings lists them; --text takes any words",
                ),
            E::NoNote { id, .. } => failure.hint(format!("`retake show {id}` names its notes")),
            E::EmptyNote => usage,
            E::NoSides(id) => Self::usage(format!("{id} is no pair: leave --side out")),
            E::FieldOfWhole(field) => Self::usage(format!(
                "the {} is of the whole trajectory: leave --step out",
                field.name()
            )),
            E::NoStepOfPair(id) => Self::usage(format!("{id} is a pair: leave --step out")),
            E::TaskOfSide => Self::usage("the task is of both candidates: leave --side out"),
            E::NeedsSide(_) => usage.hint("--side chosen or --side rejected"),
            E::PairOfPair(_) => usage.hint("a pair is made of the step of a trajectory"),
            E::EmptyCandidate | E::NoCandidate(_) => failure.hint(CANDIDATE_FORM),
            E::Conflict { .. }
            | E::Draft { .. }
            | E::SeveralFirstWrong(_)
            | E::NothingToEdit(_)
            | E::StepOfPairGone(_)
            | E::NoAnswerOfPair(_)
            | E::Pair { .. }
            | E::EmptySide(_)
            | E::SameSides => failure,
        }
    }
}
