//! Re-runs of a step: what starts them, what they say on the way, and what is done with their candidates.

use crate::corpus::decision;
use crate::domain::review::LiteralCandidate;
use crate::domain::{RecordId, TargetId};
use crate::tui::action::{Action, Scope};
use crate::tui::effect::{Effect, Failure, JobId};
use crate::tui::overlays::{Choice, Overlay, RerunForm};
use crate::tui::question::Question;
use crate::tui::rerun::{BranchLine, RerunNews, RerunOrder, RerunResult, RerunSettings, RerunVerb};
use crate::tui::theme::Paint;
use crate::tui::views;
use crate::tui::views::edit::{EditView, Purpose};
use crate::tui::views::replay::ReplayView;
use crate::tui::views::rerun::RerunView;

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
        let view = RerunView::new(
            replay.id.clone(),
            std::sync::Arc::clone(replay.record()),
            self.corpus.highlighter(),
            step,
            self.options.rerun.clone(),
        );
        self.views.push(View::Rerun(Box::new(view)));
        self.start_rerun();
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
                | Action::SavePair
                | Action::SaveAllPairs
                | Action::NoneGood
                | Action::GoOn
        );
        if is_idle || !takes_candidates {
            let requests = view.act(action);
            return self.grant(requests);
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
                let form = RerunForm::new(view.settings.clone());
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
            Action::EditCandidate => {
                let number = view.selected();
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
                    view.work(branch, progress.clone(), true);
                    let verb = RerunVerb::GoOn(branch, chosen);
                    return self.effects.push(Effect::WorkOnRerun(job, verb, progress));
                }
            }
        };
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
        view.work(own, progress.clone(), false);
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
                let made = result.candidates.len().saturating_sub(1);
                let said = format!("{made} candidates; {}", result.verdict());
                self.jobs.end(job, Ok(said.clone()));
                self.say(said, Paint::Good);
                if let Some(view) = self.run_by(job) {
                    view.end(result);
                }
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
