//! What was decided, newest first.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{MouseEvent, MouseEventKind};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::domain::TargetId;
use crate::tui::action::Action;
use crate::tui::draw_context::DrawContext;
use crate::tui::effect::{Effect, Failure, InspectRequest, LogEntry, Purpose, Ticket};
use crate::tui::theme::Paint;
use crate::tui::widgets::pane::Scroll;
use crate::tui::widgets::styled_text::cut;

use super::Request;

/// The log view.
#[derive(Debug, Default)]
pub struct LogView {
    entries: Option<Result<Vec<LogEntry>, Failure>>,
    selected: usize,
    scroll: Scroll,
    height: usize,
    area: Rect,
}

impl LogView {
    /// The entries have come.
    pub fn arrived(&mut self, entries: Result<Vec<LogEntry>, Failure>) {
        self.entries = Some(entries);
        self.selected = self.selected.min(self.count().saturating_sub(1));
    }

    fn entries(&self) -> &[LogEntry] {
        match &self.entries {
            Some(Ok(entries)) => entries,
            _ => &[],
        }
    }

    fn count(&self) -> usize {
        self.entries().len()
    }

    /// Does what a key asks for.
    pub fn act(&mut self, action: Action) -> Vec<Request> {
        let last = self.count().saturating_sub(1);
        let page = self.height.saturating_sub(1).max(1);
        match action {
            Action::Down => self.selected = (self.selected + 1).min(last),
            Action::Up => self.selected = self.selected.saturating_sub(1),
            Action::PageDown => self.selected = (self.selected + page).min(last),
            Action::PageUp => self.selected = self.selected.saturating_sub(page),
            Action::First => self.selected = 0,
            Action::Last => self.selected = last,
            Action::Refresh => return vec![Request::Do(Effect::ReadLog)],
            Action::Open => {
                let entry = self.entries().get(self.selected);
                let id = entry
                    .and_then(|entry| entry.said.first())
                    .and_then(|(_, ids)| ids.first());
                return match id.filter(|id| !id.is_empty()) {
                    Some(id) => vec![Request::Do(Effect::Inspect(InspectRequest {
                        ticket: Ticket::default(),
                        id: TargetId::parse(id),
                        purpose: Purpose::Open(None),
                    }))],
                    None => Vec::new(),
                };
            }
            _ => {}
        }
        Vec::new()
    }

    /// Takes the mouse.
    pub fn mouse(&mut self, event: &MouseEvent) -> Vec<Request> {
        match event.kind {
            MouseEventKind::ScrollDown => self.act(Action::Down),
            MouseEventKind::ScrollUp => self.act(Action::Up),
            MouseEventKind::Down(_) => {
                let row = usize::from(event.row.saturating_sub(self.area.y + 1)) + self.scroll.top;
                self.selected = row.min(self.count().saturating_sub(1));
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Draws the view.
    pub fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        self.area = area;
        buffer.set_string(
            area.x,
            area.y,
            "What was decided, newest first",
            context.style(Paint::Heading),
        );
        match &self.entries {
            None => buffer.set_string(area.x, area.y + 1, "…", context.style(Paint::Dim)),
            Some(Err(failure)) => {
                let text = cut(&failure.message, usize::from(area.width));
                buffer.set_string(area.x, area.y + 1, text, context.style(Paint::Bad));
            }
            Some(Ok(entries)) if entries.is_empty() => {
                buffer.set_string(
                    area.x,
                    area.y + 1,
                    "nothing was decided yet",
                    context.style(Paint::Dim),
                );
            }
            Some(Ok(_)) => {}
        }
        self.height = usize::from(area.height.saturating_sub(1));
        let mut scroll = self.scroll;
        scroll.show(self.selected, self.height);
        let entries = self.entries().iter().enumerate().skip(scroll.top);
        for ((number, entry), y) in entries.zip(area.y + 1..area.bottom()) {
            let line = line(entry, context);
            buffer.set_line(area.x, y, &line, area.width);
            if number == self.selected {
                buffer.set_style(
                    Rect {
                        y,
                        height: 1,
                        ..area
                    },
                    context.style(Paint::Selected),
                );
            }
        }
        self.scroll = scroll;
    }
}

fn line(entry: &LogEntry, context: &DrawContext<'_>) -> Line<'static> {
    let mut spans = vec![
        Span::styled(format!("{} ", entry.time), context.style(Paint::Dim)),
        Span::styled(
            format!("{} ", entry.annotator),
            context.style(Paint::Heading),
        ),
    ];
    for (number, (words, ids)) in entry.said.iter().enumerate() {
        let paint = match (entry.is_undone, entry.is_reversal) {
            (true, _) => Paint::Dim,
            (_, true) => Paint::Warning,
            _ => Paint::Text,
        };
        if number > 0 {
            spans.push(Span::raw("; "));
        }
        let words = crate::domain::visible_line(words).into_owned();
        spans.push(Span::styled(format!("{words}  "), context.style(paint)));
        let about = match ids.as_slice() {
            [one] => one.clone(),
            [first, ..] => format!("{first} and {} more", ids.len() - 1),
            [] => String::new(),
        };
        let about = crate::domain::visible_line(&about).into_owned();
        spans.push(Span::styled(about, context.style(Paint::Accent)));
    }
    if entry.is_undone {
        spans.push(Span::styled("  undone", context.style(Paint::Warning)));
    }
    Line::from(spans)
}
