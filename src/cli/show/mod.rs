//! `retake show`: one trajectory or pair as it is now, for people and for programs.

pub mod candidate_provenance;
mod json;
mod page;
mod review_json;
mod review_section;
mod source_change;

use std::ops::RangeInclusive;

use clap::{Args, ValueEnum};

use crate::config::Config;
use crate::corpus::decision::{Subject, no_pair};
use crate::corpus::{Corpus, Current, CurrentPair};
use crate::domain::{PreferencePair, Record};
use crate::media::DecodeLimits;
use crate::report::Report;
use crate::rules::Flag;
use crate::workspace::Workspace;

use super::Ended;
use super::output::Output;
use super::session::{Session, corpus_report};

use page::Page;
use source_change::SourceChange;

/// Show a trajectory or a pair, with its pictures
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The id, as `retake search` prints it, or a content hash
    id: String,
    /// Only this step, from 1
    #[arg(long, value_name = "N")]
    step: Option<usize>,
    /// As the source has it, without what people changed
    #[arg(long)]
    original: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: ShowFormat,
    /// Name pictures, do not draw them
    #[arg(long)]
    no_images: bool,
    /// The system prompt, too
    #[arg(long)]
    system_prompt: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum ShowFormat {
    /// For people
    #[default]
    Text,
    /// One object
    Json,
    /// The record as its source has it
    Raw,
}

/// What is shown.
struct Shown<'a> {
    corpus: &'a Corpus,
    annotator: &'a str,
    subject: &'a Subject,
    /// The record with the content that is shown.
    record: &'a Record,
    current: &'a Current,
    flags: &'a [Flag],
    steps: Option<RangeInclusive<usize>>,
    changes: &'a [SourceChange],
    is_original: bool,
}

impl<'a> Shown<'a> {
    /// The pair that is meant, or all of the record.
    fn pairs(&self) -> Vec<(&'a PreferencePair, &'a CurrentPair)> {
        let part = &self.subject.id().part;
        let pairs = self.current.content.pairs.iter().zip(&self.current.pairs);
        pairs
            .filter(|(pair, _)| part.is_none() || pair.part == *part)
            .collect()
    }
}

pub(super) fn run(args: &ShowArgs, session: Session, output: &mut Output) -> Ended {
    let workspace = session.workspace()?;
    let corpus = session.corpus(&workspace, false, output)?;
    let subject = Subject::named(&corpus, &args.id)?;
    show(args, &session.config, &workspace, &corpus, subject, output)
}

/// Shows a pair; anything else is refused.
pub(super) fn pair(args: &ShowArgs, session: Session, output: &mut Output) -> Ended {
    let workspace = session.workspace()?;
    let corpus = session.corpus(&workspace, false, output)?;
    let subject = Subject::named(&corpus, &args.id)?;
    if !subject.is_pair() {
        let id = subject.id();
        return Err(Report::failure(format!("{id} is no pair"))
            .hint(format!("`retake show {id}` shows it"))
            .hint(format!("`retake pair list id:{id}` lists its pairs")));
    }
    show(args, &session.config, &workspace, &corpus, subject, output)
}

fn show(
    args: &ShowArgs,
    config: &Config,
    workspace: &Workspace,
    corpus: &Corpus,
    subject: Subject,
    output: &mut Output,
) -> Ended {
    if args.format == ShowFormat::Raw {
        steps_of(args, &subject, &subject.record)?;
        output.json_text(&subject.record.raw)?;
        return Ok(None);
    }
    let original = args
        .original
        .then(|| Current::untouched(&subject.record.id, subject.record.content.clone()));
    let current = original.as_ref().unwrap_or(&subject.current);
    if subject.id().part.is_some() && current.pair(subject.id().part.as_deref()).is_none() {
        return Err(lost_pair(&subject, current));
    }
    let record = Record {
        content: current.content.clone(),
        ..subject.record.clone()
    };
    let steps = steps_of(args, &subject, &record)?;
    let flags = corpus
        .flags(&record)
        .map_err(|error| corpus_report(&error))?;
    let changes = match args.original {
        true => Vec::new(),
        false => source_change::changes(&subject, corpus, &workspace.record_texts(), config),
    };
    let shown = Shown {
        corpus,
        annotator: &config.review.annotator,
        subject: &subject,
        record: &record,
        current,
        flags: &flags,
        steps,
        changes: &changes,
        is_original: args.original,
    };
    if args.format == ShowFormat::Json {
        output.json(&json::of(&shown)?)?;
        return Ok(None);
    }
    let mut page = Page {
        roots: corpus.roots(&record.id),
        limits: DecodeLimits {
            max_bytes: config.pictures.max_file_mb.saturating_mul(1 << 20),
            max_pixels: config.pictures.max_megapixels.saturating_mul(1_000_000),
            ..DecodeLimits::default()
        },
        draw: !args.no_images && output.is_terminal(),
        system_prompt: args.system_prompt,
        output,
    };
    page.show(&shown)?;
    Ok(None)
}

/// Why a pair that a person made can't be shown.
fn lost_pair(subject: &Subject, current: &Current) -> Report {
    let id = subject.id().to_string();
    let lost = subject.current.lost_pairs.iter();
    let reason = lost
        .filter_map(|lost| lost.strip_prefix(&id)?.strip_prefix(": "))
        .next();
    match reason {
        Some(reason) => Report::failure(format!("{id} can't be shown: {reason}")),
        None => no_pair(subject.id(), current).into(),
    }
}

fn steps_of(
    args: &ShowArgs,
    subject: &Subject,
    record: &Record,
) -> Result<Option<RangeInclusive<usize>>, Report> {
    let Some(step) = args.step else {
        return Ok(None);
    };
    let trajectory = record.content.trajectory.as_ref();
    let count = trajectory.map_or(0, |t| t.steps.len());
    if (1..=count).contains(&step) {
        return Ok(Some(step..=step));
    }
    Err(
        Report::failure(format!("{} has no step {step}", subject.record.id)).hint(match count {
            0 => "it has no steps".to_owned(),
            _ => format!("steps: 1 to {count}"),
        }),
    )
}
