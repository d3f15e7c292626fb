use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;

use crate::tui::draw_context::DrawContext;
use crate::tui::question::Question;
use crate::tui::theme::Paint;
use crate::tui::widgets::line_input::LineInput;
use crate::tui::widgets::pane;
use crate::tui::widgets::styled_text::cut;

use super::confirm::shrunk;
use super::{Answer, Outcome, place};

/// A line to type.
#[derive(Debug)]
pub struct Prompt {
    title: String,
    hint: String,
    input: LineInput,
    question: Question,
}

impl Prompt {
    /// Asks for a line.
    pub fn new(title: impl Into<String>, hint: impl Into<String>, question: Question) -> Self {
        Self {
            title: title.into(),
            hint: hint.into(),
            input: LineInput::default(),
            question,
        }
    }

    pub(super) fn press(&mut self, key: &KeyEvent) -> Outcome {
        match key.code {
            KeyCode::Esc => Outcome::Close,
            KeyCode::Enter => {
                let text = self.input.text().trim().to_owned();
                Outcome::Answer(Answer::Text(self.question.clone(), text))
            }
            _ => {
                self.input.press(key);
                Outcome::Stay
            }
        }
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.input.insert(text);
    }

    pub(super) fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        let outer = place(area, 64, 4, buffer);
        let title = pane::title(self.title.clone(), context.theme);
        let inner = shrunk(pane::frame(title, true, outer, context.theme, buffer));
        let line = Rect {
            height: 1.min(inner.height),
            ..inner
        };
        context.cursor = self.input.draw(line, context.style(Paint::Text), buffer);
        if inner.height > 1 {
            let hint = cut(&self.hint, usize::from(inner.width));
            buffer.set_string(inner.x, inner.y + 1, hint, context.style(Paint::Dim));
        }
    }
}
