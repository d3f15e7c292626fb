use std::io::BufWriter;
use std::path::PathBuf;

use clap::Args;

use crate::corpus_export::{CorpusExport, failure_words, refuse_source};
use crate::export::{ExportSummary, Media, TARGETS};
use crate::report::Kind;

use super::Ended;
use super::export_selection::{SelectionArgs, export_report, split, tell_left_out};
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
    let export = CorpusExport {
        split: split(args.split.as_deref(), args.seed)?,
        overwrite: args.overwrite,
        ..args.selection.export()?
    };
    let workspace = session.workspace()?;
    let to = &args.output;
    refuse_source(&workspace, to).map_err(export_report)?;
    let corpus = session.corpus(&workspace, false, output)?;
    let summary = with_progress(output, EXPORTING, |progress| {
        if to.as_os_str() == "-" {
            let mut out = BufWriter::new(std::io::stdout().lock());
            return export.write_to(&corpus, &mut out, progress);
        }
        export.write(&corpus, to, progress)
    });
    let summary = summary.map_err(export_report)?;
    tell(&summary, args, output);
    if let Some(split) = &export.split {
        let parts = split.names().zip(&summary.written_by_split);
        let parts: Vec<String> = parts
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        output.note(parts.join(", "));
    }
    if export.media == Media::Path {
        output.detail("pictures stay where they are: --media copy makes the export portable");
    }
    Ok((summary.failed > 0).then_some(Kind::Partial))
}

const SHOWN: usize = 10;

fn tell(summary: &ExportSummary, args: &ExportArgs, output: &Output) {
    for failure in failure_words(summary).take(SHOWN) {
        output.note(format!("not written: {failure}"));
    }
    if summary.failures.len() > SHOWN {
        output.note(format!(
            "not written: {} more; `retake check {}` lists them",
            summary.failures.len() - SHOWN,
            args.selection.target,
        ));
    }
    tell_left_out(summary, output);
    summary.notes.iter().for_each(|note| output.note(note));
    output.note(format!(
        "{} rows written to {}",
        summary.written,
        args.output.display()
    ));
}
