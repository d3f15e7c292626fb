use clap::Args;

use crate::cli::Ended;
use crate::cli::decision::{DecisionArgs, Words, decide};
use crate::cli::output::Output;
use crate::cli::review::{Given, RejectArgs as ReviewRejectArgs, give, rejection};
use crate::cli::selection::StepHits;
use crate::cli::session::Session;
use crate::cli::subject::Subject;
use crate::domain::review::{Opinion, Orientation, Rejection, Verb};
use crate::report::Report;

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

fn is_pair(subject: &Subject) -> Result<(), Report> {
    match subject.is_pair() {
        true => Ok(()),
        false => Err(Report::failure(format!("{} is no pair", subject.id()))
            .hint("`retake pair list` lists pairs; `retake review` is about trajectories, too")),
    }
}

fn verdict(opinion: Opinion) -> Given {
    Given {
        opinion,
        why: Rejection::default(),
    }
}

pub fn accept(args: &AcceptArgs, session: &Session, output: &mut Output) -> Ended {
    let given = verdict(Opinion::Accept);
    give(&args.decision, session, output, &given, is_pair)
}

pub fn reject(args: &RejectArgs, session: &Session, output: &mut Output) -> Ended {
    let given = rejection(&args.reject, session)?;
    give(args.reject.decision(), session, output, &given, is_pair)
}

pub fn tie(args: &TieArgs, session: &Session, output: &mut Output) -> Ended {
    let given = verdict(Opinion::Tie);
    give(&args.decision, session, output, &given, is_pair)
}

pub fn swap(args: &SwapArgs, session: &Session, output: &mut Output) -> Ended {
    let words = Words {
        verb: "swap",
        done: "swapped",
    };
    let hits = StepHits::Trajectories;
    decide(&args.decision, session, output, words, hits, |subject| {
        is_pair(subject)?;
        if let Some((by, _)) = &subject.review().adjudication {
            let id = subject.id();
            return Err(Report::failure(format!(
                "{by} adjudicated {id}: its sides stay as they are until somebody adjudicates again"
            ))
            .hint(format!("retake review adjudicate {id} accept --swap")));
        }
        let swapped = !subject.review().swapped;
        let swap = Verb::PairSwap(Orientation { swapped });
        Ok(Some((subject.target.clone(), swap)))
    })
}
