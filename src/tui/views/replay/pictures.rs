//! The pictures beside a step, with the boxes that its observation names.

use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::style::Color;
use ratatui::text::Line;

use crate::domain::PictureReference;
use crate::tui::boxes::boxes;
use crate::tui::draw_context::DrawContext;
use crate::tui::effect::{PictureBox, PictureRequest};
use crate::tui::picture_encoding::BOX_COLORS;
use crate::tui::theme::{Paint, Theme};
use crate::tui::widgets::styled_text::cut;

use super::ReplayView;

impl ReplayView {
    /// Pictures of the step, then those of the task.
    pub(super) fn pictures(&self) -> Vec<PictureRequest> {
        let Some(trajectory) = self.trajectory() else {
            return Vec::new();
        };
        let step = self.step().and_then(|step| trajectory.steps.get(step - 1));
        let own = step.into_iter().flat_map(|step| {
            let observed = step.observation.iter().flat_map(|o| &o.pictures);
            observed.chain(&step.pictures)
        });
        let of_task = trajectory.task.attachments.iter().map(|a| &a.reference);
        let of_task: Vec<&PictureReference> = of_task.filter(|r| r.is_picture()).collect();
        // A picture that the step's code names comes first.
        let code = step.and_then(|step| step.code()).unwrap_or_default();
        let named = |reference: &&&PictureReference| {
            let label = reference.label();
            let name = label.rsplit('/').next().unwrap_or(label);
            !name.is_empty() && code.contains(name)
        };
        let (first, rest): (Vec<_>, Vec<_>) = of_task.iter().partition(|r| named(r));
        let boxes: Vec<PictureBox> = match (self.shows_boxes, step) {
            (true, Some(step)) => step
                .observation
                .as_ref()
                .map(|o| boxes(&o.text))
                .unwrap_or_default(),
            _ => Vec::new(),
        };
        let mut seen: Vec<&PictureReference> = Vec::new();
        for reference in own
            .chain(first.into_iter().copied())
            .chain(rest.into_iter().copied())
        {
            if !seen.contains(&reference) {
                seen.push(reference);
            }
        }
        let request = |reference: &PictureReference| PictureRequest {
            record: self.record.record.id.clone(),
            reference: reference.clone(),
            room: Size::default(),
            boxes: boxes.clone(),
        };
        seen.into_iter().map(request).collect()
    }

    /// Draws them where there is room.
    pub(super) fn draw_pictures(
        &mut self,
        pictures: &[PictureRequest],
        buffer: &mut Buffer,
        context: &mut DrawContext<'_>,
    ) {
        let area = self.pictures_area;
        if pictures.is_empty() || area.width < 4 || area.height < 3 {
            return;
        }
        if self.is_grid && pictures.len() > 1 {
            for (picture, place) in pictures.iter().zip(grid(pictures.len(), area)) {
                context
                    .pictures
                    .draw(picture.clone(), place, context.theme, buffer);
            }
            return;
        }
        let Some(picture) = pictures.get(self.picture) else {
            return;
        };
        let labels: Vec<Line<'static>> = box_labels(&picture.boxes, context.theme);
        let below = 1 + u16::try_from(labels.len())
            .unwrap_or(u16::MAX)
            .min(area.height / 3);
        let place = Rect {
            height: area.height.saturating_sub(below),
            ..area
        };
        let mut request = picture.clone();
        request.room = place.as_size();
        context
            .pictures
            .draw(request.clone(), place, context.theme, buffer);
        // What is said of it stands right below it.
        let drawn = context.pictures.cells(&request);
        let below = place.y + drawn.map_or(place.height, |cells| cells.height.min(place.height));
        let label = request.reference.label();
        let name = label.rsplit(['/', '\\']).next().unwrap_or(label);
        let pixels = context.pictures.pixels(&request);
        let size = pixels.map_or(String::new(), |(w, h)| format!(" {w}×{h}"));
        let number = match pictures.len() {
            1 => String::new(),
            count => format!("{}/{count} ", self.picture + 1),
        };
        let line = cut(&format!("{number}{name}{size}"), usize::from(area.width));
        buffer.set_string(area.x, below, line, context.style(Paint::Dim));
        for (line, y) in labels.iter().zip(below + 1..area.bottom()) {
            buffer.set_line(area.x, y, line, area.width);
        }
    }
}

/// What boxes are said to be, each in its colour.
fn box_labels(boxes: &[PictureBox], theme: &Theme) -> Vec<Line<'static>> {
    let named = boxes
        .iter()
        .enumerate()
        .filter(|(_, found)| !found.label.is_empty());
    let line = |(number, found): (usize, &PictureBox)| {
        let [r, g, b] = BOX_COLORS[number % BOX_COLORS.len()];
        let color = Color::Rgb(r, g, b);
        let style = theme.style(Paint::Text);
        let style = match theme.has_colors() {
            true => style.fg(color),
            false => style,
        };
        let label = crate::domain::visible_line(&found.label).into_owned();
        Line::styled(format!("□ {label}"), style)
    };
    named.map(line).collect()
}

/// Places for so many pictures, in rows.
fn grid(count: usize, area: Rect) -> Vec<Rect> {
    let columns = match count {
        0 | 1 => 1,
        2..=4 => 2,
        _ => 3,
    };
    let rows = count.div_ceil(columns);
    let (width, height) = (
        area.width / columns as u16,
        area.height / rows.max(1) as u16,
    );
    let place = |number: usize| Rect {
        x: area.x + (number % columns) as u16 * width,
        y: area.y + (number / columns) as u16 * height,
        width: width.saturating_sub(1),
        height,
    };
    (0..count).map(place).collect()
}
