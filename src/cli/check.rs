use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::corpus_export::rule_words;
use crate::export::{ExportSummary, Failure, failure_counts, left_out_counts};
use crate::report::{Kind, Report};

use super::Ended;
use super::export_selection::{SelectionArgs, export_report, tell_left_out};
use super::output::{Output, Style};
use super::session::{EXPORTING, Session, with_progress};

/// Check which rows of an export a trainer would take, and write nothing
#[derive(Debug, Args)]
#[command(after_help = "The rules of each target: retake help preflight")]
pub struct CheckArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: CheckFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum CheckFormat {
    /// For people
    #[default]
    Text,
    /// One object
    Json,
}

pub(super) fn run(args: &CheckArgs, session: Session, output: &mut Output) -> Ended {
    let export = args.selection.export()?;
    let corpus = session.open(output)?;
    let summary = with_progress(output, EXPORTING, |progress| {
        export.check(&corpus, progress)
    });
    let summary = summary.map_err(export_report)?;
    match args.format {
        CheckFormat::Json => output.json(&json_of(export.target.name, &summary))?,
        CheckFormat::Text => text(&summary, output)?,
    }
    Ok((summary.failed > 0).then_some(Kind::Partial))
}

fn json_of(target: &str, summary: &ExportSummary) -> Value {
    let failure = |failure: &Failure| {
        json!({
            "id": failure.id.to_string(),
            "step": failure.step,
            "rule": failure.rule,
            "message": failure.message,
        })
    };
    let left_out = summary.left_out.iter().map(|item| {
        json!({"id": item.id.to_string(), "reason": item.reason.name(), "steps": item.steps})
    });
    json!({
        "target": target,
        "ready": summary.written,
        "failed": summary.failed,
        "failed_rules": failure_counts(summary),
        "left_out": left_out_counts(&summary.left_out),
        "left_out_items": left_out.collect::<Vec<_>>(),
        "others": summary.others,
        "failures": summary.failures.iter().map(failure).collect::<Vec<_>>(),
    })
}

fn text(summary: &ExportSummary, output: &mut Output) -> Result<(), Report> {
    for failure in &summary.failures {
        print_failure(failure, output)?;
    }
    for line in rule_words(summary) {
        output.note(line);
    }
    tell_left_out(summary, output);
    output.note(format!(
        "{} rows can be written, {} can't",
        summary.written, summary.failed
    ));
    Ok(())
}

fn print_failure(failure: &Failure, output: &mut Output) -> Result<(), Report> {
    output.styled(Style::Id, &failure.id)?;
    if let Some(step) = failure.step {
        output.styled(Style::Dim, format!(" step {step}"))?;
    }
    output.text("  ")?;
    output.styled(Style::Bad, failure.rule)?;
    output.text("  ")?;
    output.data_line(&failure.message, &[])?;
    output.line("")
}
