use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::action::{ACTIONS, Scope};
use crate::tui::draw_context::DrawContext;
use crate::tui::theme::Paint;
use crate::tui::widgets::pane::{self, Scroll};
use crate::tui::widgets::styled_text::column;

use super::{Outcome, place};

/// The keys of the view in front, from the table of actions.
#[derive(Debug)]
pub struct Help {
    scope: Scope,
    scroll: Scroll,
    height: usize,
}

impl Help {
    /// The keys of a scope.
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            scroll: Scroll::default(),
            height: 1,
        }
    }

    pub(super) fn press(&mut self, key: &KeyEvent) -> Outcome {
        let page = self.height.saturating_sub(1).max(1) as isize;
        match key.code {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q' | '?') | KeyCode::F(1) => {
                return Outcome::Close;
            }
            KeyCode::Down | KeyCode::Char('j') => self.scroll.by(1),
            KeyCode::Up | KeyCode::Char('k') => self.scroll.by(-1),
            KeyCode::PageDown | KeyCode::Char(' ') => self.scroll.by(page),
            KeyCode::PageUp => self.scroll.by(-page),
            KeyCode::Home => self.scroll.top = 0,
            KeyCode::End => self.scroll.top = usize::MAX,
            _ => {}
        }
        Outcome::Stay
    }

    pub(super) fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        let own = rows(self.scope, self.scope, context);
        let mut text = own;
        if !self.scope.is_typed_in() {
            text.push(Line::default());
            text.push(Line::styled("Everywhere", context.style(Paint::Heading)));
            text.extend(rows(Scope::Global, self.scope, context));
        } else {
            text.push(Line::default());
            text.push(Line::styled(
                "Everything else is text.",
                context.style(Paint::Dim),
            ));
        }
        let height = u16::try_from(text.len() + 2).unwrap_or(u16::MAX);
        let outer = place(area, 78, height, buffer);
        let name = self.scope.name();
        let title = pane::title(format!("Keys: {name}"), context.theme);
        let inner = pane::frame(title, true, outer, context.theme, buffer);
        self.height = usize::from(inner.height);
        pane::scrolled(&text, &mut self.scroll, inner, context.theme, buffer);
    }
}

/// Columns of the keys.
const KEYS: usize = 20;

/// The actions of a section with the keys that they have in a scope.
fn rows(section: Scope, scope: Scope, context: &DrawContext<'_>) -> Vec<Line<'static>> {
    let actions = ACTIONS.iter().filter(|row| row.scopes.contains(&section));
    let rows = actions.filter_map(|row| {
        let chords = context.keymap.chords(scope, row.action);
        (!chords.is_empty()).then(|| {
            Line::from(vec![
                Span::styled(
                    format!(" {}", column(&chords.join("  "), KEYS)),
                    context.style(Paint::Key),
                ),
                Span::raw(format!(" {}", row.doc)),
            ])
        })
    });
    rows.collect()
}
