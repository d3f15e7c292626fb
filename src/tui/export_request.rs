//! Exports from the workbench: what is asked for, and what becomes of it.

use std::path::{Path, PathBuf};

use crate::corpus::Selection;
use crate::corpus_export::{
    CorpusExport, CorpusExportError, failure_words, left_out_words, others_words, refuse_source,
    rule_words,
};
use crate::domain::TargetId;
use crate::export::{ExportError, ExportSummary, Media, Split, Target, Withheld};
use crate::jobs::Progress;
use crate::report::Report;

use super::backend::{Backend, corpus_report, understood};
use super::effect::Finding;

/// Failures that are listed.
const LISTED: usize = 1_000;

/// How an export is made.
#[derive(Debug, Clone)]
pub struct ExportSettings {
    /// What rows are written as.
    pub target: &'static Target,
    /// The new file or folder.
    pub path: String,
    /// Files for parts of the tasks, as `train=0.9,val=0.1`; empty for one file.
    pub split: String,
    /// What becomes of pictures.
    pub media: Media,
    /// What is not left out.
    pub include: Vec<Withheld>,
    /// Whether rows are checked, and nothing is written.
    pub checks_only: bool,
}

impl ExportSettings {
    /// How a target is exported unless somebody says otherwise.
    pub fn of(target: &'static Target) -> Self {
        let path = match target.extension {
            "" => target.name.to_owned(),
            ending => format!("{}.{ending}", target.name),
        };
        Self {
            target,
            path,
            split: String::new(),
            media: Media::default(),
            include: Vec::new(),
            checks_only: false,
        }
    }
}

/// What is exported.
#[derive(Debug, Clone)]
pub enum ExportedItems {
    /// Everything that this finds.
    Found(Finding),
    /// These.
    Items(Vec<TargetId>),
}

impl ExportedItems {
    /// What it is, for people and for the manifest.
    pub fn words(&self) -> String {
        match self {
            Self::Found(finding) if finding.query.trim().is_empty() => "everything".to_owned(),
            Self::Found(finding) => finding.query.trim().to_owned(),
            Self::Items(items) => match items.as_slice() {
                [one] => one.to_string(),
                many => format!("{} marked items", many.len()),
            },
        }
    }

    fn selection(&self) -> Selection {
        match self {
            Self::Found(finding) => Selection::Query(Box::new(understood(finding).0)),
            Self::Items(items) => Selection::Ids(items.iter().map(TargetId::to_string).collect()),
        }
    }
}

/// An export that was asked for.
#[derive(Debug, Clone)]
pub struct ExportRequest {
    /// What.
    pub items: ExportedItems,
    /// How.
    pub settings: ExportSettings,
    /// Whether what is there is replaced.
    pub overwrite: bool,
}

/// How an export ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exported {
    /// It is written, or checked.
    Done {
        /// What was done, in a line.
        said: String,
        /// All there is to say of it, in lines.
        details: String,
        /// Whether rows failed.
        is_partial: bool,
    },
    /// Something is there already, and nobody said that it may go.
    Exists(PathBuf),
}

impl Backend {
    pub(super) fn export(
        &self,
        request: &ExportRequest,
        progress: &Progress,
    ) -> Result<Exported, Report> {
        let settings = &request.settings;
        let split = match settings.split.as_str() {
            "" => None,
            text => {
                let split = Split::parse(text, 0);
                Some(split.map_err(|error| Report::failure(error.to_string()))?)
            }
        };
        let export = CorpusExport {
            target: settings.target,
            selection: request.items.selection(),
            query: request.items.words(),
            include: settings.include.clone(),
            allow: Vec::new(),
            media: settings.media,
            tokens: None,
            split,
            overwrite: request.overwrite,
        };
        let corpus = self.corpus()?;
        if settings.checks_only {
            let summary = export.check(&corpus, progress).map_err(export_report)?;
            let said = format!(
                "{} rows can be written as {}, {} can't",
                summary.written, settings.target.name, summary.failed
            );
            return Ok(done(said, &summary));
        }
        if settings.path.is_empty() {
            return Err(Report::failure("the export has no name")
                .hint("say where the new file is to stand"));
        }
        let path = at_home(&settings.path);
        let written = {
            // The declaration alone; the index stays free for others.
            let workspace = self.workspace();
            refuse_source(&workspace, &path)
        };
        let written = written.and_then(|()| export.write(&corpus, &path, progress));
        match written {
            Ok(summary) => {
                let said = format!("{} rows written to {}", summary.written, path.display());
                Ok(done(said, &summary))
            }
            Err(CorpusExportError::Export(ExportError::Exists(path))) => Ok(Exported::Exists(path)),
            Err(error) => Err(export_report(error)),
        }
    }
}

/// `~/` is the person's own folder, as in a shell.
fn at_home(path: &str) -> PathBuf {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(path),
    }
}

fn export_report(error: CorpusExportError) -> Report {
    match error {
        CorpusExportError::Corpus(error) => corpus_report(&error),
        CorpusExportError::Export(ExportError::File { path, source })
            if source.kind() == std::io::ErrorKind::NotFound =>
        {
            Report::failure(format!("{} can't be written", path.display()))
                .hint("the folder it is to stand in must be there")
        }
        error => Report::from_error(&error).hint("say another place, or set it otherwise"),
    }
}

fn done(said: String, summary: &ExportSummary) -> Exported {
    let mut lines = vec![said.clone()];
    let mut part = |title: &str, part: Vec<String>| {
        if !part.is_empty() {
            lines.push(String::new());
            lines.push(title.to_owned());
            lines.extend(part);
        }
    };
    let mut left_out = left_out_words(summary);
    left_out.extend(others_words(summary));
    part("Left out", left_out);
    part("To know", summary.notes.clone());
    part("Rows that fail a rule", rule_words(summary));
    let mut failures: Vec<String> = failure_words(summary).take(LISTED).collect();
    if summary.failures.len() > LISTED {
        failures.push(format!("and {} more", summary.failures.len() - LISTED));
    }
    part("They are", failures);
    Exported::Done {
        said,
        details: lines.join("\n"),
        is_partial: summary.failed > 0,
    }
}
