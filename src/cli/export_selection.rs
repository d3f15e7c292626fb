//! What `check` and `export` have in common: a target, what of the corpus it is to hold, and how.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::corpus::Selection;
use crate::corpus_export::{CorpusExport, CorpusExportError, left_out_words, others_words};
use crate::export::{
    ExportSummary, Media, NOT_WRITABLE, PreflightRule, Split, TARGETS, Target, TokenLimit,
    Withheld, target_named,
};
use crate::report::Report;

use super::output::Output;
use super::session::{corpus_report, parse_query};

/// Options of `check` and `export`.
#[derive(Debug, Args)]
pub struct SelectionArgs {
    /// The form of the rows
    #[arg(value_name = "TARGET")]
    pub target: String,
    /// What to take (`retake help query`); nothing takes everything
    pub query: Vec<String>,
    /// Take what is left out unless asked for; can be given several times
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STATE")]
    pub include: Vec<IncludedState>,
    /// Write rows that fail this rule; can be given several times
    #[arg(long, value_delimiter = ',', value_name = "RULE")]
    pub allow: Vec<String>,
    /// Where rows find their pictures
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub media: MediaChoice,
    /// A model's folder: count the tokens of each row with its tokenizer, chat template and picture processor
    #[arg(long, value_name = "DIR")]
    pub tokenizer: Option<PathBuf>,
    /// Rows of more tokens fail the rule too-long; unless given, the trainer's own limit
    #[arg(long, value_name = "N", requires = "tokenizer", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_tokens: Option<u64>,
}

/// `--include`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IncludedState {
    /// People rejected it
    Rejected,
    /// Annotators disagree
    Disputed,
    /// A pair whose sides are equally good
    Tie,
    /// A step before it was edited and it was not run again or confirmed
    Stale,
    /// Its source record changed since it was reviewed
    SourceChanged,
}

impl From<IncludedState> for Withheld {
    fn from(state: IncludedState) -> Self {
        match state {
            IncludedState::Rejected => Self::Rejected,
            IncludedState::Disputed => Self::Disputed,
            IncludedState::Tie => Self::Tie,
            IncludedState::Stale => Self::Stale,
            IncludedState::SourceChanged => Self::SourceChanged,
        }
    }
}

/// `--media`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum MediaChoice {
    /// Where they are
    #[default]
    Path,
    /// In copies beside the rows, named by relative paths
    Copy,
    /// In the rows
    Embed,
}

impl From<MediaChoice> for Media {
    fn from(choice: MediaChoice) -> Self {
        match choice {
            MediaChoice::Path => Self::Path,
            MediaChoice::Copy => Self::Copy,
            MediaChoice::Embed => Self::Embed,
        }
    }
}

impl SelectionArgs {
    /// Understands the options, or says what is wrong with them.
    pub fn export(&self) -> Result<CorpusExport, Report> {
        let target = target_named(&self.target).ok_or_else(|| {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            Report::usage(format!("there is no export target `{}`", self.target))
                .hint(format!("targets: {}", names.join(", ")))
        })?;
        let allow = self.allow.iter().map(|name| rule_named(target, name));
        Ok(CorpusExport {
            target,
            selection: Selection::Query(Box::new(parse_query(&self.query)?)),
            query: self.query.join(" "),
            include: self.include.iter().map(|state| (*state).into()).collect(),
            allow: allow.collect::<Result<_, _>>()?,
            media: self.media.into(),
            tokens: self.token_limit(target)?,
            split: None,
            overwrite: false,
        })
    }

    fn token_limit(&self, target: &'static Target) -> Result<Option<TokenLimit>, Report> {
        let Some(folder) = &self.tokenizer else {
            return Ok(None);
        };
        if !target.rules.iter().any(|rule| rule.name == TOO_LONG) {
            return Err(Report::usage(format!(
                "`{}` is for no trainer, so its rows have no length",
                target.name
            ))
            .hint("leave --tokenizer out"));
        }
        let given = self.max_tokens.and_then(|max| usize::try_from(max).ok());
        let max_tokens = given.or(target.max_tokens).ok_or_else(|| {
            Report::usage(format!("`{}` has no limit of its own", target.name))
                .hint("set one: --max-tokens N")
        })?;
        let limit = TokenLimit::open(folder, max_tokens);
        limit.map(Some).map_err(|error| Report::from_error(&error))
    }
}

/// The rule that rows fail which take more tokens than they may.
const TOO_LONG: &str = "too-long";

fn rule_named(target: &'static Target, name: &str) -> Result<&'static PreflightRule, Report> {
    if let Some(rule) = target.rules.iter().copied().find(|rule| rule.name == name) {
        return Ok(rule);
    }
    if name == NOT_WRITABLE {
        return Err(Report::usage(format!(
            "`{NOT_WRITABLE}` can't be allowed: there is no row to write"
        )));
    }
    let names: Vec<&str> = target.rules.iter().map(|rule| rule.name).collect();
    let report = Report::usage(format!("`{}` has no rule `{name}`", target.name));
    Err(match names.is_empty() {
        true => report.hint("it has no rules"),
        false => report.hint(format!("rules: {}", names.join(", "))),
    })
}

/// `--split` and `--seed`
pub fn split(text: Option<&str>, seed: u64) -> Result<Option<Split>, Report> {
    let split = text.map(|text| Split::parse(text, seed)).transpose();
    split.map_err(|error| Report::usage(error.to_string()))
}

/// What became of an export that failed, with what to do.
pub fn export_report(error: CorpusExportError) -> Report {
    match error {
        CorpusExportError::Corpus(error) => corpus_report(&error),
        CorpusExportError::Export(error) => Report::from(error),
        error @ CorpusExportError::IsSource { .. } => {
            Report::from_error(&error).hint("name another file with -o")
        }
    }
}

/// What was left out, and what holds nothing of the target's kind.
pub fn tell_left_out(summary: &ExportSummary, output: &Output) {
    left_out_words(summary)
        .iter()
        .for_each(|line| output.note(line));
    others_words(summary)
        .iter()
        .for_each(|line| output.note(line));
}
