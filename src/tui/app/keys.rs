//! Keys, pastes and the mouse: the overlay in front hears of them first, then the view.

use ratatui::crossterm::event::{Event, KeyEvent, KeyEventKind, MouseEvent};

use crate::tui::action::{Action, Scope};
use crate::tui::key::Key;
use crate::tui::keymap::{Pressed, words};
use crate::tui::overlays::Outcome;
use crate::tui::theme::Paint;

use super::{App, View};

impl App {
    pub(super) fn input(&mut self, event: &Event) {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.press(key),
            Event::Paste(text) => self.paste(text),
            Event::Mouse(mouse) => self.mouse(mouse),
            _ => {}
        }
    }

    pub(super) fn press(&mut self, event: &KeyEvent) {
        self.said = None;
        if !self.overlays.is_empty() && Key::of(event).is_some_and(|key| self.is_quit(key)) {
            return self.act(Action::Quit);
        }
        if let Some(overlay) = self.overlays.last_mut() {
            let outcome = overlay.press(event);
            return self.take_outcome(outcome);
        }
        let Some(key) = Key::of(event) else { return };
        let scope = self.scope();
        let mut keys = std::mem::take(&mut self.pressed);
        let goes_on = !keys.is_empty();
        keys.push(key);
        match self.options.keymap.pressed(scope, &keys) {
            Pressed::Action(action) => self.act(action),
            Pressed::Incomplete => self.pressed = keys,
            // What was begun is dropped, and the key counts by itself.
            Pressed::Nothing if goes_on => match self.options.keymap.pressed(scope, &[key]) {
                Pressed::Action(action) => self.act(action),
                Pressed::Incomplete => self.pressed = vec![key],
                Pressed::Nothing => self.type_key(event, key, scope),
            },
            Pressed::Nothing => self.type_key(event, key, scope),
        }
    }

    /// Whether an event asks to leave, which works from everywhere.
    pub(super) fn quits(&self, event: &Event) -> bool {
        let key = event.as_key_event().and_then(|key| Key::of(&key));
        key.is_some_and(|key| self.is_quit(key))
    }

    /// Whether a key that is no text asks to leave, whatever is in front.
    fn is_quit(&self, key: Key) -> bool {
        let asked = self.options.keymap.pressed(Scope::Global, &[key]);
        asked == Pressed::Action(Action::Quit) && !key.is_text()
    }

    pub(super) fn type_key(&mut self, event: &KeyEvent, key: Key, scope: Scope) {
        match scope {
            Scope::Query if self.is_quit(key) => self.act(Action::Quit),
            Scope::Query => {
                let requests = self.corpus.type_key(event);
                self.grant(requests);
            }
            // Not before somebody says that what was typed may go.
            Scope::Edit if self.is_quit(key) => self.act(Action::CancelEdit),
            Scope::Edit => {
                if let Some(View::Edit(view)) = self.views.last_mut() {
                    view.press(event);
                }
            }
            _ => {
                let text = format!("{} does nothing here: ? lists the keys", words(&[key]));
                self.say(text, Paint::Dim);
            }
        }
    }

    pub(super) fn paste(&mut self, text: &str) {
        if let Some(overlay) = self.overlays.last_mut() {
            return overlay.paste(text);
        }
        match self.views.last_mut() {
            Some(View::Edit(view)) => view.paste(text),
            None => {
                let requests = self.corpus.paste(text);
                self.grant(requests);
            }
            _ => {}
        }
    }

    pub(super) fn mouse(&mut self, event: &MouseEvent) {
        if let Some(overlay) = self.overlays.last_mut() {
            let outcome = overlay.mouse(event);
            return self.take_outcome(outcome);
        }
        let requests = match self.views.last_mut() {
            None => self.corpus.mouse(event),
            Some(View::Replay(replay)) => replay.mouse(event),
            Some(View::Compare(compare)) => compare.mouse(event),
            Some(View::Rerun(rerun)) => rerun.mouse(event),
            Some(View::Edit(view)) => view.mouse(event),
            Some(View::Statistics) => self.statistics.mouse(event),
            Some(View::Jobs) => self.jobs.mouse(event),
            Some(View::Log) => self.log.mouse(event),
        };
        self.grant(requests);
    }

    pub(super) fn take_outcome(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Stay => {}
            Outcome::Close => {
                self.overlays.pop();
            }
            Outcome::Answer(answer) => {
                self.overlays.pop();
                self.answer(answer);
            }
        }
    }
}
