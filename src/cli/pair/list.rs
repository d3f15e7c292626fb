use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::cli::Ended;
use crate::cli::output::{Output, Style};
use crate::cli::session::{Session, corpus_report, parse_query};
use crate::corpus::Hit;
use crate::corpus::decision::Subject;
use crate::domain::review::CreatedPair;
use crate::domain::review::words::mentioned;
use crate::index::Sort;
use crate::index::query::ResultKind;
use crate::report::Report;

/// List preference pairs, those that people made, too
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Which (`retake help query`); nothing lists all
    query: Vec<String>,
    /// How many to print (0: all)
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: ListFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum ListFormat {
    /// For people
    #[default]
    Text,
    /// One object: {"total": N, "pairs": […]}
    Json,
}

pub fn run(args: &ListArgs, session: &Session, output: &mut Output) -> Ended {
    let mut query = parse_query(&args.query)?;
    query.result_kind = ResultKind::Pair;
    let corpus = session.open(output)?;
    let limit = match args.limit {
        Some(0) => usize::MAX >> 16,
        Some(limit) => limit,
        None => session.config.search.limit,
    };
    let hits = corpus
        .search(&query, Sort::Source, 0, limit)
        .map_err(|error| corpus_report(&error))?;
    let mut pairs = Vec::with_capacity(hits.first.len());
    for hit in &hits.first {
        // A pair whose source is out of reach is listed with what the index knows.
        let subject = Subject::named(&corpus, &hit.id.to_string()).ok();
        match args.format {
            ListFormat::Json => pairs.push(json_of(hit, subject.as_ref())),
            ListFormat::Text => print(hit, subject.as_ref(), output)?,
        }
    }
    match args.format {
        ListFormat::Json => output.json(&json!({ "total": hits.total, "pairs": pairs }))?,
        ListFormat::Text => {
            let shown = match hits.first.len() < hits.total {
                true => format!(", {} shown", hits.first.len()),
                false => String::new(),
            };
            let pairs = if hits.total == 1 { "pair" } else { "pairs" };
            output.note(format!("{} {pairs}{shown}", hits.total));
        }
    }
    Ok(None)
}

fn made_by(subject: &Subject) -> Option<&CreatedPair> {
    let part = subject.id().part.as_deref()?;
    let mut made = subject.current.review.pairs.iter();
    made.find(|pair| pair.id.to_string() == part)
}

fn json_of(hit: &Hit, subject: Option<&Subject>) -> Value {
    let pair = subject.and_then(Subject::pair);
    json!({
        "id": hit.id.to_string(),
        "step": pair.map(|pair| pair.step_number()),
        "review": hit.review.name(),
        "made_by": subject.and_then(made_by).map(|made| made.annotator.to_string()),
        "swapped": subject.map(|subject| subject.review().swapped),
        "reason": pair.and_then(|pair| pair.reason.as_deref()),
    })
}

fn print(hit: &Hit, subject: Option<&Subject>, output: &mut Output) -> Result<(), Report> {
    output.styled(Style::Id, &hit.id)?;
    let pair = subject.and_then(Subject::pair);
    let mut parts = Vec::new();
    if let Some(pair) = pair {
        parts.push(format!("step {}", pair.step_number()));
    }
    parts.push(hit.review.name().to_owned());
    if let Some(made) = subject.and_then(made_by) {
        parts.push(format!("made by {}", made.annotator));
    }
    if subject.is_some_and(|subject| subject.review().swapped) {
        parts.push("swapped".to_owned());
    }
    output.styled(Style::Dim, format!("  {}", parts.join(", ")))?;
    if let Some(reason) = pair.and_then(|pair| pair.reason.as_deref()) {
        output.text("  ")?;
        output.data_line(&mentioned(reason), &[])?;
    }
    output.line("")
}
