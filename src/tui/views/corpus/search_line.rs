//! The line in which a query is typed: history, completion, and what of it is not understood.

use std::collections::HashMap;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use crate::index::query::complete;
use crate::tui::draw_context::DrawContext;
use crate::tui::theme::Paint;
use crate::tui::widgets::line_input::LineInput;
use crate::tui::widgets::styled_text::cut;

/// So many queries of the past are kept.
const HISTORY: usize = 200;

/// The search line.
#[derive(Debug, Default)]
pub struct SearchLine {
    input: LineInput,
    /// What stood there before somebody began to type.
    before: String,
    /// Whether somebody types.
    pub is_typing: bool,
    /// Oldest first.
    pub history: Vec<String>,
    /// The entry of the history that is shown.
    shown: Option<usize>,
    /// What was typed before one looked into the history.
    draft: String,
    offered: Option<Offered>,
    /// Values of fields that the data decides.
    pub values: HashMap<String, Vec<String>>,
    /// What of the query is not understood.
    pub problem: Option<String>,
}

/// What completion offers, and which of it stands there.
#[derive(Debug)]
struct Offered {
    options: Vec<String>,
    at: usize,
    start: usize,
}

impl SearchLine {
    /// The query.
    pub fn text(&self) -> &str {
        self.input.text()
    }

    /// Another query.
    pub fn set(&mut self, query: impl Into<String>) {
        self.input = LineInput::new(query);
        self.offered = None;
    }

    /// Somebody begins to type.
    pub fn begin(&mut self) {
        if !self.is_typing {
            self.before = self.input.text().to_owned();
            self.is_typing = true;
            self.shown = None;
            self.offered = None;
        }
    }

    /// The query is done, and goes into the history; whether that has changed.
    pub fn accept(&mut self) -> bool {
        self.is_typing = false;
        self.offered = None;
        self.remember()
    }

    /// The query is as it was before.
    pub fn cancel(&mut self) {
        self.is_typing = false;
        let before = std::mem::take(&mut self.before);
        self.set(before);
    }

    fn remember(&mut self) -> bool {
        let query = self.input.text().trim().to_owned();
        if query.is_empty() || self.history.last() == Some(&query) {
            return false;
        }
        self.history.retain(|known| *known != query);
        self.history.push(query);
        let surplus = self.history.len().saturating_sub(HISTORY);
        self.history.drain(..surplus);
        true
    }

    /// Takes a key; whether the query has changed.
    pub fn press(&mut self, key: &KeyEvent) -> bool {
        let before = self.input.text().to_owned();
        if self.input.press(key) {
            self.offered = None;
        }
        before != self.input.text()
    }

    /// Takes a pasted text.
    pub fn paste(&mut self, text: &str) {
        self.input.insert(text);
        self.offered = None;
    }

    /// Shows an older (−1) or newer (+1) query of the history; whether the query has changed.
    pub fn recall(&mut self, direction: isize) -> bool {
        let count = self.history.len();
        let at = match (self.shown, direction < 0) {
            (None, true) => {
                self.draft = self.input.text().to_owned();
                count.checked_sub(1)
            }
            (None, false) => return false,
            (Some(at), true) => Some(at.saturating_sub(1)),
            (Some(at), false) => Some(at + 1).filter(|at| *at < count),
        };
        let text = match at.and_then(|at| self.history.get(at)) {
            Some(query) => query.clone(),
            None => std::mem::take(&mut self.draft),
        };
        self.shown = at;
        self.set(text);
        true
    }

