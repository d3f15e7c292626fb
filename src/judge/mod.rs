//! Scores and ranks a step's candidates, with reasons, and makes pairs of them.
//!
//! A judge never makes a verdict up: what it can't tell is "no verdict" and says why, and no candidate is the best for want of an
//! answer. What judges say is recorded with the candidate.

mod case;
mod continuation;
mod error;
mod interval;
mod judge_answer;
mod model_judge;
mod names;
mod outcome_judge;
mod pairs;
mod panel;
mod ranking;
mod rule_judge;
mod shuffle;
mod similarity;

pub use case::{Case, Continuation, ContinuationError};
pub use continuation::RunOn;
pub use error::JudgeError;
pub use interval::wilson;
pub use judge_answer::{ModelWay, NoVerdict, Preference, parse_answer};
pub use model_judge::ModelJudge;
pub use names::{JudgeName, JudgeNames, JudgeNamesError};
pub use outcome_judge::OutcomeJudge;
pub use pairs::{RejectedFor, preference_pairs, rejected};
pub use panel::Panel;
pub use ranking::Ranking;
pub use rule_judge::{Findings, RuleJudge, findings};
pub use shuffle::shuffled;
pub use similarity::{Similarity, first_alike, same_action, similarity};

use crate::domain::Judgement;
use crate::jobs::Progress;

/// What judges candidates.
pub trait Judge: Send {
    /// What it is called, as texts name it (`rules`, `model:NAME`, `outcome:NAME`).
    fn name(&self) -> String;

    /// One judgement for each candidate, in order. A judge that gives no usable answer says so in these; an error is one that
    /// somebody has to do something about, or a cancel.
    fn judge(&mut self, case: &Case<'_>, progress: &Progress)
    -> Result<Vec<Judgement>, JudgeError>;
}
