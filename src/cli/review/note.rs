use clap::Args;
use uuid::Uuid;

use crate::cli::Ended;
use crate::cli::decision::{Decided, DecisionArgs, StepArgs, Words, decide};
use crate::cli::given_text::{argument, is_standard_input};
use crate::cli::output::Output;
use crate::cli::selection::StepHits;
use crate::cli::session::Session;
use crate::cli::subject::Subject;
use crate::domain::review::{NoteText, Verb};
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
        return Err(Report::usage("a note can't be empty"));
    }
    let words = Words {
        verb: "note",
        done: "noted on",
    };
    let hits = StepHits::Steps;
    decide(&args.decision, session, output, words, hits, |subject| {
        if let Some(replaced) = args.replaces {
            return replacement(subject, replaced, &text);
        }
        let target = match args.step.number(subject)? {
            Some(step) => subject.step_target(step)?,
            None => subject.target.clone(),
        };
        let text = text.clone();
        let note = NoteText {
            text,
            replaces: None,
        };
        Ok(Some((target, Verb::Note(note))))
    })
}

fn replacement(subject: &Subject, replaced: Uuid, text: &str) -> Result<Option<Decided>, Report> {
    let mut notes = subject.review().notes.iter();
    let note = notes.find(|note| note.id == replaced).ok_or_else(|| {
        let id = subject.id();
        Report::failure(format!("{id} has no note {replaced}"))
            .hint(format!("`retake show {id}` names its notes"))
    })?;
    if note.text == text {
        return Ok(None);
    }
    let target = match note.step {
        Some(step) => subject.target.with_step(step),
        None => subject.target.clone(),
    };
    let note = NoteText {
        text: text.to_owned(),
        replaces: Some(replaced),
    };
    Ok(Some((target, Verb::Note(note))))
}
