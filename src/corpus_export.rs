//! Of a corpus into a file: what of it goes out, in which form, and what is to be said of it afterwards.

use std::path::{Path, PathBuf};

use crate::corpus::{Corpus, CorpusError, Selection, WantedPairs};
use crate::export::{
    ExportError, ExportOptions, ExportSummary, Media, Origin, OriginSource, Outgoing, OutgoingPair,
    PreflightRule, Split, Target, TokenLimit, Withheld, check, export, failure_counts,
    left_out_counts, staleness_of_pair, write_to,
};
use crate::index::RecordKey;
use crate::jobs::Progress;
use crate::workspace::Workspace;

/// An export, before anything is written.
pub struct CorpusExport {
    /// What rows are written as.
    pub target: &'static Target,
    /// What is taken.
    pub selection: Selection,
    /// The same in words, for the manifest.
    pub query: String,
    /// What is not left out.
    pub include: Vec<Withheld>,
    /// Rules that rows may fail.
    pub allow: Vec<&'static PreflightRule>,
    /// What becomes of pictures.
    pub media: Media,
    /// How many tokens rows may take.
    pub tokens: Option<TokenLimit>,
    /// Into which files rows go.
    pub split: Option<Split>,
    /// Whether what is there is replaced.
    pub overwrite: bool,
}

/// Why nothing was exported.
#[derive(Debug, thiserror::Error)]
pub enum CorpusExportError {
    /// The corpus.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// The export itself.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// What people bring is never written, not even where it is to be replaced.
    #[error("{path} belongs to the source `{source_name}`, and sources are never written to")]
    IsSource {
        /// The destination.
        path: PathBuf,
        /// Whose it is.
        source_name: String,
    },
}

impl CorpusExport {
    /// Says what an export would do; nothing is written.
    pub fn check(
        &self,
        corpus: &Corpus,
        progress: &Progress,
    ) -> Result<ExportSummary, CorpusExportError> {
        let mut records = self.records(corpus, progress)?;
        Ok(check(
            self.target,
            &mut records,
            self.options(None, progress),
        )?)
    }

    /// Writes a new file or folder.
    pub fn write(
        &self,
        corpus: &Corpus,
        to: &Path,
        progress: &Progress,
    ) -> Result<ExportSummary, CorpusExportError> {
        let origin = origin(corpus, &self.query);
        let mut records = self.records(corpus, progress)?;
        let options = self.options(Some(&origin), progress);
        Ok(export(self.target, &mut records, to, options)?)
    }

    /// Writes the rows to a stream, and nothing beside it.
    pub fn write_to(
        &self,
        corpus: &Corpus,
        out: &mut dyn std::io::Write,
        progress: &Progress,
    ) -> Result<ExportSummary, CorpusExportError> {
        let origin = origin(corpus, &self.query);
        let mut records = self.records(corpus, progress)?;
        let options = self.options(Some(&origin), progress);
        Ok(write_to(self.target, &mut records, out, options)?)
    }

    fn options<'a>(
        &'a self,
        origin: Option<&'a Origin>,
        progress: &'a Progress,
    ) -> ExportOptions<'a> {
        ExportOptions {
            overwrite: self.overwrite,
            include: &self.include,
            allow: &self.allow,
            media: self.media,
            tokens: self.tokens.as_ref(),
            split: self.split.as_ref(),
            origin,
            progress,
        }
    }

    /// The selected records, read one by one; how many there are is added to the progress.
    fn records<'a>(
        &self,
        corpus: &'a Corpus,
        progress: &Progress,
    ) -> Result<impl Iterator<Item = Result<Outgoing, CorpusError>> + 'a, CorpusError> {
        let records = self.selection.records(corpus)?;
        progress.add_total(records.len() as u64);
        let outgoing = move |(key, wanted)| outgoing(corpus, key, wanted);
        Ok(records.into_iter().map(outgoing))
    }
}

