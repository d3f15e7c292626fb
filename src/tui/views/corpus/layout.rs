//! Where the panes of the corpus view stand, and how the mouse moves their borders and what is in them.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::index::Highlighter;
use crate::tui::backend::understood;
use crate::tui::draw_context::DrawContext;
use crate::tui::theme::Paint;
use crate::tui::views::Request;
use crate::tui::widgets::styled_text::cut;

use super::{CorpusView, Focus};

/// How wide panes are, in percent, and where their borders were drawn.
#[derive(Debug)]
pub(super) struct Splits {
    facets: u16,
    preview: u16,
    facets_border: Option<u16>,
    preview_border: Option<u16>,
    dragged: Option<Focus>,
    area: Rect,
}

impl Default for Splits {
    fn default() -> Self {
        Self {
            facets: 20,
            preview: 36,
            facets_border: None,
            preview_border: None,
            dragged: None,
            area: Rect::default(),
        }
    }
}

impl CorpusView {
    /// Takes the mouse.
    pub fn mouse(&mut self, event: &MouseEvent) -> Vec<Request> {
        let at = Position::new(event.column, event.row);
        let pane = [
            (Focus::Facets, self.facets.area),
            (Focus::Results, self.list.area),
            (Focus::Preview, self.preview.area),
        ]
        .into_iter()
        .find(|(_, area)| area.contains(at))
        .map(|(pane, _)| pane);
        match event.kind {
            MouseEventKind::ScrollDown | MouseEventKind::ScrollUp => {
                let rows = if event.kind == MouseEventKind::ScrollDown {
                    3
                } else {
                    -3
                };
                let focus = self.focus;
                self.focus = pane.unwrap_or(focus);
                let requests = self.move_by(rows).unwrap_or_default();
                self.focus = focus;
                requests
            }
            MouseEventKind::Down(MouseButton::Left) => {
                self.splits.dragged = self.splits.at(at);
                if self.splits.dragged.is_some() {
                    return Vec::new();
                }
                if at.y == self.splits.area.y {
                    self.line.begin();
                    return Vec::new();
                }
                self.click(pane, at)
            }
            MouseEventKind::Drag(MouseButton::Left) => {
                self.splits.drag(at.x);
                Vec::new()
            }
            MouseEventKind::Up(_) => {
                self.splits.dragged = None;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn click(&mut self, pane: Option<Focus>, at: Position) -> Vec<Request> {
        let Some(pane) = pane else {
            return Vec::new();
        };
        let was_focused = self.focus == pane;
        self.focus = pane;
        match pane {
            Focus::Facets if self.facets.click(at.y) => self.toggle(false),
            Focus::Results => {
                let before = self.list.selected().map(|row| row.hit.id.clone());
                if !self.list.click(at.y) {
                    return Vec::new();
                }
                let selected = self.list.selected().map(|row| row.hit.id.clone());
                // A click on what is selected opens it.
                match was_focused && before == selected {
                    true => self.open(),
                    false => self.move_results(0),
                }
            }
            _ => Vec::new(),
        }
    }

    /// Draws the view.
    pub fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        self.splits.area = area;
        self.facets.area = Rect::default();
        self.preview.area = Rect::default();
        let line = Rect {
            height: 1.min(area.height),
            ..area
        };
        self.line.draw(line, buffer, context);
        let mut top = area.y + 1;
        if let Some(hint) = self.line.hint() {
            let paint = match self.line.problem.is_some() && !self.line.is_typing {
                true => Paint::Warning,
                false => Paint::Dim,
            };
            let hint = cut(&hint, usize::from(area.width.saturating_sub(2)));
            buffer.set_string(area.x + 2.min(area.width), top, hint, context.style(paint));
            top += 1;
        }
        let body = Rect {
            y: top,
            height: area.bottom().saturating_sub(top),
            ..area
        };
        let layout = self.layout(body);
        if let Some(facets) = layout.facets {
            let query = self.line.text().to_owned();
            let is_focused = self.focus == Focus::Facets && !self.line.is_typing;
            self.facets
                .draw(&query, is_focused, facets, buffer, context);
        }
        let is_focused = self.focus == Focus::Results && !self.line.is_typing;
        self.list
            .draw(is_focused, self.is_blind, layout.results, buffer, context);
        if let Some(preview) = layout.preview {
            let is_focused = self.focus == Focus::Preview && !self.line.is_typing;
            let finding = &self.list.finding;
            let highlighter = || Highlighter::from_query(&understood(finding).0);
            let blind = self.is_blind.then_some(self.annotator.as_str());
            self.preview
                .draw(is_focused, blind, highlighter, preview, buffer, context);
        }
    }

    fn layout(&mut self, body: Rect) -> PaneLayout {
        self.splits.facets_border = None;
        self.splits.preview_border = None;
        // Where there is no room, what has the focus is what is seen.
        let wide = body.width >= 100;
        let shows_facets = !self.hides_facets && (wide || self.focus == Focus::Facets);
        let mut rest = body;
        let mut layout = PaneLayout::default();
        if shows_facets {
            let width = (body.width * self.splits.facets / 100)
                .clamp(18, 44)
                .min(body.width / 2);
            layout.facets = Some(Rect { width, ..body });
            rest.x += width;
            rest.width -= width;
            self.splits.facets_border = Some(rest.x);
        }
        if self.hides_preview {
            layout.results = rest;
        } else if body.width >= 120 {
            let width = (body.width * self.splits.preview / 100)
                .clamp(30, rest.width.saturating_sub(40).max(30));
            let results = rest.width.saturating_sub(width);
            layout.results = Rect {
                width: results,
                ..rest
            };
            layout.preview = Some(Rect {
                x: rest.x + results,
                width,
                ..rest
            });
            self.splits.preview_border = Some(rest.x + results);
        } else if rest.height >= 12 {
            let height = match self.focus {
                Focus::Preview => rest.height * 2 / 3,
                _ => rest.height * 2 / 5,
            };
            let results = rest.height - height;
            layout.results = Rect {
                height: results,
                ..rest
            };
            layout.preview = Some(Rect {
                y: rest.y + results,
                height,
                ..rest
            });
        } else if self.focus == Focus::Preview {
            layout.preview = Some(rest);
        } else {
            layout.results = rest;
        }
        layout
    }
}

#[derive(Debug, Default)]
struct PaneLayout {
    facets: Option<Rect>,
    results: Rect,
    preview: Option<Rect>,
}

impl Splits {
    fn at(&self, at: Position) -> Option<Focus> {
        let near = |border: Option<u16>| border.is_some_and(|x| at.x == x || at.x + 1 == x);
        if at.y <= self.area.y {
            None
        } else if near(self.facets_border) {
            Some(Focus::Facets)
        } else if near(self.preview_border) {
            Some(Focus::Preview)
        } else {
            None
        }
    }

    fn drag(&mut self, x: u16) {
        let width = self.area.width.max(1);
        let percent = |columns: u16| (u32::from(columns) * 100 / u32::from(width)) as u16;
        let from_left = percent(x.saturating_sub(self.area.x));
        match self.dragged {
            Some(Focus::Facets) => self.facets = from_left.clamp(10, 40),
            Some(Focus::Preview) => self.preview = (100 - from_left.min(100)).clamp(20, 60),
            _ => {}
        }
    }
}
