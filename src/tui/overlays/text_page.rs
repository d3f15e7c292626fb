use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::tui::draw_context::DrawContext;
use crate::tui::theme::Paint;
use crate::tui::widgets::pane::{self, Scroll};
use crate::tui::widgets::styled_text::{Wrapping, lines};

use super::{Outcome, place};

/// A long text: a raw record, a system prompt, a file.
#[derive(Debug)]
pub struct TextPage {
    title: String,
    text: String,
    scroll: Scroll,
    /// The lines for a width.
    shown: Option<(u16, Vec<Line<'static>>)>,
    height: usize,
}

impl TextPage {
    /// Shows a text.
    pub fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            text: text.into(),
            scroll: Scroll::default(),
            shown: None,
            height: 1,
        }
    }

    pub(super) fn press(&mut self, key: &KeyEvent) -> Outcome {
        let page = self.height.saturating_sub(1).max(1) as isize;
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q') => return Outcome::Close,
            KeyCode::Down | KeyCode::Char('j') => self.scroll.by(1),
            KeyCode::Up | KeyCode::Char('k') => self.scroll.by(-1),
            KeyCode::PageDown | KeyCode::Char(' ') => self.scroll.by(page),
            KeyCode::Char('f' | 'd') if control => self.scroll.by(page),
            KeyCode::Char('b' | 'u') if control => self.scroll.by(-page),
            KeyCode::PageUp => self.scroll.by(-page),
            KeyCode::Home | KeyCode::Char('g') => self.scroll.top = 0,
            KeyCode::End | KeyCode::Char('G') => self.scroll.top = usize::MAX,
            _ => {}
        }
        Outcome::Stay
    }

    pub(super) fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        let outer = place(
            area,
            area.width.saturating_sub(4),
            area.height.saturating_sub(2),
            buffer,
        );
        let title = pane::title(self.title.clone(), context.theme);
        let inner = pane::frame(title, true, outer, context.theme, buffer);
        let style = context.style(Paint::Text);
        if self
            .shown
            .as_ref()
            .is_none_or(|(width, _)| *width != inner.width)
        {
            let room = usize::from(inner.width.saturating_sub(1));
            self.shown = Some((
                inner.width,
                lines(&self.text, style, &[], room, Wrapping::Code),
            ));
        }
        self.height = usize::from(inner.height);
        if let Some((_, text)) = &self.shown {
            pane::scrolled(text, &mut self.scroll, inner, context.theme, buffer);
        }
    }
}
