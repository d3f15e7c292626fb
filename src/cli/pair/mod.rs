//! `retake pair`: preference pairs, those of sources and those that people make.

mod candidate;
mod list;
mod new;
mod verdict;
mod verify;

use clap::{Args, Subcommand};

use super::Ended;
use super::output::Output;
use super::session::Session;
use super::show;

/// List, show, make, swap, judge and verify preference pairs
#[derive(Debug, Args)]
pub struct PairArgs {
    #[command(subcommand)]
    verb: PairVerb,
}

#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
enum PairVerb {
    List(list::ListArgs),
    /// Show a pair, with its pictures
    Show(show::ShowArgs),
    New(new::NewArgs),
    Swap(verdict::SwapArgs),
    Accept(verdict::AcceptArgs),
    Reject(verdict::RejectArgs),
    Tie(verdict::TieArgs),
    Verify(verify::VerifyArgs),
}

pub(super) fn run(args: &PairArgs, session: Session, output: &mut Output) -> Ended {
    match &args.verb {
        PairVerb::List(args) => list::run(args, &session, output),
        PairVerb::Show(args) => show::pair(args, session, output),
        PairVerb::New(args) => new::run(args, &session, output),
        PairVerb::Swap(args) => verdict::swap(args, &session, output),
        PairVerb::Accept(args) => verdict::accept(args, &session, output),
        PairVerb::Reject(args) => verdict::reject(args, &session, output),
        PairVerb::Tie(args) => verdict::tie(args, &session, output),
        PairVerb::Verify(args) => verify::run(args, &session, output),
    }
}
