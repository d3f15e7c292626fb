//! The corpus view while somebody types a query: it is searched with each letter.

use ratatui::crossterm::event::KeyEvent;

use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::views::Request;

use super::CorpusView;

impl CorpusView {
    /// Takes a key while somebody types a query.
    pub fn type_key(&mut self, key: &KeyEvent) -> Vec<Request> {
        match self.line.press(key) {
            true => self.find(false),
            false => Vec::new(),
        }
    }

    /// Takes a pasted text.
    pub fn paste(&mut self, text: &str) -> Vec<Request> {
        self.line.begin();
        self.line.paste(text);
        self.find(false)
    }

    /// Does what a key of the search line asks for.
    pub fn act_in_line(&mut self, action: Action) -> Vec<Request> {
        let changed = match action {
            Action::AcceptQuery => {
                let remembered = self.line.accept();
                let keep = remembered.then(|| Request::Do(Effect::KeepQueries(self.kept())));
                return keep.into_iter().collect();
            }
            Action::CancelQuery => {
                let before = self.line.text().to_owned();
                self.line.cancel();
                before != self.line.text()
            }
            Action::Complete => self.line.complete(true),
            Action::CompleteBack => self.line.complete(false),
            Action::OlderQuery => self.line.recall(-1),
            Action::NewerQuery => self.line.recall(1),
            _ => false,
        };
        match changed {
            true => self.find(false),
            false => Vec::new(),
        }
    }
}
