use clap::Args;

use crate::corpus::refresh;

use super::Ended;
use super::output::Output;
use super::session::{INDEXING, Session, corpus_report, partial, tell, with_progress};

/// Bring the index up to date
#[derive(Debug, Args)]
pub struct IndexArgs {
    /// Read everything again
    #[arg(long)]
    rebuild: bool,
}

pub(super) fn run(args: &IndexArgs, session: Session, output: &mut Output) -> Ended {
    let workspace = session.workspace()?;
    let started = std::time::Instant::now();
    let done = with_progress(output, INDEXING, |progress| {
        refresh(&workspace, &session.config, progress, args.rebuild, true)
    })
    .map_err(|error| corpus_report(&error))?;
    tell(&done, output);
    for (name, delta) in &done.sources {
        output.line(format!(
            "{name}: {} added, {} changed, {} removed",
            delta.added, delta.changed, delta.removed
        ))?;
    }
    for name in &done.removed {
        output.line(format!("{name}: forgotten"))?;
    }
    if done.sources.is_empty() && done.removed.is_empty() {
        output.line("up to date")?;
    }
    output.detail(format!("took {:.2} s", started.elapsed().as_secs_f64()));
    // What is to be told of a refresh was told above.
    let (corpus, _) = session.refreshed(&workspace, true, output)?;
    let source: u64 = corpus.state().sources.iter().map(|s| s.counts.bytes).sum();
    let index = corpus.index_size().map_err(|error| corpus_report(&error))?;
    if source > 0 {
        output.detail(format!(
            "the index takes {:.1} MB, {:.2} of the sources' {:.1} MB",
            index as f64 / 1e6,
            index as f64 / source as f64,
            source as f64 / 1e6
        ));
    }
    Ok(partial(&corpus, !done.closed.is_empty()))
}
