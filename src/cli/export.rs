use std::collections::BTreeMap;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::corpus::{Corpus, CorpusError};
use crate::domain::Record;
use crate::export::{ExportOptions, ExportSummary, TARGETS, export, target_named, write_to};
use crate::index::query::Query;
use crate::index::{DocumentKind, RecordKey};
use crate::report::{Kind, Report};
use crate::workspace::Workspace;

use super::Ended;
use super::output::Output;
use super::session::{EXPORTING, Session, corpus_report, parse_query, with_progress};

/// Write the hits of a query to a new file
#[derive(Debug, Args)]
#[command(after_help = targets_help())]
pub struct ExportArgs {
    /// The form of the file
    #[arg(value_name = "FORMAT")]
    target: String,
    /// What to write (`retake help query`); nothing writes everything
    query: Vec<String>,
    /// The new file or folder; `-` writes to standard output
    #[arg(short, long, value_name = "PATH")]
    output: PathBuf,
    /// Replace what is there
    #[arg(long)]
    overwrite: bool,
}

fn targets_help() -> String {
    let width = TARGETS
        .iter()
        .map(|target| target.name.len())
        .max()
        .unwrap_or(0);
    let lines: Vec<String> = TARGETS
        .iter()
        .map(|target| format!("  {:width$}  {}", target.name, target.title))
        .collect();
    format!("Formats:\n{}", lines.join("\n"))
}

/// Which pairs of a record are wanted; `None` where the whole record is.
type Wanted = Option<Vec<Option<String>>>;

pub(super) fn run(args: &ExportArgs, session: Session, output: &mut Output) -> Ended {
    let target = target_named(&args.target).ok_or_else(|| {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        Report::usage(format!("there is no export format `{}`", args.target))
            .hint(format!("formats: {}", names.join(", ")))
    })?;
    let query = parse_query(&args.query)?;
    let workspace = session.workspace()?;
    refuse_source(&workspace, &args.output)?;
    let corpus = session.corpus(&workspace, false, output)?;
    let records = records(&corpus, &query).map_err(|error| corpus_report(&error))?;
    let count = records.len();
    let summary = with_progress(output, EXPORTING, |progress| {
        progress.add_total(count as u64);
        let mut records = records
            .into_iter()
            .map(|(key, wanted)| record(&corpus, key, wanted));
        if args.output.as_os_str() == "-" {
            return write_to(
                target,
                &mut records,
                &mut BufWriter::new(std::io::stdout().lock()),
                progress,
            );
        }
        let options = ExportOptions {
            overwrite: args.overwrite,
            progress,
        };
        export(target, &mut records, &args.output, options)
    });
    let summary = summary.map_err(Report::from)?;
    tell(&summary, count, args, output);
    Ok((!summary.skipped.is_empty()).then_some(Kind::Partial))
}

/// What people bring is never written, not even with --overwrite.
fn refuse_source(workspace: &Workspace, to: &Path) -> Result<(), Report> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let place = to.canonicalize().or_else(|_| {
        Ok::<_, std::io::Error>(
            folder
                .canonicalize()?
                .join(to.file_name().unwrap_or_default()),
        )
    });
    // A folder that is not there is the writer's to report.
    let Ok(place) = place else { return Ok(()) };
    let source = workspace.sources().into_iter().find(|source| {
        let path = source
            .path
            .canonicalize()
            .unwrap_or_else(|_| source.path.clone());
        place == path || (path.is_dir() && place.starts_with(&path))
    });
    match source {
        Some(source) => Err(Report::failure(format!(
            "{} belongs to the source `{}`, and sources are never written to",
            to.display(),
            source.name
        ))
        .hint("name another file with -o")),
        None => Ok(()),
    }
}

/// The records of all hits in the order of their sources. A step stands for its trajectory; a pair for itself alone.
fn records(corpus: &Corpus, query: &Query) -> Result<BTreeMap<RecordKey, Wanted>, CorpusError> {
    let mut records: BTreeMap<RecordKey, Wanted> = BTreeMap::new();
    for row in corpus.rows(query, &[])? {
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

fn record(corpus: &Corpus, key: RecordKey, wanted: Wanted) -> Result<Record, CorpusError> {
    let mut record = corpus.record(key)?;
    if let Some(parts) = wanted {
        record
            .content
            .pairs
            .retain(|pair| parts.contains(&pair.part));
        record.content.trajectory = None;
    }
    Ok(record)
}

const SHOWN: usize = 10;

fn tell(summary: &ExportSummary, records: usize, args: &ExportArgs, output: &Output) {
    for (id, reason) in summary.skipped.iter().take(SHOWN) {
        output.note(format!("left out: {id}: {reason}"));
    }
    if summary.skipped.len() > SHOWN {
        output.note(format!("left out: {} more", summary.skipped.len() - SHOWN));
    }
    summary.notes.iter().for_each(|note| output.note(note));
    output.note(format!(
        "{} rows of {records} records written to {}",
        summary.written,
        args.output.display()
    ));
}
