use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::tui::draw_context::DrawContext;
use crate::tui::effect::Failure;
use crate::tui::theme::Paint;
use crate::tui::widgets::pane;
use crate::tui::widgets::styled_text::{Wrapping, lines};

use super::confirm::shrunk;
use super::{Outcome, place};

/// An error, with what to do.
#[derive(Debug)]
pub struct Notice {
    failure: Failure,
}

impl Notice {
    /// Says what happened.
    pub fn new(failure: Failure) -> Self {
        Self { failure }
    }

    pub(super) fn press(&mut self, key: &KeyEvent) -> Outcome {
        match key.code {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q' | ' ') => Outcome::Close,
            _ => Outcome::Stay,
        }
    }

    pub(super) fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        let width = 70.min(area.width.saturating_sub(4));
        let room = usize::from(width).saturating_sub(4);
        let bad = context.style(Paint::Bad);
        let mut text = lines(&self.failure.message, bad, &[], room, Wrapping::Words);
        for hint in &self.failure.hints {
            text.push(Line::default());
            text.extend(lines(
                hint,
                context.style(Paint::Text),
                &[],
                room,
                Wrapping::Words,
            ));
        }
        text.push(Line::default());
        text.push(Line::styled("Enter closes this", context.style(Paint::Dim)));
        let height = u16::try_from(text.len() + 2).unwrap_or(u16::MAX);
        let outer = place(area, width, height, buffer);
        let title = pane::title("This did not work", context.theme);
        let inner = shrunk(pane::frame(title, true, outer, context.theme, buffer));
        pane::scrolled(
            &text,
            &mut pane::Scroll::default(),
            inner,
            context.theme,
            buffer,
        );
    }
}
