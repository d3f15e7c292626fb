use clap::Args;

use crate::cli::Ended;
use crate::cli::decision::{DecisionArgs, Words, decide};
use crate::cli::given_text::{argument, is_standard_input};
use crate::cli::output::Output;
use crate::cli::selection::StepHits;
use crate::cli::session::Session;
use crate::corpus::decision::{DecisionError, Subject, Verdict, reasons};
use crate::domain::review::{Opinion, Rejection};
use crate::report::Report;

/// Say that trajectories or pairs are good as they are shown
#[derive(Debug, Args)]
pub struct AcceptArgs {
    #[command(flatten)]
    decision: DecisionArgs,
}

/// Say that trajectories or pairs are not good, and why
#[derive(Debug, Args)]
pub struct RejectArgs {
    #[command(flatten)]
    decision: DecisionArgs,
    /// A reason from `review.reasons` of the settings; several times, or several with commas between them
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    reason: Vec<String>,
    /// Why, in your own words; `-` reads them from standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
}

/// Gives one verdict on everything that is selected.
pub fn give(
    args: &DecisionArgs,
    session: &Session,
    output: &mut Output,
    verdict: &Verdict,
    check: impl Fn(&Subject) -> Result<(), DecisionError>,
) -> Ended {
    let (verb, done) = match verdict.opinion {
        Opinion::Accept => ("accept", "accepted"),
        Opinion::Reject => ("reject", "rejected"),
        Opinion::Tie => ("tie", "called equally good:"),
    };
    let words = Words { verb, done };
    let annotator = session.config.review.annotator.clone();
    let hits = StepHits::Trajectories;
    decide(args, session, output, words, hits, |subject| {
        check(subject)?;
        Ok(verdict.on(subject, &annotator))
    })
}

pub fn accept(args: &AcceptArgs, session: &Session, output: &mut Output) -> Ended {
    let verdict = Verdict::plain(Opinion::Accept);
    give(&args.decision, session, output, &verdict, |_| Ok(()))
}

pub fn reject(args: &RejectArgs, session: &Session, output: &mut Output) -> Ended {
    let verdict = rejection(args, session)?;
    give(&args.decision, session, output, &verdict, |_| Ok(()))
}

impl RejectArgs {
    /// What is rejected, and how that is told.
    pub fn decision(&self) -> &DecisionArgs {
        &self.decision
    }
}

/// The rejection that arguments say.
pub fn rejection(args: &RejectArgs, session: &Session) -> Result<Verdict, Report> {
    let ids_from_input = args.decision.selection.reads_standard_input();
    if ids_from_input && is_standard_input(args.text.as_deref()) {
        return Err(Report::usage("standard input can't hold both ids and text"));
    }
    Ok(Verdict {
        opinion: Opinion::Reject,
        why: Rejection {
            reasons: reasons(&args.reason, &session.config.review.reasons)?,
            text: args.text.as_deref().map_or(Ok(String::new()), argument)?,
        },
    })
}
