//! What actions do in the view in front, and what views ask for.

use crate::tui::action::Action;
use crate::tui::decisions;
use crate::tui::theme::Paint;
use crate::tui::views::Request;

use super::{App, View};

impl App {
    pub(super) fn act_in_view(&mut self, action: Action) {
        if matches!(self.views.last(), Some(View::Rerun(_))) {
            return self.act_in_rerun(action);
        }
        let requests = match self.views.last_mut() {
            None if self.corpus.is_typing() => self.corpus.act_in_line(action),
            None => self.corpus.act(action),
            Some(View::Replay(replay)) => match action {
                Action::NextUnreviewed => {
                    vec![self.corpus.unreviewed_after(Some(replay.id.clone()))]
                }
                Action::ToggleQueue => self.corpus.act(action),
                Action::RunAgain => {
                    let id = replay.id.clone();
                    self.run_again(id);
                    return;
                }
                action => replay.act(action, &self.options.theme),
            },
            Some(View::Compare(compare)) => match action {
                Action::NextUnreviewed => {
                    vec![self.corpus.unreviewed_after(Some(compare.id.clone()))]
                }
                Action::ToggleQueue => self.corpus.act(action),
                Action::ChooseLeft | Action::ChooseRight | Action::Tie => {
                    let is_left = (action != Action::Tie).then_some(action == Action::ChooseLeft);
                    let done = match is_left {
                        Some(_) => "accepted",
                        None => "called equally good",
                    };
                    if let Some(deed) = compare.vote(is_left) {
                        let subject = compare.subject();
                        self.commit(decisions::commit(&[subject], done, &deed));
                    }
                    return;
                }
                Action::ToggleBlind => {
                    let is_blind = !compare.is_blind();
                    let requests = compare.act(action);
                    self.set_blind(is_blind);
                    requests
                }
                action => compare.act(action),
            },
            Some(View::Rerun(rerun)) => rerun.act(action),
            Some(View::Edit(view)) => view.act(action),
            Some(View::Statistics) => self.statistics.act(action),
            Some(View::Jobs) => self.jobs.act(action),
            Some(View::Log) => self.log.act(action),
        };
        self.grant(requests);
    }

    /// Blind everywhere from now on, or nowhere.
    pub(super) fn set_blind(&mut self, is_blind: bool) {
        self.corpus.set_blind(is_blind);
        for view in &mut self.views {
            match view {
                View::Replay(replay) => replay.set_blind(is_blind),
                View::Rerun(rerun) => rerun.set_blind(is_blind, &self.options.annotator),
                _ => {}
            }
        }
    }

    pub(super) fn grant(&mut self, requests: Vec<Request>) {
        for request in requests {
            match request {
                Request::Do(effect) => self.effects.push(effect),
                Request::Show(overlay) => self.overlays.push(*overlay),
                Request::Decide(action, subjects) => self.decide(action, subjects),
                Request::Edit(view) => self.views.push(View::Edit(view)),
                Request::Say(text) => self.say(text, Paint::Warning),
                Request::Close => {
                    self.views.pop();
                }
            }
        }
    }
}
