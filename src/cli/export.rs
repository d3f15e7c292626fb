use std::io::BufWriter;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::export::{ExportOptions, ExportSummary, Media, TARGETS, export, write_to};
use crate::report::{Kind, Report};
use crate::workspace::Workspace;

use super::Ended;
use super::check::tell_others;
use super::export_selection::{SelectionArgs, origin, outgoing, records, split, tell_left_out};
use super::output::Output;
use super::session::{EXPORTING, Session, with_progress};

/// Write the hits of a query to a new file, in a form that a trainer takes
#[derive(Debug, Args)]
#[command(after_help = targets_help())]
pub struct ExportArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// The new file or folder; `-` writes to standard output
    #[arg(short, long, value_name = "PATH")]
    output: PathBuf,
    /// Replace what is there
    #[arg(long)]
    overwrite: bool,
    /// Files for parts of the tasks, such as train=0.9,val=0.1; PATH is a folder then
    #[arg(long, value_name = "NAME=SHARE,…")]
    split: Option<String>,
    /// What the draw of the splits depends on
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
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
    format!("Targets:\n{}", lines.join("\n"))
}

pub(super) fn run(args: &ExportArgs, session: Session, output: &mut Output) -> Ended {
    let selection = args.selection.selection()?;
    let split = split(args.split.as_deref(), args.seed)?;
    let workspace = session.workspace()?;
    refuse_source(&workspace, &args.output)?;
    let corpus = session.corpus(&workspace, false, output)?;
    let records = records(&corpus, &selection.query)?;
    let count = records.len();
    let origin = origin(&corpus, &selection.query_text);
    let summary = with_progress(output, EXPORTING, |progress| {
        progress.add_total(count as u64);
        let records = records.into_iter();
        let mut records = records.map(|(key, wanted)| outgoing(&corpus, key, wanted));
        let options = ExportOptions {
            overwrite: args.overwrite,
            include: &selection.include,
            allow: &selection.allow,
            media: selection.media,
            tokens: selection.tokens.as_ref(),
            split: split.as_ref(),
            origin: Some(&origin),
            progress,
        };
        if args.output.as_os_str() == "-" {
            let mut out = BufWriter::new(std::io::stdout().lock());
            return write_to(selection.target, &mut records, &mut out, options);
        }
        export(selection.target, &mut records, &args.output, options)
    });
    let summary = summary.map_err(Report::from)?;
    tell(&summary, args, output);
    if let Some(split) = &split {
        let parts = split.names().zip(&summary.written_by_split);
        let parts: Vec<String> = parts
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        output.note(parts.join(", "));
    }
    if selection.media == Media::Path {
        output.detail("pictures stay where they are: --media copy makes the export portable");
    }
    Ok((summary.failed > 0).then_some(Kind::Partial))
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

const SHOWN: usize = 10;

fn tell(summary: &ExportSummary, args: &ExportArgs, output: &Output) {
    for failure in summary.failures.iter().take(SHOWN) {
        let step = failure.step.map(|step| format!(" step {step}"));
        output.note(format!(
            "not written: {}{}: {}: {}",
            failure.id,
            step.unwrap_or_default(),
            failure.rule,
            failure.message
        ));
    }
    if summary.failures.len() > SHOWN {
        output.note(format!(
            "not written: {} more; `retake check {}` lists them",
            summary.failures.len() - SHOWN,
            args.selection.target,
        ));
    }
    tell_left_out(&summary.left_out, output);
    tell_others(summary, output);
    summary.notes.iter().for_each(|note| output.note(note));
    output.note(format!(
        "{} rows written to {}",
        summary.written,
        args.output.display()
    ));
}
