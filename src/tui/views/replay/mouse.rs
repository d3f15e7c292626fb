//! The mouse in the replay view: clicks, the wheel, and the border that is dragged.

use ratatui::crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use crate::tui::action::Action;
use crate::tui::theme::Theme;
use crate::tui::views::Request;

use super::{Focus, ReplayView};

impl ReplayView {
    /// Takes the mouse.
    pub fn mouse(&mut self, event: &MouseEvent) -> Vec<Request> {
        let at = Position::new(event.column, event.row);
        match event.kind {
            MouseEventKind::ScrollDown | MouseEventKind::ScrollUp => {
                let is_down = event.kind == MouseEventKind::ScrollDown;
                if self.time_line.area.contains(at) {
                    self.go(if is_down {
                        self.entry + 1
                    } else {
                        self.entry.saturating_sub(1)
                    });
                } else if self.pictures_area.contains(at) {
                    self.turn_picture(if is_down { 1 } else { -1 });
                } else if let Some(pane) = self.panes.at(at.x, at.y) {
                    self.panes.scroll(Some(pane), if is_down { 3 } else { -3 });
                }
            }
            MouseEventKind::Down(MouseButton::Left) => {
                self.is_dragging = self.border.is_some_and(|x| at.x == x || at.x + 1 == x);
                if self.is_dragging {
                } else if let Some(entry) = self.time_line.at(at) {
                    self.focus = Focus::TimeLine;
                    self.go(entry);
                } else if self.pictures_area.contains(at) {
                    return self.act(Action::Zoom, &Theme::plain());
                } else if self.panes.at(at.x, at.y).is_some() {
                    self.focus = Focus::Panes;
                    self.panes.click(at.x, at.y);
                }
            }
            MouseEventKind::Drag(MouseButton::Left) if self.is_dragging => {
                let right = u32::from(self.area.right().saturating_sub(at.x));
                let percent = right * 100 / u32::from(self.area.width.max(1));
                self.divided = u16::try_from(percent).unwrap_or(50).clamp(15, 60);
            }
            MouseEventKind::Up(_) => self.is_dragging = false,
            _ => {}
        }
        Vec::new()
    }
}
