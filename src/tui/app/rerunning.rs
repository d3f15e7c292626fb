//! Re-runs of a step: what starts them, what they say on the way, and what is done with their candidates.

use std::sync::Arc;

use crate::corpus::{Inspection, decision};
use crate::domain::review::LiteralCandidate;
use crate::domain::{RecordId, TargetId};
use crate::tui::action::{Action, Scope};
use crate::tui::decisions::answer_editor;
use crate::tui::effect::{Effect, Failure, JobId};
use crate::tui::overlays::{Choice, Overlay, RerunForm};
use crate::tui::question::Question;
use crate::tui::rerun::{BranchLine, RerunNews, RerunOrder, RerunResult, RerunSettings, RerunVerb};
use crate::tui::theme::Paint;
use crate::tui::views;
use crate::tui::views::edit::{EditView, Purpose};
use crate::tui::views::replay::ReplayView;
use crate::tui::views::rerun::{RerunView, Work};

use super::{App, View};

impl App {
    /// Opens the re-run of the step in front, and starts it.
    pub(super) fn rerun_step(&mut self) {
        let Some(View::Replay(replay)) = self.views.last() else {
            return;
        };
        let Some(step) = replay.step() else {
            return self.say("this is about a step: go to one", Paint::Warning);
        };
        let mut view = RerunView::new(
            replay.id.clone(),
            Arc::clone(replay.record()),
            self.corpus.highlighter(),
            step,
            self.options.rerun.clone(),
        );
        view.set_blind(self.corpus.is_blind(), &self.options.annotator);
        self.views.push(View::Rerun(Box::new(view)));
        self.start_rerun();
    }

    /// Opens the candidates that a record keeps of a step, from 1; of the last one that has some unless this one has.
    pub(super) fn open_candidates(
        &mut self,
        id: TargetId,
        record: Arc<Inspection>,
        step: Option<u32>,
    ) {
        let Some(step) = step_with_candidates(&record, step) else {
            if self.corpus.is_queue {
                return self.open(id, record, step);
            }
            let said = "it keeps no candidates of a step: `retake rerun --query` and `retake explore` make such records";
            return self.say(said, Paint::Warning);
        };
        let settings = self.options.rerun.clone();
        let highlighter = self.corpus.highlighter();
        let mut view = RerunView::new(id.clone(), record, highlighter, step, settings.clone());
        view.set_blind(self.corpus.is_blind(), &self.options.annotator);
        let title = format!("candidates of step {step} of {id}");
        let (job, progress) = self.jobs.start(title);
        view.await_kept(job, progress);
        if let Some(seen) = view.subject().seen() {
            let order = RerunOrder {
                id,
                seen,
                step,
                settings,
            };
            let order = Box::new(order);
            self.effects.push(Effect::ReadCandidates(job, order));
        }
        self.views.push(View::Rerun(Box::new(view)));
    }

    /// Choices that were on their way are saved, or could not be. Whether one was made among candidates that a record keeps, in front.
    pub(super) fn choices_ended(&mut self, is_saved: bool) -> bool {
        let front = self.views.len().saturating_sub(1);
        let mut is_kept_in_front = false;
        for (place, view) in self.views.iter_mut().enumerate() {
            if let View::Rerun(view) = view {
                let chose = view.chosen(is_saved);
                is_kept_in_front |= chose && place == front && view.is_kept();
            }
        }
        is_kept_in_front
    }

    /// What a call of the candidate in front returned is known now: it is executed once more.
    pub(super) fn execute_candidate_again(&mut self) {
        let Some(View::Rerun(view)) = self.views.last_mut() else {
            return;
        };
        let Some(made_by) = view.made_by() else {
            return;
        };
        let number = view.selected();
        let (job, progress) = self.jobs.start("run a candidate again");
        view.work(job, progress.clone(), Work::Again);
        let verb = RerunVerb::Again(job, number);
        self.effects
            .push(Effect::WorkOnRerun(made_by, verb, progress));
    }

    fn rerun_view(&mut self) -> Option<&mut RerunView> {
        match self.views.last_mut() {
            Some(View::Rerun(view)) => Some(view),
            _ => None,
        }
    }

    /// The re-run that a job works for, wherever its view stands.
    fn run_by(&mut self, job: JobId) -> Option<&mut RerunView> {
        self.views.iter_mut().find_map(|view| match view {
            View::Rerun(view) if view.is_run_by(job) => Some(&mut **view),
            _ => None,
        })
    }

    fn start_rerun(&mut self) {
        let Some(View::Rerun(view)) = self.views.last_mut() else {
            return;
        };
        let title = format!("step {} of {} again", view.step, view.id);
        let (job, progress) = self.jobs.start(title);
        view.start(job, progress.clone());
        let Some(seen) = view.subject().seen() else {
            return;
        };
        let order = RerunOrder {
            id: view.id.clone(),
            seen,
            step: view.step,
            settings: view.settings.clone(),
        };
        self.effects
            .push(Effect::Rerun(job, Box::new(order), progress));
    }

