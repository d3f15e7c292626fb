use clap::Args;

use crate::cli::Ended;
use crate::cli::decision::{DecisionArgs, StepArgs, Words, decide};
use crate::cli::output::Output;
use crate::cli::selection::StepHits;
use crate::cli::session::Session;
use crate::corpus::decision::{self, DecisionError};
use crate::domain::review::StepLabel;

/// Label steps for process reward
#[derive(Debug, Args)]
pub struct LabelArgs {
    #[command(flatten)]
    decision: DecisionArgs,
    #[command(flatten)]
    step: StepArgs,
    /// 1 (good), 0 (neutral) or -1 (bad)
    #[arg(long, allow_negative_numbers = true)]
    value: StepLabel,
}

/// Say which step was the first that went wrong
#[derive(Debug, Args)]
pub struct FirstWrongStepArgs {
    #[command(flatten)]
    decision: DecisionArgs,
    #[command(flatten)]
    step: StepArgs,
}

pub fn label(args: &LabelArgs, session: &Session, output: &mut Output) -> Ended {
    let words = Words {
        verb: "label",
        done: "labelled",
    };
    let annotator = session.config.review.annotator.as_str();
    let hits = StepHits::Steps;
    decide(&args.decision, session, output, words, hits, |subject| {
        let step = args.step.required(subject)?;
        Ok(decision::label(subject, step, args.value, annotator)?)
    })
}

pub fn first_wrong_step(
    args: &FirstWrongStepArgs,
    session: &Session,
    output: &mut Output,
) -> Ended {
    let words = Words {
        verb: "first-wrong-step",
        done: "marked as first wrong step:",
    };
    let annotator = session.config.review.annotator.as_str();
    let hits = StepHits::Steps;
    let mut before = None;
    decide(&args.decision, session, output, words, hits, |subject| {
        let step = args.step.required(subject)?;
        let this = Some(subject.id().clone());
        if before == this {
            return Err(DecisionError::SeveralFirstWrong(subject.id().clone()).into());
        }
        before = this;
        Ok(decision::first_wrong_step(subject, step, annotator)?)
    })
}
