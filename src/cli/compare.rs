use clap::{Args, ValueEnum};

use crate::corpus::CorpusError;

use super::Ended;
use super::output::{Output, Style};
use super::session::{Session, corpus_report};

/// List the benchmark tasks whose outcome differs between two runs
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// A run, as `retake facets --field run` lists them
    first: String,
    /// Another run
    second: String,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: CompareFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum CompareFormat {
    /// For people
    #[default]
    Text,
    /// One object
    Json,
}

pub(super) fn run(args: &CompareArgs, session: Session, output: &mut Output) -> Ended {
    let corpus = session.open(output)?;
    let comparison = corpus.compare(&args.first, &args.second).map_err(|error| {
        let report = corpus_report(&error);
        match (error, corpus.runs()) {
            (CorpusError::NoRun(_), Ok(runs)) if !runs.is_empty() => {
                report.hint(format!("runs: {}", runs.join(", ")))
            }
            (CorpusError::NoRun(_), _) => {
                report.hint("no source holds runs: add predictions or saved evaluation folders")
            }
            _ => report,
        }
    })?;
    if args.format == CompareFormat::Json {
        output.json(&comparison)?;
        return Ok(None);
    }
    output.line(format!(
        "{} common tasks, {} only in {}, {} only in {}",
        comparison.common, comparison.only_first, args.first, comparison.only_second, args.second
    ))?;
    output.line(format!(
        "passed: {} and {}; changed: {}",
        comparison.passed.0,
        comparison.passed.1,
        comparison.changed.len()
    ))?;
    for task in &comparison.changed {
        let style = match task.second.as_str() {
            "pass" => Style::Good,
            "fail" => Style::Bad,
            _ => Style::Dim,
        };
        output.text(format!(
            "{} {}  {} → ",
            task.benchmark, task.task, task.first
        ))?;
        output.styled(style, &task.second)?;
        output.line(format!("  {}  {}", task.first_id, task.second_id))?;
    }
    Ok(None)
}