    /// Starts anew with these settings, which also hold for the next ones.
    pub(super) fn rerun_as_set(&mut self, settings: RerunSettings) {
        self.options.rerun = settings.clone();
        if let Some(view) = self.rerun_view() {
            view.settings = settings;
            self.start_rerun();
        }
    }

    /// What a key asks for that takes more than the view.
    pub(super) fn act_in_rerun(&mut self, action: Action) {
        let Some(View::Rerun(view)) = self.views.last_mut() else {
            return;
        };
        let is_idle = matches!(
            action,
            Action::PickCandidate
                | Action::CancelCandidate
                | Action::CancelRerun
                | Action::JudgeReasons
        );
        let takes_candidates = matches!(
            action,
            Action::Rerun
                | Action::RerunSettings
                | Action::EditCandidate
                | Action::AnswerCall
                | Action::SavePair
                | Action::SaveAllPairs
                | Action::NoneGood
                | Action::GoOn
        );
        match action {
            Action::ToggleBlind => {
                let is_blind = !view.is_blind();
                return self.set_blind(is_blind);
            }
            Action::NextUnreviewed if !view.is_kept() => {
                let said = "new candidates are no list: leave them first";
                return self.say(said, Paint::Warning);
            }
            Action::NextUnreviewed => {
                let next = self.corpus.next_unreviewed();
                return self.grant(vec![next]);
            }
            Action::ToggleQueue => {
                let requests = self.corpus.act(action);
                return self.grant(requests);
            }
            _ if is_idle || !takes_candidates => {
                let requests = view.act(action);
                return self.grant(requests);
            }
            _ => {}
        }
        if view.runs() {
            return self.say("it still runs: wait for it, or cancel it", Paint::Warning);
        }
        match action {
            Action::Rerun => {
                // The same draws would give the same candidates.
                view.settings.seed = view.settings.seed.wrapping_add(1);
                self.start_rerun();
            }
            Action::RerunSettings => {
                let form = RerunForm::new(view.settings.clone(), &self.options.model);
                self.overlays.push(Overlay::RerunForm(Box::new(form)));
            }
            action => {
                let Some(job) = view.made_by() else {
                    return self.say("there are no candidates", Paint::Warning);
                };
                self.decide_on_candidates(action, job);
            }
        }
    }

    fn decide_on_candidates(&mut self, action: Action, job: JobId) {
        let Some(View::Rerun(view)) = self.views.last_mut() else {
            return;
        };
        let verb = match action {
            Action::SavePair => match view.pair() {
                Ok((chosen, rejected)) => RerunVerb::Pair { chosen, rejected },
                Err(reason) => return self.say(reason, Paint::Warning),
            },
            Action::NoneGood => RerunVerb::NoneGood,
            Action::AnswerCall => {
                let call = view.unanswered();
                let editor = call.and_then(|call| answer_editor(view.subject(), call));
                return match editor {
                    Some(editor) => self.views.push(View::Edit(Box::new(editor))),
                    None => self.say("every call of it was answered", Paint::Warning),
                };
            }
            Action::EditCandidate => {
                let number = view.label(view.selected());
                let Some(text) = view.text_in_front() else {
                    return self.say("there is no whole candidate there", Paint::Warning);
                };
                let title = format!("A candidate of your own, after number {number}");
                let editor = EditView::new(title, &text, false, Purpose::OwnCandidate(job));
                return self.views.push(View::Edit(Box::new(editor)));
            }
            action => {
                let Some(chosen) = view.picked() else {
                    return self.say("pick one first: enter", Paint::Warning);
                };
                if action == Action::SaveAllPairs {
                    RerunVerb::AllPairs { chosen }
                } else {
                    let title = format!("a branch of {} from step {}", view.id, view.step);
                    let (branch, progress) = self.jobs.start(title);
                    view.work(branch, progress.clone(), Work::Branch);
                    view.choose();
                    view.chosen(true);
                    let verb = RerunVerb::GoOn(branch, chosen);
                    return self.effects.push(Effect::WorkOnRerun(job, verb, progress));
                }
            }
        };
        view.choose();
        self.effects.push(Effect::OfRerun(job, verb));
    }

    /// A candidate of one's own is executed.
    pub(super) fn run_own_candidate(&mut self, job: JobId, text: &str) -> Result<(), String> {
        let written: LiteralCandidate =
            decision::parse_candidate(text).map_err(|error| error.to_string())?;
        let (own, progress) = self.jobs.start("run a candidate of one's own");
        let view = self.views.iter_mut().find_map(|view| match view {
            View::Rerun(view) if view.made_by() == Some(job) => Some(&mut **view),
            _ => None,
        });
        let view = view.ok_or("its re-run is gone")?;
        view.work(own, progress.clone(), Work::Own);
        let verb = RerunVerb::Write(own, written);
        self.effects.push(Effect::WorkOnRerun(job, verb, progress));
        Ok(())
    }

