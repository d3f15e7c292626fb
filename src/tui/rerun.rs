//! Re-runs of a step from the workbench: what is asked for, and what is heard of it. Candidates are numbered as they are shown:
//! the recorded step is 0.

use std::time::Instant;

use crate::domain::review::LiteralCandidate;
use crate::domain::{Candidate, ContentHash, RecordId, TargetId};

use super::effect::JobId;

/// How new candidates are made. What is not set is as the settings say.
#[derive(Debug, Clone, PartialEq)]
pub struct RerunSettings {
    /// The model; empty for that of the settings.
    pub model: String,
    /// How many.
    pub candidates: usize,
    /// What logits are divided by, for all of them.
    pub temperature: Option<f32>,
    /// Tokens of a candidate at most.
    pub max_tokens: Option<usize>,
    /// What settles the draws.
    pub seed: u64,
    /// Whether pictures are left out, for a model that takes text alone.
    pub drops_pictures: bool,
    /// Whether live tools answer calls that no recording knows.
    pub live: bool,
    /// Who ranks them: `rules`, `rules+model:NAME`.
    pub judge: String,
}

impl Default for RerunSettings {
    /// Five candidates as the settings draw them, ranked by rules.
    fn default() -> Self {
        Self {
            model: String::new(),
            candidates: 5,
            temperature: None,
            max_tokens: None,
            seed: 0,
            drops_pictures: false,
            live: false,
            judge: "rules".to_owned(),
        }
    }
}

/// New candidates that are asked for.
#[derive(Debug, Clone)]
pub struct RerunOrder {
    /// The trajectory.
    pub id: TargetId,
    /// The record's hash as one saw it.
    pub seen: ContentHash,
    /// The step, from 1.
    pub step: usize,
    /// How.
    pub settings: RerunSettings,
}

/// What is to be done with the candidates of a re-run, which is named by its job.
#[derive(Debug, Clone)]
pub enum RerunVerb {
    /// Give one up.
    Cancel(usize),
    /// A person's own candidate is executed like the others.
    Write(JobId, LiteralCandidate),
    /// One that was unavailable is executed once more, by a job of its own: what its calls return may be known by now.
    Again(JobId, usize),
    /// A pair of a chosen and a rejected one.
    Pair {
        /// The better one.
        chosen: usize,
        /// The worse one.
        rejected: usize,
    },
    /// All pairs of a chosen one and those that it may be paired with.
    AllPairs {
        /// The better one.
        chosen: usize,
    },
    /// None of them is good.
    NoneGood,
    /// The chosen one takes the step's place, and the run goes on to its end as a branch.
    GoOn(JobId, usize),
}

/// What is heard of a re-run before it ends.
#[derive(Debug, Clone)]
pub enum RerunNews {
    /// The steps before have run again, and the controller is asked.
    Began {
        /// What it is called.
        model: String,
        /// What is to be known of it: pictures that are left out.
        notes: Vec<String>,
    },
    /// The controller has read so many tokens of the prompt, which has so many.
    Reads(u64, u64),
    /// A piece of a candidate, and when it came.
    Text(usize, String, Instant),
    /// What the server itself says of its speed, in tokens a second over all that it writes.
    Speed(f64),
    /// A candidate is whole.
    Made(usize, Box<Candidate>),
    /// It does the same as an earlier one.
    Folded(usize, usize),
    /// It was given up.
    Cancelled(usize),
    /// It is executed.
    Runs(usize),
    /// It was executed.
    Ran(usize, Box<Candidate>),
    /// A judge is asked.
    Judges(String),
    /// A branch has a step more; its number, from 1.
    Step(usize),
}

/// What became of a re-run.
#[derive(Debug, Clone, Default)]
pub struct RerunResult {
    /// All candidates, the recorded step first.
    pub candidates: Vec<RankedCandidate>,
    /// The judges' best one, if there is one.
    pub best: Option<usize>,
    /// Why, or why there is none.
    pub reason: Option<String>,
}

impl RerunResult {
    /// Which of them is the best, or that several are.
    pub fn verdict(&self) -> String {
        let first = self.candidates.iter().enumerate();
        let first = first.filter(|(_, ranked)| ranked.place == Some(1));
        let first: Vec<String> = first.map(|(number, _)| number.to_string()).collect();
        match (self.best, first.as_slice()) {
            (Some(best), _) => format!("{best} is the best"),
            (None, [_, _, ..]) => format!("{} are equally good", first.join(", ")),
            (None, _) => "no verdict".to_owned(),
        }
    }
}

/// A candidate and its place.
#[derive(Debug, Clone, Default)]
pub struct RankedCandidate {
    /// The candidate, with what executing it did and what judges say.
    pub candidate: Candidate,
    /// The first one that does the same.
    pub folded: Option<usize>,
    /// Whether it was given up.
    pub is_cancelled: bool,
    /// Its place, from 1.
    pub place: Option<usize>,
}

/// A trajectory among those that grew from the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchLine {
    /// Which.
    pub id: RecordId,
    /// How deep it stands in the tree.
    pub depth: usize,
    /// The step that was made anew, from 1; none for the root.
    pub step: Option<usize>,
    /// How many steps it has.
    pub steps: usize,
    /// Its answer.
    pub answer: Option<String>,
    /// Whether it is the one that was asked about.
    pub is_this: bool,
}
