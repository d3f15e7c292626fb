use clap::Args;
use uuid::Uuid;

use crate::cli::Ended;
use crate::cli::decision::{DecisionArgs, StepArgs, Words, decide};
use crate::cli::given_text::{argument, is_standard_input};
use crate::cli::output::Output;
use crate::cli::selection::StepHits;
use crate::cli::session::Session;
use crate::corpus::decision::{self, DecisionError};
use crate::report::Report;

/// Note something on trajectories, pairs or steps
#[derive(Debug, Args)]
pub struct NoteArgs {
    /// What to note; `-` reads it from standard input
    text: String,
    #[command(flatten)]
    decision: DecisionArgs,
    #[command(flatten)]
    step: StepArgs,
    /// The note whose text this one replaces, as `retake show` names it; an empty text takes it away
    #[arg(long, value_name = "NOTE", conflicts_with = "step")]
    replaces: Option<Uuid>,
}

pub fn run(args: &NoteArgs, session: &Session, output: &mut Output) -> Ended {
    let ids_from_input = args.decision.selection.reads_standard_input();
    if ids_from_input && is_standard_input(Some(&args.text)) {
        return Err(Report::usage("standard input can't hold both ids and text"));
    }
    let text = argument(&args.text)?;
    if text.trim().is_empty() && args.replaces.is_none() {
        return Err(DecisionError::EmptyNote.into());
    }
    let words = Words {
        verb: "note",
        done: "noted on",
    };
    let hits = StepHits::Steps;
    decide(
        &args.decision,
        session,
        output,
        words,
        hits,
        |subject| match args.replaces {
            Some(replaced) => Ok(decision::replace_note(subject, replaced, &text)?),
            None => Ok(decision::note(subject, args.step.number(subject)?, &text)?),
        },
    )
}
