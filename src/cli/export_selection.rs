//! What `check` and `export` have in common: a target, what of the corpus it is to hold, and how.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::corpus::{Corpus, CorpusError};
use crate::export::{
    LeftOut, Media, NOT_WRITABLE, Origin, OriginSource, Outgoing, OutgoingPair, PreflightRule,
    Split, TARGETS, Target, TokenLimit, Withheld, left_out_counts, staleness_of_pair, target_named,
};
use crate::index::query::Query;
use crate::index::{DocumentKind, RecordKey};
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

/// Options that are understood.
pub struct Selection {
    /// What rows are written as.
    pub target: &'static Target,
    /// What is taken.
    pub query: Query,
    /// The query as it was typed.
    pub query_text: String,
    /// What is not left out.
    pub include: Vec<Withheld>,
    /// Rules that rows may fail.
    pub allow: Vec<&'static PreflightRule>,
    /// What becomes of pictures.
    pub media: Media,
    /// How many tokens rows may take.
    pub tokens: Option<TokenLimit>,
}

impl SelectionArgs {
    /// Understands the options, or says what is wrong with them.
    pub fn selection(&self) -> Result<Selection, Report> {
        let target = target_named(&self.target).ok_or_else(|| {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            Report::usage(format!("there is no export target `{}`", self.target))
                .hint(format!("targets: {}", names.join(", ")))
        })?;
        let allow = self.allow.iter().map(|name| rule_named(target, name));
        Ok(Selection {
            target,
            query: parse_query(&self.query)?,
            query_text: self.query.join(" "),
            include: self.include.iter().map(|state| (*state).into()).collect(),
            allow: allow.collect::<Result<_, _>>()?,
            media: self.media.into(),
            tokens: self.token_limit(target)?,
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

/// Which pairs of a record are wanted; `None` where the whole record is.
type Wanted = Option<Vec<Option<String>>>;

/// The records of all hits in the order of their sources. A step stands for its trajectory; a pair for itself alone.
pub fn records(corpus: &Corpus, query: &Query) -> Result<BTreeMap<RecordKey, Wanted>, Report> {
    let mut records: BTreeMap<RecordKey, Wanted> = BTreeMap::new();
    let rows = corpus
        .rows(query, &[])
        .map_err(|error| corpus_report(&error))?;
    for row in rows {
        let wanted = records
            .entry(row.found.record)
            .or_insert_with(|| Some(Vec::new()));
        match (row.found.kind, wanted) {
            (DocumentKind::Pair, Some(parts)) => parts.push(row.found.part),
            (DocumentKind::Pair, None) => {}
            (_, wanted) => *wanted = None,
        }
    }
    Ok(records)
}

/// A record as it is now, with what everybody decided about it.
pub fn outgoing(corpus: &Corpus, key: RecordKey, wanted: Wanted) -> Result<Outgoing, CorpusError> {
    let mut record = corpus.record(key)?;
    let current = corpus.current_for_all(&record);
    let created = &current.review.pairs;
    let pairs = current.content.pairs.iter().zip(current.pairs);
    let pairs = pairs.map(|(pair, about)| {
        let part = about.target.part.as_deref();
        let made = created
            .iter()
            .find(|made| part == Some(made.id.to_string().as_str()));
        OutgoingPair {
            stale: staleness_of_pair(pair, &about.review, made, &current.steps),
            state: about.state,
            review: about.review,
        }
    });
    let pairs = pairs.collect();
    record.content = current.content;
    let mut outgoing = Outgoing {
        roots: corpus.roots(&record.id),
        review: current.review,
        state: current.state,
        steps: current.steps,
        pairs,
        record,
    };
    if let Some(parts) = wanted {
        outgoing.keep_pairs(|pair| parts.contains(&pair.part));
    }
    Ok(outgoing)
}

/// What a manifest tells of where rows come from.
pub fn origin(corpus: &Corpus, query: &str) -> Origin {
    let sources = corpus.state().sources.iter().map(|source| OriginSource {
        name: source.name.clone(),
        files: source
            .files
            .iter()
            .map(|file| (file.relative.clone(), file.hash.clone()))
            .collect(),
    });
    Origin {
        query: query.to_owned(),
        sources: sources.collect(),
        journals: corpus.journals().heads(),
    }
}

/// What was left out, counted; the stale ones by name, since somebody has to look at them.
pub fn tell_left_out(left_out: &[LeftOut], output: &Output) {
    const SHOWN: usize = 5;
    for (reason, count) in left_out_counts(left_out) {
        output.note(format!("left out: {count} {reason} (--include {reason})"));
    }
    let stale: Vec<&LeftOut> = left_out
        .iter()
        .filter(|item| !item.steps.is_empty())
        .collect();
    for item in stale.iter().take(SHOWN) {
        let steps: Vec<String> = item.steps.iter().map(usize::to_string).collect();
        output.note(format!("stale: {} step {}", item.id, steps.join(", ")));
    }
    if stale.len() > SHOWN {
        output.note(format!("stale: {} more", stale.len() - SHOWN));
    }
    if !stale.is_empty() {
        output.note("hint: `retake review fresh ID --step N` says that a step still holds");
    }
}
