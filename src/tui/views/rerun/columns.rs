//! Where the parts of a re-run stand: its head, the strip of all candidates, and as many columns as there is room for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::draw_context::DrawContext;
use crate::tui::theme::Paint;
use crate::tui::views::corpus::thousands;
use crate::tui::views::record_lines::Writer;
use crate::tui::widgets::pane::scrolled;
use crate::tui::widgets::styled_text::cut;

use super::strip::Shown;
use super::{Phase, RerunView};

/// A column is at least so wide.
const COLUMN: u16 = 38;

/// Columns of the model's name at most.
const MODEL: usize = 24;

impl RerunView {
    /// Draws the view.
    pub fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        self.draw_head(Rect { height: 1, ..area }, buffer, context);
        let order = self.order();
        let count = u16::try_from(order.len()).unwrap_or(u16::MAX);
        let room = area.height.saturating_sub(1);
        let strip = Rect {
            y: area.y + 1,
            height: count.min(room / 3).max(1).min(room),
            ..area
        };
        let shown = Shown {
            lanes: &self.lanes,
            order: &order,
            is_hidden: self.is_hidden(),
            selected: self.selected,
            picked: self.picked,
            best: self.best,
        };
        self.strip.draw(&shown, strip, buffer, context);
        let body = Rect {
            y: strip.bottom(),
            height: area.bottom().saturating_sub(strip.bottom()),
            ..area
        };
        self.draw_columns(&order, body, buffer, context);
    }

    fn draw_head(&self, area: Rect, buffer: &mut Buffer, context: &DrawContext<'_>) {
        let (said, paint) = self.said();
        let mut spans = vec![
            Span::styled(self.id.to_string(), context.style(Paint::Accent)),
            Span::styled(
                format!("  step {} again", self.step),
                context.style(Paint::Heading),
            ),
        ];
        if !self.model.is_empty() {
            // Of a path the end says more.
            let model = crate::domain::visible_line(&self.model);
            let name = model.rsplit('/').next().unwrap_or(&model);
            let name = cut(name, MODEL);
            spans.push(Span::styled(
                format!("  {name}"),
                context.style(Paint::Text),
            ));
        }
        let used: usize = spans.iter().map(Span::width).sum();
        let room = usize::from(area.width).saturating_sub(used + 2);
        spans.push(Span::styled(
            format!("  {}", cut(&said, room)),
            context.style(paint),
        ));
        buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
    }

    /// How far it is.
    fn said(&self) -> (String, Paint) {
        let whole = self
            .lanes
            .iter()
            .skip(1)
            .filter(|lane| lane.candidate.is_some());
        let (whole, all) = (whole.count(), self.lanes.len().saturating_sub(1));
        match &self.phase {
            Phase::Prepares if self.is_kept() => ("reads the candidates".to_owned(), Paint::Accent),
            Phase::Ended if self.is_hidden() => (
                "blind: the rest is told once you have chosen".to_owned(),
                Paint::Warning,
            ),
            Phase::Prepares => ("gets model and state ready".to_owned(), Paint::Accent),
            Phase::Generates if let Some((read, total)) = self.reading => {
                let said = format!(
                    "reads the prompt: {} of {} tokens",
                    thousands(read as usize),
                    thousands(total as usize)
                );
                (said, Paint::Accent)
            }
            Phase::Generates => {
                let speed = self.speed.filter(|_| whole < all);
                let speed = speed.map_or(String::new(), |speed| format!("  {speed:.0} tok/s"));
                (format!("{whole} of {all} are whole{speed}"), Paint::Accent)
            }
            Phase::Judges(judge) => {
                let judge = crate::domain::visible_line(judge).into_owned();
                (format!("{judge} judges"), Paint::Accent)
            }
            Phase::GoesOn(steps) => (format!("goes on: {steps} steps"), Paint::Accent),
            Phase::Failed(reason) => (reason.clone(), Paint::Bad),
            Phase::Ended => {
                let paint = match self.best {
                    Some(_) => Paint::Good,
                    None => Paint::Warning,
                };
                match &self.reason {
                    Some(reason) => (format!("{}: {reason}", self.verdict), paint),
                    None => (self.verdict.clone(), paint),
                }
            }
        }
    }

    fn draw_columns(
        &mut self,
        order: &[usize],
        area: Rect,
        buffer: &mut Buffer,
        context: &DrawContext<'_>,
    ) {
        self.columns.clear();
        if order.is_empty() {
            return;
        }
        let fitting = usize::from((area.width + 1) / (COLUMN + 1)).max(1);
        let count = fitting.min(order.len()).max(1);
        let front = order.iter().position(|number| *number == self.selected);
        let front = front.unwrap_or(0);
        // As little as shows the one in front.
        if front < self.first_column {
            self.first_column = front;
        } else if front >= self.first_column + count {
            self.first_column = front + 1 - count;
        }
        self.first_column = self.first_column.min(order.len() - count);
        let columns = u16::try_from(count).unwrap_or(1);
        let width = (area.width.saturating_sub(columns - 1)) / columns;
        self.height = usize::from(area.height.saturating_sub(1));
        let mut x = area.x;
        let shown = order.iter().copied().skip(self.first_column).take(count);
        for (at, number) in shown.enumerate() {
            let is_last = at + 1 == count;
            let width = match is_last {
                true => area.right().saturating_sub(x),
                false => width,
            };
            let column = Rect { x, width, ..area };
            self.columns.push(column);
            self.draw_column(number, column, buffer, context);
            x = column.right();
            if !is_last {
                for y in area.y..area.bottom() {
                    buffer.set_string(x, y, "│", context.style(Paint::Border));
                }
                x += 1;
            }
        }
    }

    fn draw_column(
        &mut self,
        number: usize,
        area: Rect,
        buffer: &mut Buffer,
        context: &DrawContext<'_>,
    ) {
        let is_front = number == self.selected;
        let is_picked = self.picked == Some(number);
        let (label, is_hidden) = (self.label(number), self.is_hidden());
        let hides_texts = self.hides_texts();
        let Some(lane) = self.lanes.get_mut(number) else {
            return;
        };
        let paint = match is_front {
            true => Paint::FocusedBorder,
            false => Paint::Heading,
        };
        let picked = if is_picked { " ★" } else { "" };
        let (state, state_paint) = lane.state(is_hidden);
        let maker = match is_hidden {
            false => lane.maker(),
            true => String::new(),
        };
        let title = Line::from(vec![
            Span::styled(format!("{label}  {maker}{picked}"), context.style(paint)),
            Span::styled(format!("  {state}"), context.style(state_paint)),
        ]);
        buffer.set_line(area.x, area.y, &title, area.width);
        let used = u16::try_from(title.width())
            .unwrap_or(u16::MAX)
            .saturating_add(1);
        for x in area.x.saturating_add(used)..area.right() {
            let paint = match is_front {
                true => Paint::FocusedBorder,
                false => Paint::Border,
            };
            buffer.set_string(x, area.y, "─", context.style(paint));
        }
        let text = Rect {
            y: area.y + 1.min(area.height),
            height: area.height.saturating_sub(1),
            ..area
        };
        let writer = Writer {
            theme: context.theme,
            highlighter: &self.highlighter,
            width: usize::from(text.width.saturating_sub(1)).max(8),
        };
        if hides_texts {
            let said = "blind: all are shown together at the end";
            let said = cut(said, usize::from(text.width));
            buffer.set_string(text.x, text.y, said, context.style(Paint::Dim));
            return;
        }
        let (lines, scroll) = lane.lines(&writer, is_hidden);
        scrolled(lines, scroll, text, context.theme, buffer);
    }
}
