use serde::{Deserialize, Serialize};

use super::StepEdit;
use crate::domain::review::Timestamp;
use crate::domain::{Candidate, ContentHash, Context, RecordId};
use crate::rollout::Executed;
use crate::sandbox::SavedState;

/// A finished re-run of a step: all that picking needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRerun {
    /// The trajectory.
    pub record: RecordId,
    /// The content hash of its source record.
    pub hash: ContentHash,
    /// The step, from 0, as it is shown.
    pub step: usize,
    /// What people changed for this re-run before the step, and is not in the journal yet.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub edits: Vec<StepEdit>,
    /// What the controller was shown.
    pub context: Context,
    /// By number; the first is the recorded step.
    pub candidates: Vec<RerunCandidate>,
    /// The one that the judges hold to be the best.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub best: Option<usize>,
    /// Why, in their words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Why nobody judged them, where a judge could not be asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub judge_failure: Option<String>,
    /// What a reader has to know.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub notes: Vec<String>,
    /// When it was done.
    pub time: Timestamp,
}

/// A candidate of a re-run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RerunCandidate {
    /// It, with how it was made, what executing it did and what judges say.
    pub candidate: Candidate,
    /// The earlier one that does the same.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub folded: Option<usize>,
    /// Whether it was given up while it came; there is nothing of it then.
    #[serde(default)]
    pub cancelled: bool,
    /// Its place by the judges, from 1; equal ones share a place.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub place: Option<usize>,
    /// What executing it led to; `None` where it was not executed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub executed: Option<Aftermath>,
}

/// What executing a candidate led to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Aftermath {
    /// The state after it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<SavedState>,
    /// The answer that it gave.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub final_answer: Option<String>,
}

impl From<Executed> for Aftermath {
    fn from(executed: Executed) -> Self {
        Self {
            state: executed.state,
            final_answer: executed.final_answer,
        }
    }
}

impl From<Aftermath> for Executed {
    fn from(aftermath: Aftermath) -> Self {
        Self {
            state: aftermath.state,
            final_answer: aftermath.final_answer,
        }
    }
}

impl StepRerun {
    /// A candidate by its number; one that was folded is the one that it was folded into.
    pub fn resolved(&self, number: usize) -> Option<usize> {
        let candidate = self.candidates.get(number)?;
        match candidate.folded {
            Some(into) => Some(into),
            None => Some(number),
        }
    }

    /// A candidate that can be picked: it is there, and was not given up.
    pub fn pickable(&self, number: usize) -> Option<&Candidate> {
        let candidate = self.candidates.get(self.resolved(number)?)?;
        (!candidate.cancelled).then_some(&candidate.candidate)
    }

    /// Why a run can't go on from a candidate; `None` if it can.
    pub fn obstacle(&self, number: usize) -> Option<String> {
        match self.pickable(number) {
            None => Some("there is no such candidate".to_owned()),
            Some(candidate) => candidate.unavailable().map(str::to_owned),
        }
    }

    /// The numbers of candidates that are neither folded nor given up, best first; equal ones in their order.
    pub fn order(&self) -> Vec<usize> {
        let mut order = self.distinct();
        let place = |number: &usize| self.candidates.get(*number).and_then(|c| c.place);
        order.sort_by_key(|number| place(number).unwrap_or(usize::MAX));
        order
    }

    /// The numbers of candidates that are neither folded nor given up.
    pub fn distinct(&self) -> Vec<usize> {
        let numbered = self.candidates.iter().enumerate();
        let distinct = numbered.filter(|(_, c)| c.folded.is_none() && !c.cancelled);
        distinct.map(|(number, _)| number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_candidates_are_the_ones_that_they_repeat_and_the_best_stand_first() {
        let candidate = |folded, cancelled, place| RerunCandidate {
            folded,
            cancelled,
            place,
            ..RerunCandidate::default()
        };
        let rerun = StepRerun {
            record: RecordId::new("s", "r"),
            hash: ContentHash([0; 32]),
            step: 0,
            edits: Vec::new(),
            context: Context::default(),
            candidates: vec![
                candidate(None, false, Some(2)),
                candidate(Some(0), false, None),
                candidate(None, true, None),
                candidate(None, false, None),
                candidate(None, false, Some(1)),
            ],
            best: Some(4),
            reason: None,
            judge_failure: None,
            notes: Vec::new(),
            time: Timestamp::from_milliseconds(0),
        };
        assert_eq!(rerun.order(), [4, 0, 3]);
        assert_eq!(rerun.resolved(1), Some(0));
        assert!(rerun.pickable(1).is_some() && rerun.pickable(2).is_none());
        assert!(rerun.obstacle(2).is_some() && rerun.obstacle(3).is_none() && rerun.obstacle(9).is_some());
    }
}
