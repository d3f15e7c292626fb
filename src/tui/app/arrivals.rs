//! What workers answered: records, decisions that are saved, steps that ran again, texts from an editor.

use std::sync::Arc;

use crate::corpus::Inspection;
use crate::domain::TargetId;
use crate::tui::decisions::TYPED_RESULT;
use crate::tui::effect::{Committed, Effect, Failure, InspectRequest, JobId, Purpose, Ticket};
use crate::tui::theme::Paint;
use crate::tui::views;
use crate::tui::views::compare::CompareView;
use crate::tui::views::replay::ReplayView;

use super::{App, View};

impl App {
    pub(super) fn inspected(
        &mut self,
        request: &InspectRequest,
        record: Result<Arc<Inspection>, Failure>,
    ) {
        match (request.purpose, record) {
            (Purpose::Preview, record) => self.corpus.inspected(request, record),
            (Purpose::Open(step), Ok(record)) => self.open(request.id.clone(), record, step),
            (Purpose::Candidates(step), Ok(record)) => {
                self.open_candidates(request.id.clone(), record, step);
            }
            (Purpose::Again, Ok(record)) => {
                for view in &mut self.views {
                    match view {
                        View::Replay(replay) if replay.id == request.id => {
                            replay.renew(Arc::clone(&record))
                        }
                        View::Compare(compare) if compare.id == request.id => {
                            compare.renew(Arc::clone(&record))
                        }
                        View::Rerun(rerun) if rerun.id == request.id => {
                            rerun.renew(Arc::clone(&record))
                        }
                        _ => {}
                    }
                }
            }
            (_, Err(failure)) => self.fail(failure),
        }
    }

    pub(super) fn open(&mut self, id: TargetId, record: Arc<Inspection>, step: Option<u32>) {
        let highlighter = self.corpus.highlighter();
        let is_pair = id.part.is_some() || record.current.content.trajectory.is_none();
        let view = match is_pair {
            true => View::Compare(Box::new(CompareView::new(
                id,
                record,
                highlighter,
                self.corpus.is_blind(),
                &self.options.annotator,
            ))),
            false => {
                let mut replay = ReplayView::new(id, record, highlighter, step);
                replay.set_blind(self.corpus.is_blind());
                View::Replay(Box::new(replay))
            }
        };
        // In a queue the next item takes the place of the one before.
        let replaces = self.corpus.is_queue
            && matches!(self.views.last(), Some(View::Replay(_) | View::Compare(_)));
        if replaces {
            self.views.pop();
        }
        self.views.push(view);
    }

    pub(super) fn go_to_unreviewed(&mut self, found: Result<Option<TargetId>, Failure>) {
        let found = match found {
            Ok(found) => found,
            Err(failure) => return self.fail(failure),
        };
        let next = found.clone();
        let requests = self.corpus.go_to(found);
        self.grant(requests);
        let is_open = matches!(self.views.last(), Some(View::Replay(_) | View::Compare(_)));
        let has_kept = matches!(self.views.last(), Some(View::Rerun(view)) if view.is_kept());
        match next {
            Some(id) if has_kept => {
                self.views.pop();
                // The part of a pair begins with the number of its step.
                let step = id.part.as_deref().and_then(|part| part.split('.').next());
                let step = step.and_then(|step| step.parse().ok());
                self.effects.push(views::open_candidates(&id.record, step));
            }
            None if has_kept && self.corpus.is_queue => {
                self.views.pop();
            }
            Some(id) if is_open => {
                if !self.corpus.is_queue {
                    self.views.pop();
                }
                self.effects.push(Effect::Inspect(InspectRequest {
                    ticket: Ticket::default(),
                    id,
                    purpose: Purpose::Open(None),
                }));
            }
            None if is_open && self.corpus.is_queue => {
                self.views.pop();
            }
            _ => {}
        }
    }

    /// Votes that wait to be saved can be given again.
    pub(super) fn take_votes_back(&mut self) {
        self.choices_ended(false);
        let compared = self.views.iter_mut().filter_map(View::compared);
        compared.for_each(CompareView::take_back);
    }

    pub(super) fn committed(&mut self, committed: Result<Committed, Failure>) {
        let committed = match committed {
            Ok(committed) => committed,
            Err(failure) => {
                self.take_votes_back();
                return self.fail(failure);
            }
        };
        let about = match committed.about.as_slice() {
            [one] => format!("  {one}"),
            [] => String::new(),
            many => format!("  {} items", many.len()),
        };
        let mut text = format!("{}{about}", committed.done);
        let mut paint = Paint::Good;
        if let Some(warning) = committed.warnings.first() {
            text.push_str(&format!("; {warning}"));
            paint = Paint::Warning;
        }
        self.say(text, paint);
        self.corpus.list.marks.clear();
        self.look_again();
        if committed.done.starts_with(TYPED_RESULT) {
            match self.views.last() {
                Some(View::Replay(replay)) if committed.about.contains(&replay.id) => {
                    let id = replay.id.clone();
                    self.run_again(id);
                }
                Some(View::Rerun(rerun)) if committed.about.contains(&rerun.id) => {
                    self.execute_candidate_again();
                }
                _ => {}
            }
        }
        let chose_among_kept = self.choices_ended(true);
        let is_verdict = ["accepted", "rejected", "called equally good"]
            .iter()
            .any(|verdict| committed.done.starts_with(verdict));
        if is_verdict {
            let decided = self.views.iter_mut().filter_map(View::compared);
            decided
                .filter(|compare| committed.about.contains(&compare.id))
                .for_each(CompareView::tell);
        }
        if self.corpus.is_queue && chose_among_kept {
            let next = self.corpus.next_unreviewed();
            self.grant(vec![next]);
        } else if self.corpus.is_queue && is_verdict {
            let next = self
                .corpus
                .unreviewed_after(committed.about.last().cloned());
            self.grant(vec![next]);
        }
    }

    /// Runs the steps of a trajectory again.
    pub(super) fn run_again(&mut self, id: TargetId) {
        let (job, progress) = self.jobs.start(format!("run {id} again"));
        self.effects.push(Effect::RunAgain(job, id, progress));
    }

    pub(super) fn ran_again(
        &mut self,
        job: JobId,
        id: &TargetId,
        replayed: Result<Arc<crate::replay::TrajectoryReplay>, Failure>,
    ) {
        match replayed {
            Ok(replayed) => {
                let steps = replayed.steps.iter();
                let same = steps.filter(|step| step.verdict.reproduces()).count();
                let said = format!(
                    "{same} of {} steps do what was recorded",
                    replayed.steps.len()
                );
                self.jobs.end(job, Ok(said.clone()));
                self.say(said, Paint::Good);
                for view in &mut self.views {
                    if let View::Replay(replay) = view
                        && replay.id == *id
                    {
                        replay.set_run(Arc::clone(&replayed));
                    }
                }
            }
            Err(failure) => {
                self.jobs.end(job, Err(failure.clone()));
                self.fail(failure);
            }
        }
    }

    pub(super) fn edited(&mut self, edited: Result<String, String>) {
        match (edited, self.views.last_mut()) {
            (Ok(text), Some(View::Edit(view))) => {
                // Editors end a file with a line break.
                let ends = view.text().ends_with('\n');
                let text = match ends {
                    true => text.as_str(),
                    false => text.strip_suffix('\n').unwrap_or(&text),
                };
                view.set_text(text);
            }
            (Err(reason), _) => self.fail(Failure {
                message: format!("$EDITOR can't be used: {reason}"),
                hints: vec!["set VISUAL or EDITOR to the name of an editor".to_owned()],
            }),
            _ => {}
        }
    }
}
