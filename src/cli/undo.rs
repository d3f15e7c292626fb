use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::corpus::decision::Direction;
use crate::domain::review::ReviewRecord;
use crate::report::Report;

use super::Ended;
use super::annotation::Annotation;
use super::log::print_said;
use super::output::Output;
use super::session::Session;

/// Take back what you decided last; each call of a verb is one batch
#[derive(Debug, Args)]
pub struct UndoArgs {
    #[command(flatten)]
    steps: ReversalArgs,
}

/// Take back what you undid last
#[derive(Debug, Args)]
pub struct RedoArgs {
    #[command(flatten)]
    steps: ReversalArgs,
}

#[derive(Debug, Args)]
struct ReversalArgs {
    /// How many batches
    #[arg(value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: ReversalFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum ReversalFormat {
    /// For people
    #[default]
    Text,
    /// One object: {"undone": […]} or {"redone": […]}
    Json,
}

/// How a direction is told.
struct Words {
    direction: Direction,
    /// What was done: `undid`.
    done: &'static str,
    /// The key of the JSON.
    key: &'static str,
    /// What is said where nothing is left.
    nothing: &'static str,
}

pub(super) fn undo(args: &UndoArgs, session: Session, output: &mut Output) -> Ended {
    let words = Words {
        direction: Direction::Undo,
        done: "undid",
        key: "undone",
        nothing: "there is nothing to undo",
    };
    reverse(&args.steps, &words, &session, output)
}

pub(super) fn redo(args: &RedoArgs, session: Session, output: &mut Output) -> Ended {
    let words = Words {
        direction: Direction::Redo,
        done: "redid",
        key: "redone",
        nothing: "there is nothing to redo: you undid nothing, or decided something since",
    };
    reverse(&args.steps, &words, &session, output)
}

fn reverse(args: &ReversalArgs, words: &Words, session: &Session, output: &mut Output) -> Ended {
    let mut annotation = Annotation::open(session, output)?;
    let drafts = {
        let journals = annotation.corpus().journals();
        let count = args.count as usize;
        let direction = words.direction;
        direction.drafts(journals.reviews(), annotation.annotator(), count)
    };
    if drafts.is_empty() {
        let annotator = annotation.annotator();
        return Err(Report::failure(format!("{annotator}: {}", words.nothing))
            .hint("`retake log` lists what was decided"));
    }
    let reversals = annotation.commit(&drafts, output)?;
    let journals = annotation.corpus().journals();
    let mut told = Vec::new();
    for reversal in &reversals {
        let switched = journals.reviews().switched(reversal);
        let switched: Vec<ReviewRecord> = switched.into_iter().cloned().collect();
        match args.format {
            ReversalFormat::Json => told.push(json(reversal, &switched)),
            ReversalFormat::Text => {
                print_said(&format!("{}  ", words.done), &switched, "", output)?;
            }
        }
    }
    if args.format == ReversalFormat::Json {
        output.json(&json!({ words.key: told }))?;
    }
    if reversals.len() < args.count as usize {
        output.note(format!("{}: that was all", reversals.len()));
    }
    Ok(None)
}

fn json(reversal: &ReviewRecord, switched: &[ReviewRecord]) -> Value {
    let records: Vec<Value> = switched.iter().map(super::log::record_json).collect();
    json!({
        "record": reversal.id,
        "batch": switched.first().map(ReviewRecord::batch_id),
        "records": records,
    })
}
