//! What every verb needs with which somebody decides something: the corpus as it is now, and the annotator's journal.

use std::cell::RefCell;

use crate::corpus::Corpus;
use crate::domain::Record;
use crate::domain::review::{Draft, ReviewRecord};
use crate::journal::{Journal, JournalError, Notice, WriterId};
use crate::report::Report;
use crate::workspace::{Workspace, WorkspaceError};

use super::output::Output;
use super::session::{INDEXING, Session, with_progress, workspace_report};

/// A workspace that somebody reviews.
pub struct Annotation {
    workspace: Workspace,
    corpus: Corpus,
    annotator: String,
    /// Opened at the first commit: who only looks leaves nothing behind.
    journal: Option<Journal>,
    /// Why a record's text could not be kept.
    not_kept: RefCell<Option<String>>,
}

impl Annotation {
    /// Opens the workspace of a call for its annotator; waits for another process that is indexing.
    pub fn open(session: &Session, output: &Output) -> Result<Self, Report> {
        session.refuse_demo()?;
        let annotator = session.config.review.annotator.clone();
        if annotator.is_empty() {
            return Err(JournalError::NoAnnotator.into());
        }
        let workspace = session.workspace()?;
        let corpus = session.corpus(&workspace, true, output)?;
        tell(&corpus.journals().notices(), output);
        Ok(Self {
            workspace,
            corpus,
            annotator,
            journal: None,
            not_kept: RefCell::default(),
        })
    }

    /// Sources and journals, as they are now.
    pub fn corpus(&self) -> &Corpus {
        &self.corpus
    }

    /// Who reviews.
    pub fn annotator(&self) -> &str {
        &self.annotator
    }

    /// Keeps a record's JSON, so that its reviewers can compare should its source change. What can't be kept is told with
    /// the next commit, and is no reason not to decide.
    pub fn keep_text(&self, record: &Record) {
        if self.not_kept.borrow().is_none() {
            let texts = self.workspace.record_texts();
            let kept = texts.keep(&record.hash, &record.raw);
            let reason = kept.err().map(|error| error.to_string());
            self.not_kept.replace(reason);
        }
    }

    /// Saves decisions as one batch, which one undo reverses, and lets the index follow. Returns their records.
    ///
    /// On an error nothing is saved. An index that can't follow now is told, and follows later.
    pub fn commit(
        &mut self,
        drafts: &[Draft],
        output: &Output,
    ) -> Result<Vec<ReviewRecord>, Report> {
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        let seen = self.corpus.journals().reviews().last_id();
        let journal = match &mut self.journal {
            Some(journal) => journal,
            empty => {
                let opened = open_journal(&mut self.workspace, &self.annotator);
                empty.insert(opened.map_err(NotSaved::into_report)?)
            }
        };
        if let Some(seen) = seen {
            journal.keep_after(seen);
        }
        let committed = journal.append(drafts);
        tell(&journal.take_notices(), output);
        let records = committed.map_err(|error| {
            journal.discard_pending();
            NotSaved::Journal(error).into_report()
        })?;
        if let Some(reason) = self.not_kept.take() {
            output.note(format!(
                "warning: what was reviewed can't be kept for comparison: {reason}"
            ));
        }
        self.corpus.take_records(records.clone());
        self.follow(output);
        Ok(records)
    }

    /// Lets the index follow the journals.
    pub fn follow(&mut self, output: &Output) {
        let (corpus, workspace) = (&mut self.corpus, &self.workspace);
        let followed = with_progress(output, INDEXING, |progress| {
            corpus.follow(workspace, progress, true)
        });
        match followed {
            Ok(records) => output.detail(format!("{records} records were indexed anew")),
            Err(error) => {
                let reason = Report::from_error(&error).message;
                output.note(format!(
                    "warning: saved, but searches do not show it yet: {reason}"
                ));
            }
        }
    }
}

/// What people should know of journals.
pub fn tell(notices: &[Notice], output: &Output) {
    for notice in notices {
        output.note(format!("warning: {notice}"));
    }
}

/// Why a decision was not saved.
enum NotSaved {
    Workspace(WorkspaceError),
    Journal(JournalError),
}

impl From<WorkspaceError> for NotSaved {
    fn from(error: WorkspaceError) -> Self {
        Self::Workspace(error)
    }
}

impl From<JournalError> for NotSaved {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl NotSaved {
    /// A command ends with the error, so nothing waits in memory for better times.
    fn into_report(self) -> Report {
        let again = "make room or allow writing there, then try again";
        match self {
            Self::Workspace(error @ WorkspaceError::File { .. }) => {
                let reason = Report::from_error(&error).message;
                Report::failure(format!("nothing was saved: {reason}")).hint(again)
            }
            Self::Workspace(error) => workspace_report(error),
            Self::Journal(JournalError::NotWritten { path, source, .. }) => {
                let path = path.display();
                Report::failure(format!(
                    "nothing was saved: {path} can't be written: {source}"
                ))
                .hint(again)
            }
            Self::Journal(JournalError::Vanished { path, what, .. }) => {
                let path = path.display();
                Report::failure(format!("nothing was saved: {path} was just {what}"))
                    .hint("try again")
            }
            Self::Journal(error) => error.into(),
        }
    }
}

/// The annotator's journal of this machine, which gets its writer id at the first commit.
fn open_journal(workspace: &mut Workspace, annotator: &str) -> Result<Journal, NotSaved> {
    let id = workspace.writer_id(|| -> Result<_, NotSaved> {
        Ok(WriterId::random().map(|id| id.to_string())?)
    })?;
    let writer = id.parse().map_err(|error| WorkspaceError::Wrong {
        path: workspace.folder().join("workspace.local.toml"),
        reason: format!("[writers]: `{id}`: {error}"),
    })?;
    Ok(Journal::open(
        &workspace.journal_folder(),
        annotator,
        writer,
    )?)
}
