use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;

use crate::tui::action::{ACTIONS, ActionRow, Scope};
use crate::tui::draw_context::DrawContext;
use crate::tui::theme::Paint;
use crate::tui::widgets::line_input::LineInput;
use crate::tui::widgets::pane::{self, Scroll};
use crate::tui::widgets::styled_text::column;

use super::confirm::shrunk;
use super::{Answer, Outcome, place};

/// Every action of the view in front, found by pieces of its name or of what it does.
#[derive(Debug)]
pub struct Palette {
    scope: Scope,
    input: LineInput,
    found: Vec<&'static ActionRow>,
    selected: usize,
    scroll: Scroll,
}

impl Palette {
    /// The actions of a scope.
    pub fn new(scope: Scope) -> Self {
        let mut palette = Self {
            scope,
            input: LineInput::default(),
            found: Vec::new(),
            selected: 0,
            scroll: Scroll::default(),
        };
        palette.find();
        palette
    }

    fn find(&mut self) {
        self.selected = 0;
        let here = ACTIONS.iter().filter(|row| row.action.is_in(self.scope));
        let typed = self.input.text().trim();
        if typed.is_empty() {
            self.found = here.collect();
            return;
        }
        let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut characters = Vec::new();
        let mut scored: Vec<(u32, &ActionRow)> = here
            .filter_map(|row| {
                let mut score =
                    |text: &str| pattern.score(Utf32Str::new(text, &mut characters), &mut matcher);
                // A name says more than a description.
                let name = score(row.name).map(|score| score * 2);
                let doc = score(row.doc);
                Some((name.max(doc)?, row))
            })
            .collect();
        scored.sort_by_key(|(score, row)| (std::cmp::Reverse(*score), row.name));
        self.found = scored.into_iter().map(|(_, row)| row).collect();
    }

    pub(super) fn press(&mut self, key: &KeyEvent) -> Outcome {
        let last = self.found.len().saturating_sub(1);
        match key.code {
            KeyCode::Esc => return Outcome::Close,
            KeyCode::Enter => {
                return match self.found.get(self.selected) {
                    Some(row) => Outcome::Answer(Answer::Run(row.action)),
                    None => Outcome::Close,
                };
            }
            KeyCode::Down | KeyCode::Tab => self.selected = (self.selected + 1).min(last),
            KeyCode::Up | KeyCode::BackTab => self.selected = self.selected.saturating_sub(1),
            KeyCode::PageDown => self.selected = (self.selected + 10).min(last),
            KeyCode::PageUp => self.selected = self.selected.saturating_sub(10),
            _ => {
                if self.input.press(key) {
                    self.find();
                }
            }
        }
        Outcome::Stay
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.input.insert(text);
        self.find();
    }

    pub(super) fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        let outer = place(area, 78, 20, buffer);
        let title = pane::title("What to do?", context.theme);
        let inner = shrunk(pane::frame(title, true, outer, context.theme, buffer));
        let line = Rect {
            height: 1.min(inner.height),
            ..inner
        };
        context.cursor = self.input.draw(line, context.style(Paint::Text), buffer);
        let list = Rect {
            y: inner.y + 2.min(inner.height),
            height: inner.height.saturating_sub(2),
            ..inner
        };
        let shown = usize::from(list.height);
        self.scroll.show(self.selected, shown);
        self.scroll.fit(self.found.len(), shown);
        let rows = self
            .found
            .iter()
            .enumerate()
            .skip(self.scroll.top)
            .take(shown);
        for ((number, row), y) in rows.zip(list.y..) {
            let paint = match number == self.selected {
                true => Paint::Selected,
                false => Paint::Text,
            };
            let chords = context.keymap.chords(self.scope, row.action);
            let keys = chords.first().map_or("", String::as_str);
            let room = usize::from(list.width).saturating_sub(20 + 11);
            let line = format!(
                "{} {} {}",
                column(row.name, 19),
                column(row.doc, room),
                column(keys, 10)
            );
            buffer.set_string(
                list.x,
                y,
                column(&line, usize::from(list.width)),
                context.style(paint),
            );
        }
        if self.found.is_empty() && list.height > 0 {
            buffer.set_string(
                list.x,
                list.y,
                "no action is called that",
                context.style(Paint::Dim),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::KeyModifiers;

    use super::*;
    use crate::tui::action::Action;

    #[test]
    fn pieces_of_a_name_find_an_action() {
        let mut palette = Palette::new(Scope::Replay);
        palette.paste("firwro");
        assert_eq!(palette.found[0].action, Action::FirstWrongStep);
        let enter = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
        let outcome = palette.press(&enter);
        assert!(matches!(
            outcome,
            Outcome::Answer(Answer::Run(Action::FirstWrongStep))
        ));
        palette.paste("zzzz");
        assert!(palette.found.is_empty());
        assert!(matches!(palette.press(&enter), Outcome::Close));
        let here = Palette::new(Scope::Corpus).found;
        assert!(here.iter().all(|row| row.action.is_in(Scope::Corpus)));
    }
}
