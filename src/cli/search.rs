use clap::{Args, ValueEnum};

use crate::corpus::{Corpus, Hit};
use crate::domain::ReviewState;
use crate::index::query::{FieldKind, Query, ResultKind, field_named};
use crate::index::{Match, Sort};
use crate::report::Report;

use super::Ended;
use super::output::{Output, Style};
use super::session::{Session, corpus_report, parse_query};

/// Find trajectories, steps and pairs
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// What to look for (`retake help query`); nothing finds everything
    query: Vec<String>,
    /// How many hits to print (0: all)
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// The order: score, source, or a number field such as steps (-steps: greatest first)
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    sort: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: SearchFormat,
    /// Draw a sample of N hits that stays the same
    #[arg(long, value_name = "N", conflicts_with_all = ["limit", "sort"])]
    sample: Option<usize>,
    /// Draw from every value of this field in proportion (verdict, tool, flag …)
    #[arg(long, value_name = "FIELD", requires = "sample")]
    by: Option<String>,
    /// Another seed draws another sample
    #[arg(long, value_name = "S", default_value_t = 0, requires = "sample")]
    seed: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum SearchFormat {
    /// For people
    #[default]
    Text,
    /// One object: {"total": N, "hits": […]}
    Json,
    /// A hit a line
    Jsonl,
    /// Distinct ids, one a line
    Ids,
}

pub(super) fn run(args: &SearchArgs, session: Session, output: &mut Output) -> Ended {
    let query = parse_query(&args.query)?;
    let sort = match args.sort.as_deref() {
        Some(name) => Sort::named(name).ok_or_else(|| {
            Report::usage(format!("hits can't be sorted by `{name}`"))
                .hint(format!("keys: {}", Sort::names().join(", ")))
        })?,
        // Without words there is no score to sort by.
        None if args.query.is_empty() => Sort::Source,
        None => Sort::Score,
    };
    let corpus = session.open(output)?;
    if let Some(size) = args.sample {
        return sample(args, size, &query, &corpus, output);
    }
    let limit = match args.limit {
        Some(0) => usize::MAX >> 16,
        Some(limit) => limit,
        None => session.config.search.limit,
    };
    if args.format == SearchFormat::Ids {
        let ids = corpus
            .ids_of(&query, sort, limit)
            .map_err(|error| corpus_report(&error))?;
        print_ids(ids.iter().map(ToString::to_string), output)?;
        tell_unmatched(&corpus, output);
        return Ok(None);
    }
    let hits = corpus
        .search(&query, sort, 0, limit)
        .map_err(|error| corpus_report(&error))?;
    print_hits(args.format, hits.total, &hits.first, &query, output)?;
    tell_unmatched(&corpus, output);
    Ok(None)
}

fn sample(
    args: &SearchArgs,
    size: usize,
    query: &Query,
    corpus: &Corpus,
    output: &mut Output,
) -> Ended {
    if let Some(by) = &args.by {
        let known = field_named(by).filter(|field| field.kind == FieldKind::Keyword);
        if known.is_none() || matches!(by.as_str(), "id" | "hash") {
            return Err(
                Report::usage(format!("a sample can't be drawn by `{by}`")).hint(
                    "use a field of values: verdict, tool, flag, source, format, review, outcome …",
                ),
            );
        }
    }
    let sample = corpus
        .sample(query, args.by.as_deref(), size, args.seed)
        .map_err(|error| corpus_report(&error))?;
    let total = sample.strata.values().map(|(count, _)| count).sum();
    let drawn: Vec<Match> = sample
        .strata
        .values()
        .flat_map(|(_, drawn)| drawn.iter().cloned())
        .collect();
    let hits = corpus
        .hits(query, total, drawn)
        .map_err(|error| corpus_report(&error))?;
    if args.by.is_some() && args.format == SearchFormat::Text {
        for (value, (count, drawn)) in &sample.strata {
            let value = if value.is_empty() { "(none)" } else { value };
            output.note(format!("{value}: {} of {count}", drawn.len()));
        }
    }
    print_hits(args.format, hits.total, &hits.first, query, output)?;
    Ok(None)
}

/// Records that could not be looked into are no matches, but somebody must know.
fn tell_unmatched(corpus: &Corpus, output: &Output) {
    let (count, reason) = corpus.unmatched();
    if count > 0 {
        output.note(format!(
            "warning: {count} records could not be looked into: {reason}"
        ));
    }
}

/// Each id once: several steps are in one trajectory.
fn print_ids(ids: impl Iterator<Item = String>, output: &mut Output) -> Result<(), Report> {
    let mut seen = std::collections::HashSet::new();
    ids.filter(|id| seen.insert(id.clone()))
        .try_for_each(|id| output.line(id))
}

fn print_hits(
    format: SearchFormat,
    total: usize,
    hits: &[Hit],
    query: &Query,
    output: &mut Output,
) -> Result<(), Report> {
    match format {
        SearchFormat::Json => {
            let hits: Vec<_> = hits.iter().map(Hit::json).collect();
            output.json(&serde_json::json!({ "total": total, "hits": hits }))
        }
        SearchFormat::Jsonl => hits.iter().try_for_each(|hit| output.json(&hit.json())),
        SearchFormat::Ids => print_ids(hits.iter().map(|hit| hit.id.to_string()), output),
        SearchFormat::Text => {
            for hit in hits {
                output.styled(Style::Id, &hit.id)?;
                if let Some(step) = hit.step {
                    output.styled(Style::Dim, format!(" step {step}"))?;
                }
                if hit.review != ReviewState::Unreviewed {
                    output.styled(Style::Dim, format!("  {}", hit.review.name()))?;
                }
                if let Some(snippet) = &hit.snippet {
                    output.styled(Style::Dim, format!("  {}: ", hit.field))?;
                    output.data_line(&snippet.text, &snippet.ranges)?;
                }
                output.line("")?;
            }
            let what = match query.result_kind {
                ResultKind::Record => "record",
                kind => kind.name(),
            };
            let what = match (what, total) {
                (one, 1) => one.to_owned(),
                ("trajectory", _) => "trajectories".to_owned(),
                (many, _) => format!("{many}s"),
            };
            let shown = if hits.len() < total {
                format!(", {} shown", hits.len())
            } else {
                String::new()
            };
            output.note(format!("{total} {what}{shown}"));
            Ok(())
        }
    }
}
