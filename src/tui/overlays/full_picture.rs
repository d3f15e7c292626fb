use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;

use crate::tui::draw_context::DrawContext;
use crate::tui::effect::PictureRequest;
use crate::tui::theme::Paint;

use super::{Outcome, place};

/// A picture on the whole screen, with its neighbours a key away.
#[derive(Debug)]
pub struct FullPicture {
    pictures: Vec<PictureRequest>,
    at: usize,
    with_boxes: bool,
}

impl FullPicture {
    /// Shows one of several.
    pub fn new(pictures: Vec<PictureRequest>, at: usize) -> Self {
        Self {
            at: at.min(pictures.len().saturating_sub(1)),
            pictures,
            with_boxes: true,
        }
    }

    pub(super) fn press(&mut self, key: &KeyEvent) -> Outcome {
        let count = self.pictures.len().max(1);
        match key.code {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q' | 'z') => return Outcome::Close,
            KeyCode::Right | KeyCode::Char(']' | 'l' | ' ') => self.at = (self.at + 1) % count,
            KeyCode::Left | KeyCode::Char('[' | 'h') => self.at = (self.at + count - 1) % count,
            KeyCode::Char('b') => self.with_boxes = !self.with_boxes,
            _ => {}
        }
        Outcome::Stay
    }

    pub(super) fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        let outer = place(area, area.width, area.height, buffer);
        let Some(picture) = self.pictures.get(self.at) else {
            return;
        };
        let mut request = picture.clone();
        if !self.with_boxes {
            request.boxes.clear();
        }
        let shown = Rect {
            height: outer.height.saturating_sub(1),
            ..outer
        };
        request.room = shown.as_size();
        context
            .pictures
            .draw(request.clone(), shown, context.theme, buffer);
        let pixels = context.pictures.pixels(&request);
        let size = pixels.map_or(String::new(), |(w, h)| format!("  {w}×{h}"));
        let boxes = match (picture.boxes.len(), self.with_boxes) {
            (0, _) => String::new(),
            (count, true) => format!("  {count} boxes (b: hide)"),
            (count, false) => format!("  {count} boxes (b: show)"),
        };
        let line = format!(
            "{} of {}  {}{size}{boxes}   ← → others, Esc back",
            self.at + 1,
            self.pictures.len(),
            request.reference.label(),
        );
        let line = crate::tui::widgets::styled_text::column(&line, usize::from(outer.width));
        let y = outer.bottom().saturating_sub(1);
        buffer.set_string(outer.x, y, line, context.style(Paint::Status));
    }
}