    /// Puts the next (or former) completion there; whether the query has changed.
    pub fn complete(&mut self, forward: bool) -> bool {
        if let Some(offered) = &mut self.offered {
            let count = offered.options.len();
            let length = offered.options[offered.at].len();
            offered.at = match forward {
                true => (offered.at + 1) % count,
                false => (offered.at + count - 1) % count,
            };
            let option = offered.options[offered.at].clone();
            let range = offered.start..offered.start + length;
            self.input.replace(range, &option);
            return true;
        }
        let values = &self.values;
        let completion = complete(self.input.text(), self.input.cursor(), &|field| {
            values.get(field.name).cloned().unwrap_or_default()
        });
        let Some(first) = completion.options.first() else {
            return false;
        };
        let at = match forward {
            true => 0,
            false => completion.options.len() - 1,
        };
        let option = completion.options.get(at).unwrap_or(first).clone();
        let start = completion.replace.start;
        self.input.replace(completion.replace, &option);
        // A single offer is taken; the next Tab completes what comes then.
        if completion.options.len() > 1 {
            self.offered = Some(Offered {
                options: completion.options,
                at,
                start,
            });
        }
        true
    }

    /// Draws the line; below it, while somebody types, what could come next.
    pub fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        let mark = if self.is_typing { "/ " } else { "  " };
        buffer.set_string(area.x, area.y, mark, context.style(Paint::Key));
        let line = Rect {
            x: area.x + 2.min(area.width),
            width: area.width.saturating_sub(2),
            height: 1.min(area.height),
            ..area
        };
        if self.input.text().is_empty() && !self.is_typing {
            let keys = context.keymap.chords(
                crate::tui::action::Scope::Corpus,
                crate::tui::action::Action::EditQuery,
            );
            let key = keys.first().map_or("", String::as_str);
            let hint = format!("{key} searches: words, \"phrases\", tool:…, is:error, flag:…");
            let hint = cut(&hint, usize::from(line.width));
            buffer.set_string(line.x, line.y, hint, context.style(Paint::Dim));
            return;
        }
        let paint = match self.problem.is_some() && !self.is_typing {
            true => Paint::Warning,
            false => Paint::Text,
        };
        let cursor = self.input.draw(line, context.style(paint), buffer);
        if self.is_typing {
            context.cursor = cursor;
        }
    }

    /// What could come next, or what is wrong, in one line.
    pub fn hint(&self) -> Option<String> {
        if !self.is_typing {
            return self.problem.clone();
        }
        let (options, at) = match &self.offered {
            Some(offered) => (offered.options.clone(), Some(offered.at)),
            None => {
                let values = &self.values;
                let completion = complete(self.input.text(), self.input.cursor(), &|field| {
                    values.get(field.name).cloned().unwrap_or_default()
                });
                (completion.options, None)
            }
        };
        if options.is_empty() {
            return self.problem.clone();
        }
        let first = at.unwrap_or(0).saturating_sub(3);
        let words = options
            .iter()
            .enumerate()
            .skip(first)
            .take(12)
            .map(|(number, option)| match Some(number) == at {
                true => format!("[{option}]"),
                false => option.clone(),
            });
        Some(words.collect::<Vec<_>>().join("  "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completion_goes_round_and_takes_single_offers() {
        let mut line = SearchLine::default();
        line.values.insert(
            "tool".to_owned(),
            vec!["ocr".to_owned(), "search".to_owned()],
        );
        line.begin();
        line.paste("too");
        assert!(line.complete(true));
        assert_eq!(line.text(), "tool:");
        assert!(line.complete(true));
        assert_eq!(line.text(), "tool:ocr");
        line.complete(true);
        assert_eq!(line.text(), "tool:search");
        line.complete(true);
        assert_eq!(line.text(), "tool:ocr");
        line.complete(false);
        assert_eq!(line.text(), "tool:search");
        assert_eq!(line.hint().as_deref(), Some("ocr  [search]"));
    }

    #[test]
    fn history_keeps_each_query_once_and_the_draft() {
        let mut line = SearchLine::default();
        for query in ["one", "two", "one", "one"] {
            line.begin();
            line.set(query);
            line.accept();
        }
        assert_eq!(line.history, ["two", "one"]);
        line.begin();
        line.set("dra");
        assert!(line.recall(-1) && line.recall(-1) && line.recall(-1));
        assert_eq!(line.text(), "two");
        line.recall(1);
        line.recall(1);
        assert_eq!(line.text(), "dra");
        line.cancel();
        assert_eq!(line.text(), "one");
    }
}
