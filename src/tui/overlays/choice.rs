use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;

use crate::tui::draw_context::DrawContext;
use crate::tui::question::Question;
use crate::tui::theme::Paint;
use crate::tui::widgets::pane::{self, Scroll};
use crate::tui::widgets::styled_text::{column, width};

use super::confirm::shrunk;
use super::{Answer, Outcome, place};

/// One of several.
#[derive(Debug)]
pub struct Choice {
    title: String,
    options: Vec<String>,
    selected: usize,
    scroll: Scroll,
    question: Question,
}

impl Choice {
    /// Asks which.
    pub fn new(title: impl Into<String>, options: Vec<String>, question: Question) -> Self {
        Self {
            title: title.into(),
            options,
            selected: 0,
            scroll: Scroll::default(),
            question,
        }
    }

    /// With another option in front than the first.
    #[must_use]
    pub fn at(mut self, selected: usize) -> Self {
        self.selected = selected.min(self.options.len().saturating_sub(1));
        self
    }

    pub(super) fn press(&mut self, key: &KeyEvent) -> Outcome {
        let last = self.options.len().saturating_sub(1);
        match key.code {
            KeyCode::Esc | KeyCode::Char('q') => return Outcome::Close,
            KeyCode::Down | KeyCode::Char('j') => self.selected = (self.selected + 1).min(last),
            KeyCode::Up | KeyCode::Char('k') => self.selected = self.selected.saturating_sub(1),
            KeyCode::Home => self.selected = 0,
            KeyCode::End => self.selected = last,
            KeyCode::Char(digit @ '1'..='9') => {
                let number = digit as usize - '1' as usize;
                if number <= last && !self.options.is_empty() {
                    return Outcome::Answer(Answer::Chosen(self.question.clone(), number));
                }
            }
            KeyCode::Enter if self.options.is_empty() => return Outcome::Close,
            KeyCode::Enter => {
                return Outcome::Answer(Answer::Chosen(self.question.clone(), self.selected));
            }
            _ => {}
        }
        Outcome::Stay
    }

    pub(super) fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        let widest = self
            .options
            .iter()
            .map(|option| width(option))
            .max()
            .unwrap_or(0);
        let wanted = widest.max(width(&self.title)) + 10;
        let height = u16::try_from(self.options.len() + 2).unwrap_or(u16::MAX);
        let outer = place(
            area,
            u16::try_from(wanted).unwrap_or(u16::MAX).clamp(30, 76),
            height,
            buffer,
        );
        let title = pane::title(self.title.clone(), context.theme);
        let inner = shrunk(pane::frame(title, true, outer, context.theme, buffer));
        let shown = usize::from(inner.height);
        self.scroll.show(self.selected, shown);
        let options = self
            .options
            .iter()
            .enumerate()
            .skip(self.scroll.top)
            .take(shown);
        for ((number, option), y) in options.zip(inner.y..) {
            let paint = match number == self.selected {
                true => Paint::Selected,
                false => Paint::Text,
            };
            let key = match number {
                0..=8 => format!("{} ", number + 1),
                _ => "  ".to_owned(),
            };
            let room = usize::from(inner.width).saturating_sub(key.len());
            let line = format!("{key}{}", column(option, room));
            buffer.set_string(inner.x, y, line, context.style(paint));
        }
    }
}