/// A record as it is now, with what everybody decided about it.
fn outgoing(corpus: &Corpus, key: RecordKey, wanted: WantedPairs) -> Result<Outgoing, CorpusError> {
    let mut record = corpus.record(key)?;
    let current = corpus.current_for_all(&record);
    let created = &current.review.pairs;
    let pairs = current.content.pairs.iter().zip(current.pairs);
    let pairs = pairs.map(|(pair, about)| {
        let part = about.target.part.as_deref();
        let made = created
            .iter()
            .find(|made| part == Some(made.id.to_string().as_str()));
        OutgoingPair {
            stale: staleness_of_pair(pair, &about.review, made, &current.steps),
            state: about.state,
            review: about.review,
        }
    });
    let pairs = pairs.collect();
    record.content = current.content;
    let mut outgoing = Outgoing {
        roots: corpus.roots(&record.id),
        review: current.review,
        state: current.state,
        steps: current.steps,
        pairs,
        record,
    };
    if let Some(parts) = wanted {
        outgoing.keep_pairs(|pair| parts.contains(&pair.part));
    }
    Ok(outgoing)
}

/// What a manifest tells of where rows come from.
fn origin(corpus: &Corpus, query: &str) -> Origin {
    let sources = corpus.state().sources.iter().map(|source| OriginSource {
        name: source.name.clone(),
        files: source
            .files
            .iter()
            .map(|file| (file.relative.clone(), file.hash.clone()))
            .collect(),
    });
    Origin {
        query: query.to_owned(),
        sources: sources.collect(),
        journals: corpus.journals().heads(),
    }
}

/// An error if the destination belongs to a source.
pub fn refuse_source(workspace: &Workspace, to: &Path) -> Result<(), CorpusExportError> {
    match source_of(workspace, to) {
        None => Ok(()),
        Some(source_name) => Err(CorpusExportError::IsSource {
            path: to.to_owned(),
            source_name,
        }),
    }
}

/// The source that a destination belongs to.
fn source_of(workspace: &Workspace, to: &Path) -> Option<String> {
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
    let place = place.ok()?;
    let source = workspace.sources().into_iter().find(|source| {
        let path = source
            .path
            .canonicalize()
            .unwrap_or_else(|_| source.path.clone());
        place == path || (path.is_dir() && place.starts_with(&path))
    });
    source.map(|source| source.name)
}

/// How many stale items are named.
const NAMED: usize = 5;

/// What was left out, a line each: counts by reason, and the stale items by name, since somebody has to look at them.
pub fn left_out_words(summary: &ExportSummary) -> Vec<String> {
    let mut lines = Vec::new();
    for (reason, count) in left_out_counts(&summary.left_out) {
        lines.push(format!("left out: {count} {reason} (--include {reason})"));
    }
    let stale: Vec<_> = summary
        .left_out
        .iter()
        .filter(|item| !item.steps.is_empty())
        .collect();
    for item in stale.iter().take(NAMED) {
        let steps: Vec<String> = item.steps.iter().map(usize::to_string).collect();
        lines.push(format!("stale: {} step {}", item.id, steps.join(", ")));
    }
    if stale.len() > NAMED {
        lines.push(format!("stale: {} more", stale.len() - NAMED));
    }
    if !stale.is_empty() {
        lines.push("hint: `retake review fresh ID --step N` says that a step still holds".into());
    }
    lines
}

/// Records that hold nothing of the target's kind, in a line if there are some.
pub fn others_words(summary: &ExportSummary) -> Option<String> {
    let others = summary.others;
    (others > 0).then(|| format!("{others} records hold nothing that this target holds"))
}

/// What is wrong with rows that were not written, a line each.
pub fn failure_words(summary: &ExportSummary) -> impl Iterator<Item = String> + '_ {
    summary.failures.iter().map(|failure| {
        let step = failure.step.map(|step| format!(" step {step}"));
        format!(
            "{}{}: {}: {}",
            failure.id,
            step.unwrap_or_default(),
            failure.rule,
            failure.message
        )
    })
}

/// How many rows failed each rule, a line each.
pub fn rule_words(summary: &ExportSummary) -> Vec<String> {
    let counts = failure_counts(summary).into_iter();
    counts
        .map(|(rule, count)| format!("{rule}: {count}"))
        .collect()
}
