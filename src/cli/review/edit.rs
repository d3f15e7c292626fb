use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use crate::cli::Ended;
use crate::cli::decision::{DecisionArgs, StepArgs, Words, decide};
use crate::cli::given_text::TextArgs;
use crate::cli::output::Output;
use crate::cli::selection::StepHits;
use crate::cli::session::Session;
use crate::corpus::decision::{Decided, DecisionError, Subject, edit_pair, edit_trajectory};
use crate::domain::review::{Field, Side};
use crate::report::Report;

/// Give a field a new text; sources stay as they are
#[derive(Debug, Args)]
pub struct EditArgs {
    #[command(flatten)]
    decision: DecisionArgs,
    #[command(flatten)]
    step: StepArgs,
    /// The field; code is Python, the JSON of tool calls, or a message, whichever the step has
    #[arg(long, value_parser = PossibleValuesParser::new(Field::ALL.map(Field::name)).try_map(|name| name.parse::<Field>()))]
    field: Field,
    /// Of a pair: which candidate, as they are shown now
    #[arg(long)]
    side: Option<ShownSide>,
    #[command(flatten)]
    text: TextArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ShownSide {
    /// The better one
    Chosen,
    /// The worse one
    Rejected,
}

pub fn run(args: &EditArgs, session: &Session, output: &mut Output) -> Ended {
    if args.decision.selection.reads_standard_input() && args.text.reads_standard_input() {
        return Err(Report::usage("standard input can't hold both ids and text"));
    }
    let text = args.text.read()?;
    let words = Words {
        verb: "edit",
        done: "edited",
    };
    let hits = match args.field.is_of_step() {
        true => StepHits::Steps,
        false => StepHits::Trajectories,
    };
    decide(&args.decision, session, output, words, hits, |subject| {
        Ok(match subject.is_pair() {
            true => of_pair(args, subject, &text)?,
            false => of_trajectory(args, subject, &text)?,
        })
    })
}

fn of_trajectory(args: &EditArgs, subject: &Subject, text: &str) -> Result<Decided, Report> {
    if args.side.is_some() {
        return Err(DecisionError::NoSides(subject.id().clone()).into());
    }
    // A query for whole trajectories finds no steps, whatever it was asked for.
    let step = match args.field.is_of_step() {
        true => args.step.number(subject)?,
        false => args.step.step,
    };
    Ok(edit_trajectory(subject, args.field, step, text)?)
}

fn of_pair(args: &EditArgs, subject: &Subject, text: &str) -> Result<Decided, Report> {
    // A pair that is gone is told before what is wrong with the arguments.
    if args.step.step.is_some() && subject.pair().is_some() {
        return Err(DecisionError::NoStepOfPair(subject.id().clone()).into());
    }
    let side = args.side.map(|side| match side {
        ShownSide::Chosen => Side::Chosen,
        ShownSide::Rejected => Side::Rejected,
    });
    Ok(edit_pair(subject, args.field, side, text)?)
}
