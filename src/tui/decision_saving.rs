//! Decisions on their way to the journal, and the index that follows them.

use std::sync::{MutexGuard, PoisonError};

use crate::corpus::Corpus;
use crate::corpus::decision::{Batch, DecisionError, DecisionWriter, Direction, Subject, in_words};
use crate::domain::review::Draft;
use crate::domain::review::words::batch_words;
use crate::jobs::Progress;
use crate::report::Report;
use crate::workspace::Workspace;

use super::backend::{Backend, corpus_report};
use super::effect::{CommitRequest, Committed, Failure, Message, Reversal};

impl Backend {
    pub(super) fn commit(&self, request: &CommitRequest, tell: &dyn Fn(Message)) {
        let committed = self.save(request);
        let saved = committed.is_ok();
        tell(Message::Committed(committed.map_err(Failure::from)));
        if saved {
            self.follow(tell);
        }
    }

    /// Saves decisions as one batch, which one undo reverses. On an error nothing is saved.
    pub(super) fn save(&self, request: &CommitRequest) -> Result<Committed, Report> {
        let corpus = self.corpus()?;
        let mut writer = self.writer()?;
        let writer = writer.as_mut().ok_or_else(no_writer)?;
        let mut batch = Batch::default();
        let mut about = Vec::new();
        for decision in &request.decisions {
            let subject = Subject::named(&corpus, &decision.id.to_string());
            let subject = subject.map_err(|error| decision_report(&error))?;
            if decision
                .seen
                .is_some_and(|seen| seen != subject.record.hash)
            {
                let message = format!("{} is another record now: nothing was saved", decision.id);
                return Err(Report::failure(message).hint("look at it again, then decide"));
            }
            if request.is_blind && decision.deed.takes_sides() && subject.expect_pair().is_ok() {
                let message = format!(
                    "{} is a pair, and blind mode is on: nothing was saved",
                    decision.id
                );
                return Err(Report::failure(message)
                    .hint("open it and vote: 1, 2, or = if neither side is better")
                    .hint("or leave blind mode, and decide openly"));
            }
            let annotator = writer.annotator().to_owned();
            let decided = decision.deed.on(&subject, &annotator);
            for decided in decided.map_err(|error| decision_report(&error))? {
                let added = batch.add(&subject, decided, writer);
                added.map_err(|error| decision_report(&error))?;
            }
            about.push(subject.id().clone());
        }
        if batch.drafts.is_empty() {
            return Ok(Committed {
                done: format!("{} already", request.done),
                about,
                warnings: Vec::new(),
            });
        }
        let warnings = save_drafts(writer, &corpus, &batch.drafts)?;
        let stale: Vec<_> = batch
            .changed
            .iter()
            .flat_map(|changed| changed.stale.clone())
            .collect();
        let stale = match (stale.is_empty(), batch.changed.len()) {
            (false, 1) => format!("; stale now: {}", in_words(&stale)),
            (false, _) => "; some steps are stale now".to_owned(),
            (true, _) => String::new(),
        };
        Ok(Committed {
            done: format!("{}{stale}", request.done),
            about,
            warnings,
        })
    }

    /// Who writes decisions, opened at the first one.
    pub(super) fn writer(&self) -> Result<MutexGuard<'_, Option<DecisionWriter>>, Report> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.is_none() {
            let root = self.workspace().root().to_owned();
            let workspace = Workspace::open(&root, self.user_folder.as_deref());
            let workspace = workspace.map_err(|error| Report::from_error(&error))?;
            let opened = DecisionWriter::new(workspace, &self.config.review.annotator);
            *writer = Some(opened?);
        }
        Ok(writer)
    }

    pub(super) fn follow(&self, tell: &dyn Fn(Message)) {
        let followed = self.corpus().and_then(|corpus| {
            let workspace = self.workspace();
            let followed = corpus.followed(&workspace, &Progress::default(), true);
            let (_, corpus) = followed.map_err(|error| corpus_report(&error))?;
            Ok(corpus)
        });
        let followed = followed.map(|corpus| {
            if let Some(corpus) = corpus {
                self.show(corpus);
            }
        });
        let behind = |report: Report| Failure {
            message: format!("saved, but searches do not show it yet: {}", report.message),
            hints: report.hints,
        };
        tell(Message::Followed(followed.map_err(behind)));
    }

    pub(super) fn reverse(&self, reversal: Reversal, tell: &dyn Fn(Message)) {
        let reversed = self.reversed(reversal);
        let saved = reversed.is_ok();
        tell(Message::Committed(reversed.map_err(Failure::from)));
        if saved {
            self.follow(tell);
        }
    }

    fn reversed(&self, reversal: Reversal) -> Result<Committed, Report> {
        let corpus = self.corpus()?;
        let annotator = self.config.review.annotator.as_str();
        let direction = match reversal {
            Reversal::Undo => Direction::Undo,
            Reversal::Redo => Direction::Redo,
        };
        let drafts = direction.drafts(corpus.journals().reviews(), annotator, 1);
        if drafts.is_empty() {
            return Err(Report::failure(match reversal {
                Reversal::Undo => "there is nothing to undo",
                Reversal::Redo => {
                    "there is nothing to redo: you undid nothing, or decided something since"
                }
            }));
        }
        let mut writer = self.writer()?;
        let writer = writer.as_mut().ok_or_else(no_writer)?;
        let before = corpus.journals().reviews().last_id();
        let warnings = save_drafts(writer, &corpus, &drafts)?;
        let journals = corpus.journals();
        let reviews = journals.reviews();
        let newest = reviews.last_id().filter(|id| Some(*id) != before);
        let record = newest.and_then(|id| reviews.record(id));
        let switched = record
            .map(|record| reviews.switched(record))
            .unwrap_or_default();
        let about = switched.iter().filter_map(|record| record.target.as_ref());
        let verb = match direction {
            Direction::Undo => "undid",
            Direction::Redo => "redid",
        };
        let said = batch_words(&switched);
        let said = said.first().map(|(words, _)| words.as_str());
        Ok(Committed {
            done: format!("{verb}: {}", said.unwrap_or_default()),
            about: about.map(|target| target.reference.id.clone()).collect(),
            warnings,
        })
    }
}

pub(super) fn no_writer() -> Report {
    Report::failure("decisions can't be saved")
}

/// A refused decision with what to do about it.
pub(super) fn decision_report(error: &DecisionError) -> Report {
    match error {
        DecisionError::Corpus(error) => corpus_report(error),
        error => Report::from_error(error),
    }
}

/// Saves drafts; returns what could not be done besides.
pub(super) fn save_drafts(
    writer: &mut DecisionWriter,
    corpus: &Corpus,
    drafts: &[Draft],
) -> Result<Vec<String>, Report> {
    let saved = writer.save(corpus, drafts);
    let mut warnings: Vec<String> = writer
        .take_notices()
        .iter()
        .map(ToString::to_string)
        .collect();
    if let Some(reason) = writer.take_not_kept() {
        warnings.push(format!(
            "what was reviewed can't be kept for comparison: {reason}"
        ));
    }
    match saved {
        Ok(_) => Ok(warnings),
        Err(error) => {
            let reason = Report::from_error(&error).message;
            let waiting = writer.pending();
            let report = Report::failure(format!("nothing was saved: {reason}"));
            Err(match waiting {
                0 => report.hint("make room or allow writing there, then decide again"),
                _ => report.hint(format!(
                    "{waiting} decisions wait in memory: they are saved with the next one, once there is room"
                )),
            })
        }
    }
}
