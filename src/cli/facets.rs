use clap::{Args, ValueEnum};

use crate::index::query::{FIELDS, FieldKind};
use crate::report::Report;

use super::Ended;
use super::output::{Output, Style};
use super::session::{Session, corpus_report, parse_query};

/// Count the values of all fields among the hits of a query
#[derive(Debug, Args)]
pub struct FacetsArgs {
    /// What to count (`retake help query`); nothing counts everything
    query: Vec<String>,
    /// Only this field; can be given several times
    #[arg(long, value_name = "FIELD")]
    field: Vec<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: FacetsFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum FacetsFormat {
    /// For people
    #[default]
    Text,
    /// One object: {"total": N, "facets": {field: {value: count}}}
    Json,
}

/// The fields whose values are counted.
pub fn facet_fields() -> Vec<&'static str> {
    FIELDS
        .iter()
        .filter(|field| match field.kind {
            FieldKind::Keyword => !matches!(field.name, "id" | "hash"),
            FieldKind::Has | FieldKind::Is => true,
            FieldKind::Text | FieldKind::Number | FieldKind::In => false,
        })
        .map(|field| field.name)
        .collect()
}

pub(super) fn run(args: &FacetsArgs, session: Session, output: &mut Output) -> Ended {
    let query = parse_query(&args.query)?;
    let all = facet_fields();
    let fields: Vec<&str> = if args.field.is_empty() {
        all
    } else {
        for field in &args.field {
            if !all.contains(&field.as_str()) {
                return Err(Report::usage(format!("`{field}` has no values to count"))
                    .hint(format!("fields: {}", all.join(", "))));
            }
        }
        args.field.iter().map(String::as_str).collect()
    };
    let corpus = session.open(output)?;
    let summary = corpus
        .summarize(&query, &fields, &[])
        .map_err(|error| corpus_report(&error))?;
    if args.format == FacetsFormat::Json {
        let facets: serde_json::Map<String, serde_json::Value> = fields
            .iter()
            .zip(&summary.facets)
            .map(|(field, counts)| ((*field).to_owned(), serde_json::json!(counts)))
            .collect();
        output.json(&serde_json::json!({ "total": summary.total, "facets": facets }))?;
        return Ok(None);
    }
    for (field, counts) in fields.iter().zip(&summary.facets) {
        if counts.is_empty() {
            continue;
        }
        output.styled(Style::Bold, field)?;
        output.line("")?;
        let mut counts: Vec<_> = counts.iter().collect();
        counts.sort_by_key(|(value, count)| (std::cmp::Reverse(**count), (*value).clone()));
        for (value, count) in counts {
            output.text(format!("{count:>9}  "))?;
            output.data_line(value, &[])?;
            output.line("")?;
        }
    }
    Ok(None)
}
