use clap::Args;

use crate::cli::Ended;
use crate::cli::decision::{DecisionArgs, Words, decide};
use crate::cli::output::Output;
use crate::cli::selection::StepHits;
use crate::cli::session::Session;
use crate::corpus::decision;
use crate::domain::review::TagName;

/// Give trajectories or pairs a tag
#[derive(Debug, Args)]
pub struct TagArgs {
    /// The tag
    tag: TagName,
    #[command(flatten)]
    decision: DecisionArgs,
}

/// Take a tag away
#[derive(Debug, Args)]
pub struct UntagArgs {
    /// The tag
    tag: TagName,
    #[command(flatten)]
    decision: DecisionArgs,
}

pub fn tag(args: &TagArgs, session: &Session, output: &mut Output) -> Ended {
    let words = Words {
        verb: "tag",
        done: "tagged",
    };
    let hits = StepHits::Trajectories;
    decide(&args.decision, session, output, words, hits, |subject| {
        Ok(decision::tag(subject, &args.tag))
    })
}

pub fn untag(args: &UntagArgs, session: &Session, output: &mut Output) -> Ended {
    let words = Words {
        verb: "untag",
        done: "untagged",
    };
    let hits = StepHits::Trajectories;
    decide(&args.decision, session, output, words, hits, |subject| {
        Ok(decision::untag(subject, &args.tag))
    })
}
