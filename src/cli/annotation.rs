//! What every verb needs with which somebody decides something: the corpus as it is now, and the annotator's journal.

use crate::corpus::Corpus;
use crate::corpus::decision::{DecisionWriter, NotSaved};
use crate::domain::review::{Draft, ReviewRecord};
use crate::journal::{JournalError, Notice};
use crate::report::Report;
use crate::workspace::WorkspaceError;

use super::output::Output;
use super::session::{INDEXING, Session, with_progress, workspace_report};

/// A workspace that somebody reviews.
pub struct Annotation {
    corpus: Corpus,
    writer: DecisionWriter,
}

impl Annotation {
    /// Opens the workspace of a call for its annotator; waits for another process that is indexing.
    pub fn open(session: &Session, output: &Output) -> Result<Self, Report> {
        session.refuse_demo()?;
        let annotator = session.config.review.annotator.as_str();
        if annotator.is_empty() {
            return Err(JournalError::NoAnnotator.into());
        }
        let workspace = session.workspace()?;
        let corpus = session.corpus(&workspace, true, output)?;
        tell(&corpus.journals().notices(), output);
        let writer = DecisionWriter::new(workspace, annotator)?;
        Ok(Self { corpus, writer })
    }

    /// Sources and journals, as they are now.
    pub fn corpus(&self) -> &Corpus {
        &self.corpus
    }

    /// What saves decisions, and keeps the records that they are about.
    pub fn writer(&self) -> &DecisionWriter {
        &self.writer
    }

    /// Who reviews.
    pub fn annotator(&self) -> &str {
        self.writer.annotator()
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
        let saved = self.writer.save(&self.corpus, drafts);
        tell(&self.writer.take_notices(), output);
        // A command ends with the error, so nothing waits in memory for better times.
        let records = saved.map_err(|error| {
            self.writer.discard_pending();
            not_saved(error)
        })?;
        if let Some(reason) = self.writer.take_not_kept() {
            output.note(format!(
                "warning: what was reviewed can't be kept for comparison: {reason}"
            ));
        }
        self.follow(output);
        Ok(records)
    }

    /// Lets the index follow the journals.
    fn follow(&mut self, output: &Output) {
        let (corpus, workspace) = (&mut self.corpus, self.writer.workspace());
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

fn not_saved(error: NotSaved) -> Report {
    let again = "make room or allow writing there, then try again";
    match error {
        NotSaved::Workspace(error @ WorkspaceError::File { .. }) => {
            let reason = Report::from_error(&error).message;
            Report::failure(format!("nothing was saved: {reason}")).hint(again)
        }
        NotSaved::Workspace(error) => workspace_report(error),
        NotSaved::Journal(JournalError::NotWritten { path, source, .. }) => {
            let path = path.display();
            Report::failure(format!(
                "nothing was saved: {path} can't be written: {source}"
            ))
            .hint(again)
        }
        NotSaved::Journal(JournalError::Vanished { path, what, .. }) => {
            let path = path.display();
            Report::failure(format!("nothing was saved: {path} was just {what}")).hint("try again")
        }
        NotSaved::Journal(error) => error.into(),
    }
}
