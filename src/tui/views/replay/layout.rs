//! Where the parts of a replay stand: time line, panes, pictures.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::tui::draw_context::DrawContext;
use crate::tui::theme::Paint;
use crate::tui::views::record_lines::summary_line;

use super::{Focus, ReplayView, step_count};

impl ReplayView {
    /// Draws the view.
    pub fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        self.area = area;
        self.draw_head(area, buffer, context);
        let body = Rect {
            y: area.y + 1.min(area.height),
            height: area.height.saturating_sub(1),
            ..area
        };
        let pictures = self.pictures();
        self.picture = self.picture.min(pictures.len().saturating_sub(1));
        self.border = None;
        self.pictures_area = Rect::default();
        let left_width = (body.width / 4).clamp(16, 30);
        let mut left = Rect {
            width: left_width,
            ..body
        };
        let mut middle = Rect {
            x: body.x + left_width + 1,
            width: body.width.saturating_sub(left_width + 1),
            ..body
        };
        if !pictures.is_empty() && body.width >= 100 {
            let width = (body.width * self.divided / 100)
                .clamp(20, middle.width.saturating_sub(30).max(20));
            middle.width = middle.width.saturating_sub(width + 1);
            self.pictures_area = Rect {
                x: middle.right() + 1,
                width,
                ..body
            };
            self.border = Some(middle.right());
        } else if !pictures.is_empty() {
            // Below the time line, if that leaves room.
            let lines = u16::try_from(self.last() + 1)
                .unwrap_or(u16::MAX)
                .saturating_add(1);
            let height = body.height.saturating_sub(lines.min(body.height / 2));
            if height >= 6 {
                left.height = body.height - height;
                self.pictures_area = Rect {
                    y: left.bottom(),
                    height,
                    ..left
                };
            }
        }
        self.time_line.draw(
            (&self.record, self.run.as_deref()),
            self.entry,
            self.focus == Focus::TimeLine,
            left,
            buffer,
            context,
        );
        for y in body.y..body.bottom() {
            buffer.set_string(left.right(), y, "│", context.style(Paint::Border));
            if let Some(x) = self.border {
                buffer.set_string(x, y, "│", context.style(Paint::Border));
            }
        }
        if self.made_for != Some((self.entry, middle.width)) {
            let is_new_place = self.made_for.is_none_or(|(entry, _)| entry != self.entry);
            let writer = self.writer(context.theme, middle.width);
            let lines = self.panes_of(self.entry, &writer);
            self.panes.set(lines, is_new_place);
            self.made_for = Some((self.entry, middle.width));
        }
        self.panes
            .draw(self.focus == Focus::Panes, middle, buffer, context);
        self.draw_pictures(&pictures, buffer, context);
    }

    fn draw_head(&self, area: Rect, buffer: &mut Buffer, context: &DrawContext<'_>) {
        let mut line = summary_line(&self.record, context.theme);
        let place = match self.step() {
            Some(step) => format!("  step {step} of {}", step_count(&self.record)),
            None if self.entry == 0 => "  task".to_owned(),
            None => "  end".to_owned(),
        };
        line.spans
            .push(Span::styled(place, context.style(Paint::Heading)));
        if self.playing.is_some() {
            let pace = self.pace().as_secs_f32();
            line.spans.push(Span::styled(
                format!("  ▶ {pace} s"),
                context.style(Paint::Accent),
            ));
        }
        buffer.set_line(area.x, area.y, &line, area.width);
    }
}