    pub(super) fn rerun_heard(&mut self, job: JobId, news: RerunNews) {
        let note = match &news {
            RerunNews::Began { notes, .. } => notes.first().cloned(),
            _ => None,
        };
        if let Some(view) = self.run_by(job) {
            view.hear(news);
            if let Some(note) = note {
                self.say(note, Paint::Warning);
            }
        }
    }

    pub(super) fn reran(&mut self, job: JobId, result: Result<RerunResult, Failure>) {
        match result {
            Ok(result) => {
                let count = result.candidates.len();
                let view = self.run_by(job);
                let made = match view.as_ref().is_some_and(|view| view.is_kept()) {
                    true => count,
                    false => count.saturating_sub(1),
                };
                let said = match view.as_ref().is_some_and(|view| view.is_hidden()) {
                    true => format!("{made} candidates"),
                    false => format!("{made} candidates; {}", result.verdict()),
                };
                if let Some(view) = view {
                    view.end(result);
                }
                self.jobs.end(job, Ok(said.clone()));
                self.say(said, Paint::Good);
            }
            Err(mut failure) => {
                self.jobs.end(job, Err(failure.clone()));
                if let Some(view) = self.run_by(job) {
                    view.fail(failure.message.clone());
                    let keys = &self.options.keymap;
                    let keys = keys.chords(Scope::Rerun, Action::RerunSettings);
                    if let Some(key) = keys.first() {
                        let hint = format!("{key} in this view sets model, number and judge");
                        failure.hints.push(hint);
                    }
                }
                self.fail(failure);
            }
        }
    }

    /// A branch has grown: it is opened, if its re-run is still in front.
    pub(super) fn went_on(&mut self, job: JobId, ended: Result<(TargetId, String), Failure>) {
        let is_front = matches!(self.views.last(), Some(View::Rerun(view)) if view.is_run_by(job));
        if let Some(view) = self.run_by(job) {
            view.rest();
        }
        match ended {
            Ok((id, said)) => {
                let said = format!("{id}: {said}");
                self.jobs.end(job, Ok(said.clone()));
                self.say(said, Paint::Good);
                self.find_again();
                if is_front {
                    self.effects.push(views::open_record(&id.record));
                }
            }
            Err(failure) => {
                self.jobs.end(job, Err(failure.clone()));
                self.fail(failure);
            }
        }
    }

    pub(super) fn ask_for_branches(&mut self) {
        let of = |view: &View| match view {
            View::Replay(replay) => Some(ReplayView::record(replay).record.id.clone()),
            View::Rerun(rerun) => Some(rerun.id.record.clone()),
            _ => None,
        };
        if let Some(id) = self.views.last().and_then(of) {
            self.effects.push(Effect::ReadBranches(id));
        }
    }

    /// The tree of what grew from the same trajectory, to choose from.
    pub(super) fn show_branches(&mut self, branches: Result<Vec<BranchLine>, Failure>) {
        let branches = match branches {
            Ok(branches) => branches,
            Err(failure) => return self.fail(failure),
        };
        if branches.len() < 2 {
            return self.say("nothing has branched off it", Paint::Dim);
        }
        let at = branches.iter().position(|branch| branch.is_this);
        let options = branches.iter().map(branch_words).collect();
        let ids: Vec<RecordId> = branches.into_iter().map(|branch| branch.id).collect();
        let choice = Choice::new("Branches", options, Question::OpenRecord(ids));
        self.overlays
            .push(Overlay::Choice(choice.at(at.unwrap_or(0))));
    }
}

/// The step, from 1, whose candidates are meant: this one, or the last one that has several.
fn step_with_candidates(record: &Inspection, step: Option<u32>) -> Option<usize> {
    let trajectory = record.current.content.trajectory.as_ref()?;
    let has = |index: &usize| {
        let step = trajectory.steps.get(*index);
        step.is_some_and(|step| step.candidates.len() > 1)
    };
    let named = step.and_then(|step| (step as usize).checked_sub(1));
    let found = named.filter(has);
    let last = || (0..trajectory.steps.len()).rev().find(has);
    found.or_else(last).map(|index| index + 1)
}

/// A branch in a line of the tree.
fn branch_words(branch: &BranchLine) -> String {
    let indent = "  ".repeat(branch.depth.saturating_sub(1));
    let fork = if branch.depth > 0 { "└ " } else { "" };
    let step = branch
        .step
        .map_or(String::new(), |step| format!("from step {step}  "));
    let steps = branch.steps;
    let answer = branch
        .answer
        .as_deref()
        .map_or("no answer".to_owned(), |answer| {
            let answer = crate::domain::visible_line(answer);
            crate::tui::widgets::styled_text::cut(&answer, 30)
        });
    let here = if branch.is_this { "▸" } else { " " };
    format!(
        "{here} {indent}{fork}{}  {step}{steps} steps  {answer}",
        branch.id
    )
}
