use crate::domain::review::{Adjudication, Judgement, Rejection, Target};

use super::{DecisionError, Subject};

/// What ends a disagreement, as somebody says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// What holds.
    pub verdict: Judgement,
    /// Of a pair: whether the side that is shown as rejected is the better one.
    pub is_swap: bool,
    /// Why.
    pub why: Rejection,
}

impl Ruling {
    /// The ruling as a record says it, with what it is about.
    pub fn on(&self, subject: &Subject) -> Result<(Target, Adjudication), DecisionError> {
        let is_accepted = self.verdict == Judgement::Accept;
        let is_of_pairs = self.is_swap || self.verdict == Judgement::Tie;
        if is_of_pairs && !subject.is_pair() {
            return Err(DecisionError::RulingOfPairs {
                id: subject.id().clone(),
                is_swap: self.verdict != Judgement::Tie,
            });
        }
        if self.is_swap && !is_accepted {
            return Err(DecisionError::SwapWithoutAccept);
        }
        if self.verdict != Judgement::Reject && !self.why.reasons.is_empty() {
            return Err(DecisionError::ReasonWithoutReject);
        }
        let adjudication = Adjudication {
            verdict: self.verdict,
            swapped: subject.review().swapped != self.is_swap && is_accepted,
            why: self.why.clone(),
        };
        Ok((subject.target.clone(), adjudication))
    }
}
