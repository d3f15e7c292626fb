use std::cell::RefCell;

use crate::corpus::Corpus;
use crate::domain::Record;
use crate::domain::review::{Draft, ReviewRecord};
use crate::journal::{Journal, JournalError, Notice, WriterId};
use crate::workspace::{Workspace, WorkspaceError};

/// Saves the decisions of one annotator.
pub struct DecisionWriter {
    workspace: Workspace,
    annotator: String,
    /// Opened at the first commit: who only looks leaves nothing behind.
    journal: Option<Journal>,
    /// Why a record's text could not be kept.
    not_kept: RefCell<Option<String>>,
}

/// Why a decision was not saved. What a journal could not write waits for [`DecisionWriter::retry`].
#[derive(Debug, thiserror::Error)]
pub enum NotSaved {
    /// The workspace gives no id to this machine's journal.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl DecisionWriter {
    /// For an annotator of a workspace; an error if they have no name.
    pub fn new(workspace: Workspace, annotator: &str) -> Result<Self, JournalError> {
        if annotator.is_empty() {
            return Err(JournalError::NoAnnotator);
        }
        Ok(Self {
            workspace,
            annotator: annotator.to_owned(),
            journal: None,
            not_kept: RefCell::default(),
        })
    }

    /// The workspace.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Who decides.
    pub fn annotator(&self) -> &str {
        &self.annotator
    }

    /// Keeps a record's JSON, so that its reviewers can compare should its source change. What can't be kept is told by
    /// [`Self::take_not_kept`], and is no reason not to decide.
    pub fn keep_text(&self, record: &Record) {
        if self.not_kept.borrow().is_none() {
            let texts = self.workspace.record_texts();
            let kept = texts.keep(&record.hash, &record.raw);
            let reason = kept.err().map(|error| error.to_string());
            self.not_kept.replace(reason);
        }
    }

    /// Saves decisions as one batch, which one undo reverses, and shows them in the corpus; its index follows later
    /// ([`Corpus::follow`]). Returns the records that are on the disk now.
    ///
    /// On an error nothing is saved, and what could not be written waits.
    pub fn save(
        &mut self,
        corpus: &Corpus,
        drafts: &[Draft],
    ) -> Result<Vec<ReviewRecord>, NotSaved> {
        if drafts.is_empty() && self.pending() == 0 {
            return Ok(Vec::new());
        }
        let seen = corpus.journals().reviews().last_id();
        let journal = match &mut self.journal {
            Some(journal) => journal,
            empty => empty.insert(open_journal(&mut self.workspace, &self.annotator)?),
        };
        if let Some(seen) = seen {
            journal.keep_after(seen);
        }
        let records = journal.append(drafts)?;
        corpus.take_records(records.clone());
        Ok(records)
    }

    /// Saves what waits.
    pub fn retry(&mut self, corpus: &Corpus) -> Result<Vec<ReviewRecord>, NotSaved> {
        self.save(corpus, &[])
    }

    /// How many decisions could not be saved yet.
    pub fn pending(&self) -> usize {
        let journal = self.journal.as_ref();
        journal.map_or(0, |journal| journal.pending().count())
    }

    /// Gives up what could not be saved yet.
    pub fn discard_pending(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.discard_pending();
        }
    }

    /// What people should know of the journal's file; each is told once.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        let journal = self.journal.as_mut();
        journal.map_or_else(Vec::new, Journal::take_notices)
    }

    /// Why a record's text could not be kept; it is told once.
    pub fn take_not_kept(&self) -> Option<String> {
        self.not_kept.take()
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
