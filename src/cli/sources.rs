use clap::{Args, ValueEnum};

use crate::corpus::{SourceState, Warning};
use crate::report::Report;
use crate::workspace::Source;

use super::Ended;
use super::output::{Output, Style};
use super::session::{Session, partial, tell};

/// List sources, what they hold, and what of them could not be read
#[derive(Debug, Args)]
pub struct SourcesArgs {
    /// List every warning, not only the first of each source
    #[arg(long)]
    warnings: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: SourcesFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum SourcesFormat {
    #[default]
    Text,
    Json,
}

const SHOWN: usize = 5;

/// Of a source that another process has not come to yet.
const NOT_NOW: &str = "can't be read now";

pub(super) fn run(args: &SourcesArgs, session: Session, output: &mut Output) -> Ended {
    let workspace = session.workspace()?;
    let (corpus, refresh) = session.refreshed(&workspace, false, output)?;
    tell(&refresh, output);
    let declared = workspace.sources();
    let why_closed = |name: &str| {
        let source = declared.iter().find(|source| source.name == name);
        let gone = refresh.closed.iter().find(|(closed, _)| closed == name);
        source
            .and_then(|source| source.closed.as_deref())
            .or(gone.map(|(_, reason)| reason.as_str()))
    };
    let is_closed = |source: &Source| why_closed(&source.name).is_some();
    let ended = partial(&corpus, declared.iter().any(is_closed));
    // Of a source that was read before, what was known stays.
    let unknown = declared
        .iter()
        .filter(|source| corpus.state().source(&source.name).is_none());
    if args.format == SourcesFormat::Json {
        let sources: Vec<serde_json::Value> = corpus
            .state()
            .sources
            .iter()
            .map(|source| {
                serde_json::json!({
                    "name": source.name,
                    "path": source.path,
                    "formats": formats(source),
                    "images": source.images,
                    "files": source.files.len(),
                    "bytes": source.counts.bytes,
                    "records": source.counts.records,
                    "trajectories": source.counts.trajectories,
                    "steps": source.counts.steps,
                    "pairs": source.counts.pairs,
                    "unread": source.counts.unread,
                    "warning_count": source.counts.warnings,
                    "warnings": source.warnings,
                    "closed": why_closed(&source.name),
                })
            })
            .chain(unknown.map(|source| {
                serde_json::json!({
                    "name": source.name,
                    "path": source.path,
                    "closed": why_closed(&source.name).unwrap_or(NOT_NOW),
                })
            }))
            .collect();
        output.json(&sources)?;
        return Ok(ended);
    }
    for source in &corpus.state().sources {
        source_line(source, output)?;
        if let Some(reason) = why_closed(&source.name) {
            output.text("  ")?;
            output.styled(Style::Bad, "closed")?;
            output.text(" ")?;
            output.data_line(reason, &[])?;
            output.line("")?;
        }
        let shown = if args.warnings { usize::MAX } else { SHOWN };
        for warning in source.warnings.iter().take(shown) {
            output.text("  ")?;
            output.styled(Style::Bad, "warning")?;
            output.text(" ")?;
            output.data_line(&warning_text(warning), &[])?;
            output.line("")?;
        }
        let rest = source.counts.warnings as usize
            - source
                .warnings
                .len()
                .min(shown)
                .min(source.counts.warnings as usize);
        if rest > 0 {
            let how = if args.warnings {
                "not kept"
            } else {
                "retake sources --warnings"
            };
            output.line(format!("  {rest} more: {how}"))?;
        }
    }
    for source in unknown {
        output.styled(Style::Bold, &source.name)?;
        output.text("  ")?;
        output.data_line(why_closed(&source.name).unwrap_or(NOT_NOW), &[])?;
        output.line("")?;
    }
    Ok(ended)
}

fn formats(source: &SourceState) -> Vec<&str> {
    let mut formats: Vec<&str> = source
        .files
        .iter()
        .map(|file| file.format.as_str())
        .filter(|format| !format.is_empty())
        .collect();
    formats.sort_unstable();
    formats.dedup();
    formats
}

/// One source in one line.
pub fn source_line(source: &SourceState, output: &mut Output) -> Result<(), Report> {
    output.styled(Style::Bold, &source.name)?;
    let counts = &source.counts;
    let parts: Vec<String> = [
        (counts.trajectories, "trajectories"),
        (counts.steps, "steps"),
        (counts.pairs, "pairs"),
        (counts.unread, "unread"),
        (counts.warnings, "warnings"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    output.text(format!(
        "  {}  {}  {:.1} MB  ",
        formats(source).join("+"),
        parts.join(", "),
        counts.bytes as f64 / 1e6
    ))?;
    output.data_line(&source.path.to_string_lossy(), &[])?;
    output.line("")
}

/// A warning in one line: file, record, offset, reason.
pub fn warning_text(warning: &Warning) -> String {
    let mut place = warning.file.clone();
    if let Some(record) = warning.problem.record {
        place.push_str(&format!(" record {record}"));
    }
    if let Some(offset) = warning.problem.offset {
        place.push_str(&format!(" at byte {offset}"));
    }
    if place.is_empty() {
        warning.problem.reason.clone()
    } else {
        format!("{place}: {}", warning.problem.reason)
    }
}
