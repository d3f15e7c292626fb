use clap::Args;

use crate::cli::Ended;
use crate::cli::decision::{DecisionArgs, Words, decide};
use crate::cli::output::Output;
use crate::cli::review::{RejectArgs as ReviewRejectArgs, give, rejection};
use crate::cli::selection::StepHits;
use crate::cli::session::Session;
use crate::corpus::decision::{self, Subject, Verdict};
use crate::domain::review::Opinion;

/// Exchange chosen and rejected
#[derive(Debug, Args)]
pub struct SwapArgs {
    #[command(flatten)]
    decision: DecisionArgs,
}

/// Say that pairs are good as they are shown
#[derive(Debug, Args)]
pub struct AcceptArgs {
    #[command(flatten)]
    decision: DecisionArgs,
}

/// Say that pairs are not good, and why
#[derive(Debug, Args)]
pub struct RejectArgs {
    #[command(flatten)]
    reject: ReviewRejectArgs,
}

/// Say that both sides of pairs are equally good
#[derive(Debug, Args)]
pub struct TieArgs {
    #[command(flatten)]
    decision: DecisionArgs,
}

pub fn accept(args: &AcceptArgs, session: &Session, output: &mut Output) -> Ended {
    let verdict = Verdict::plain(Opinion::Accept);
    give(
        &args.decision,
        session,
        output,
        &verdict,
        Subject::expect_pair,
    )
}

pub fn reject(args: &RejectArgs, session: &Session, output: &mut Output) -> Ended {
    let verdict = rejection(&args.reject, session)?;
    let decision = args.reject.decision();
    give(decision, session, output, &verdict, Subject::expect_pair)
}

pub fn tie(args: &TieArgs, session: &Session, output: &mut Output) -> Ended {
    let verdict = Verdict::plain(Opinion::Tie);
    give(
        &args.decision,
        session,
        output,
        &verdict,
        Subject::expect_pair,
    )
}

pub fn swap(args: &SwapArgs, session: &Session, output: &mut Output) -> Ended {
    let words = Words {
        verb: "swap",
        done: "swapped",
    };
    let hits = StepHits::Trajectories;
    decide(&args.decision, session, output, words, hits, |subject| {
        Ok(decision::swap(subject)?)
    })
}
