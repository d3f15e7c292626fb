use std::collections::BTreeMap;

use serde::Serialize;

use super::run::TrajectoryReplay;
use super::verdict::Verdict;

/// What replays of a selection come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Trajectories.
    pub trajectories: u64,
    /// Steps by verdict.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// Steps by verdict and reason; matches without a reason are left out.
    pub reasons: BTreeMap<(Verdict, String), u64>,
    /// Steps into which no tool result comes, and how many of them reproduce.
    pub independent: (u64, u64),
    /// Tool calls, and those whose result or error is known from the recordings.
    pub calls: (u64, u64),
    /// Answers that were reached, and those that equal the recorded one.
    pub answers: (u64, u64),
}

impl Summary {
    /// Counts one more trajectory.
    pub fn add(&mut self, replay: &TrajectoryReplay) {
        self.trajectories += 1;
        self.calls.0 += replay.calls as u64;
        self.calls.1 += replay.recovered as u64;
        if let Some(matches) = replay.answer_matches {
            self.answers.0 += 1;
            self.answers.1 += u64::from(matches);
        }
        for step in &replay.steps {
            *self.verdicts.entry(step.verdict).or_default() += 1;
            if !step.reason.is_empty() {
                let reason = (step.verdict, step.reason.clone());
                *self.reasons.entry(reason).or_default() += 1;
            }
            if step.is_independent && step.verdict != Verdict::NotRun {
                self.independent.0 += 1;
                self.independent.1 += u64::from(step.verdict.reproduces());
            }
        }
    }

    /// How many steps have a verdict.
    pub fn count(&self, verdict: Verdict) -> u64 {
        self.verdicts.get(&verdict).copied().unwrap_or(0)
    }

    /// All steps.
    pub fn steps(&self) -> u64 {
        self.verdicts.values().sum()
    }

    /// Steps that do what was recorded.
    pub fn reproduced(&self) -> u64 {
        let verdicts = self.verdicts.iter();
        let reproduced = verdicts.filter(|(verdict, _)| verdict.reproduces());
        reproduced.map(|(_, count)| count).sum()
    }
}
