use clap::{Args, ValueEnum};

use crate::index::NUMBER_FIELDS;
use crate::index::query::{Query, ResultKind};

use super::Ended;
use super::output::{Output, Style};
use super::session::{Session, corpus_report, parse_query};

/// Sizes, steps, tools, verdicts and errors of the hits of a query
#[derive(Debug, Args)]
pub struct StatsArgs {
    /// What to describe (`retake help query`); nothing describes everything
    query: Vec<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: StatsFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum StatsFormat {
    /// For people
    #[default]
    Text,
    /// One object
    Json,
}

const FACETS: [&str; 8] = [
    "format", "verdict", "outcome", "review", "tool", "type", "flag", "has",
];

pub(super) fn run(args: &StatsArgs, session: Session, output: &mut Output) -> Ended {
    let query = parse_query(&args.query)?;
    let corpus = session.open(output)?;
    let of_kind = |result_kind: ResultKind| {
        let query = Query {
            result_kind,
            ..query.clone()
        };
        corpus
            .summarize(&query, &FACETS, &NUMBER_FIELDS)
            .map_err(|error| corpus_report(&error))
    };
    let trajectories = of_kind(ResultKind::Trajectory)?;
    let steps = of_kind(ResultKind::Step)?;
    let pairs = of_kind(ResultKind::Pair)?;
    let all = of_kind(query.result_kind)?;
    let number = |name: &str| {
        let at = NUMBER_FIELDS.iter().position(|field| *field == name);
        at.and_then(|at| trajectories.numbers.get(at))
            .cloned()
            .unwrap_or_default()
    };
    let step_counts = number("steps");
    if args.format == StatsFormat::Json {
        let facets: serde_json::Map<String, serde_json::Value> = FACETS
            .iter()
            .zip(&all.facets)
            .map(|(field, counts)| ((*field).to_owned(), serde_json::json!(counts)))
            .collect();
        let text = number("bytes");
        output.json(&serde_json::json!({
            "trajectories": trajectories.total,
            "steps": steps.total,
            "pairs": pairs.total,
            "steps_per_trajectory": {
                "mean": mean(step_counts.sum, step_counts.count),
                "minimum": step_counts.minimum,
                "maximum": step_counts.maximum,
                "histogram": step_counts.histogram,
            },
            "text_bytes": { "sum": text.sum, "mean": mean(text.sum, text.count), "maximum": text.maximum },
            "facets": facets,
        }))?;
        return Ok(None);
    }
    output.line(format!(
        "{} trajectories, {} steps, {} pairs",
        trajectories.total, steps.total, pairs.total
    ))?;
    if let Some(mean) = mean(step_counts.sum, step_counts.count) {
        output.line(format!(
            "{mean:.2} steps a trajectory, from {} to {}",
            step_counts.minimum.unwrap_or(0),
            step_counts.maximum.unwrap_or(0)
        ))?;
        bars(
            "steps",
            step_counts
                .histogram
                .iter()
                .map(|(n, count)| (n.to_string(), *count))
                .collect(),
            output,
        )?;
    }
    for (field, counts) in FACETS.iter().zip(&all.facets) {
        let mut counts: Vec<(String, u64)> = counts
            .iter()
            .map(|(value, count)| (value.clone(), *count))
            .collect();
        counts.sort_by_key(|(value, count)| (std::cmp::Reverse(*count), value.clone()));
        bars(field, counts, output)?;
    }
    Ok(None)
}

/// A mean only exists where something was counted.
fn mean(sum: u64, count: u64) -> Option<f64> {
    (count > 0).then(|| sum as f64 / count as f64)
}

const BAR: u64 = 40;

fn bars(
    title: &str,
    counts: Vec<(String, u64)>,
    output: &mut Output,
) -> Result<(), crate::report::Report> {
    let Some(most) = counts
        .iter()
        .map(|(_, count)| *count)
        .max()
        .filter(|most| *most > 0)
    else {
        return Ok(());
    };
    output.line("")?;
    output.styled(Style::Bold, title)?;
    output.line("")?;
    let shown: Vec<_> = counts.iter().take(12).collect();
    let width = shown
        .iter()
        .map(|(value, _)| value.chars().count())
        .max()
        .unwrap_or(0)
        .min(24);
    for (value, count) in &shown {
        let name: String = value.chars().take(width).collect();
        output.text("  ")?;
        output.data_line(&name, &[])?;
        output.text(" ".repeat(width - name.chars().count()))?;
        let length = (count * BAR).div_ceil(most) as usize;
        output.text(format!("  {:<40}", "█".repeat(length)))?;
        output.line(format!(" {count}"))?;
    }
    if counts.len() > shown.len() {
        output.line(format!(
            "  {} more: retake facets",
            counts.len() - shown.len()
        ))?;
    }
    Ok(())
}
