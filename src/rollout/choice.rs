use super::error::RolloutError;
use super::execution::Executed;
use super::loaded_prompt::LoadedPrompt;
use super::run::Rollout;
use crate::domain::{Candidate, Context, PreferencePair};
use crate::jobs::Progress;

/// Who chooses the candidate that becomes a step.
pub trait Choose {
    /// Chooses; what it thinks of candidates it may write into them.
    fn choose(
        &mut self,
        offer: &mut Offer<'_>,
        progress: &Progress,
    ) -> Result<Choice, RolloutError>;
}

/// The candidates of a step, executed.
pub struct Offer<'a> {
    /// What the controller saw.
    pub context: &'a Context,
    /// What it was sent.
    pub prompt: &'a LoadedPrompt,
    /// What it proposed, with what executing it printed; at least one.
    pub candidates: &'a mut [Candidate],
    /// What executing each led to.
    pub executed: &'a [Executed],
    /// The run before the step.
    pub rollout: &'a Rollout,
}

/// A choice.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Choice {
    /// The candidate that becomes the step; `None` ends the run.
    pub index: Option<usize>,
    /// Why.
    pub reason: Option<String>,
    /// Pairs that the judgement implies.
    pub pairs: Vec<PreferencePair>,
}

/// Chooses the first candidate from which a run can go on, else the first. For runs of one candidate a step.
#[derive(Debug, Clone, Copy, Default)]
pub struct FirstUsable;

impl Choose for FirstUsable {
    fn choose(&mut self, offer: &mut Offer<'_>, _: &Progress) -> Result<Choice, RolloutError> {
        let usable = |candidate: &Candidate| candidate.unavailable().is_none();
        Ok(Choice {
            index: Some(offer.candidates.iter().position(usable).unwrap_or(0)),
            ..Choice::default()
        })
    }
}
