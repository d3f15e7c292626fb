use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::draw_context::DrawContext;
use crate::tui::question::Question;
use crate::tui::theme::Paint;
use crate::tui::widgets::pane;
use crate::tui::widgets::styled_text::{Wrapping, lines};

use super::{Answer, Outcome, place};

/// Yes or no.
#[derive(Debug)]
pub struct Confirm {
    text: String,
    question: Question,
}

impl Confirm {
    /// Asks before something is done.
    pub fn new(text: impl Into<String>, question: Question) -> Self {
        Self {
            text: text.into(),
            question,
        }
    }

    pub(super) fn press(&mut self, key: &KeyEvent) -> Outcome {
        match key.code {
            KeyCode::Char('y' | 'Y') | KeyCode::Enter => {
                Outcome::Answer(Answer::Confirmed(self.question.clone()))
            }
            KeyCode::Char('n' | 'N' | 'q') | KeyCode::Esc => Outcome::Close,
            _ => Outcome::Stay,
        }
    }

    pub(super) fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        let width = 60.min(area.width.saturating_sub(4));
        let style = context.style(Paint::Text);
        let mut text = lines(
            &self.text,
            style,
            &[],
            usize::from(width).saturating_sub(4),
            Wrapping::Words,
        );
        text.push(Line::default());
        text.push(Line::from(vec![
            Span::styled("y", context.style(Paint::Key)),
            Span::raw(" yes   "),
            Span::styled("n", context.style(Paint::Key)),
            Span::raw(" no"),
        ]));
        let height = u16::try_from(text.len() + 2).unwrap_or(u16::MAX);
        let outer = place(area, width, height, buffer);
        let title = pane::title("Sure?", context.theme);
        let inner = pane::frame(title, true, outer, context.theme, buffer);
        let mut scroll = pane::Scroll::default();
        pane::scrolled(&text, &mut scroll, shrunk(inner), context.theme, buffer);
    }
}

/// A column free on both sides.
pub(super) fn shrunk(area: Rect) -> Rect {
    Rect {
        x: area.x + 1.min(area.width),
        width: area.width.saturating_sub(2),
        ..area
    }
}
