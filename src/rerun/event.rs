use super::StepRerun;
use crate::domain::{Candidate, ContentHash};
use crate::judge::Ranking;

/// What happens in a re-run, in the order in which it happens. `candidate` is the number as shown: 0 is the recorded step, 1 the first new one.
#[derive(Debug, Clone, PartialEq)]
pub enum RerunEvent {
    /// The state before the step is restored, and the prompt is made.
    Prepared {
        /// Steps before it.
        steps: usize,
        /// The hash of what the controller is shown.
        context: ContentHash,
        /// Pictures that are sent.
        pictures: usize,
        /// What a reader has to know: earlier steps that do something else now, pictures that are left out.
        notes: Vec<String>,
    },
    /// The controller reads the prompt, and says how much of it it has read.
    Reading {
        /// Tokens that are read.
        read: u64,
        /// Tokens of the prompt.
        total: u64,
    },
    /// A piece of a candidate came.
    Text {
        /// Which.
        candidate: usize,
        /// The piece.
        text: String,
    },
    /// How fast text comes, of all candidates together; a few times a second.
    Speed {
        /// Pieces a second; a server that streams sends one for each token.
        tokens_per_second: f64,
    },
    /// A candidate is whole.
    Proposed {
        /// Which.
        candidate: usize,
        /// It, not executed yet.
        proposal: Box<Candidate>,
    },
    /// A candidate was given up.
    Cancelled {
        /// Which.
        candidate: usize,
    },
    /// A candidate does the same as an earlier one. It is neither executed nor judged.
    Folded {
        /// Which.
        candidate: usize,
        /// The earlier one.
        into: usize,
    },
    /// A candidate waits for its turn in the sandbox, or is there.
    Executing {
        /// Which.
        candidate: usize,
    },
    /// A candidate was executed.
    Executed {
        /// Which.
        candidate: usize,
        /// It, with its observation or the reason why there is none.
        executed: Box<Candidate>,
    },
    /// Judges look at the candidates.
    Judging {
        /// Their names.
        judge: String,
    },
    /// What they say; lists are by the candidates' numbers, and empty for those that were not judged.
    Judged(Box<Ranking>),
    /// All of it.
    Done(Box<StepRerun>),
}
