//! A titled part of the screen with lines that scroll.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Widget};

use crate::tui::theme::{Paint, Theme};

/// How far a list of lines is scrolled, kept inside what there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scroll {
    /// The first line that is shown.
    pub top: usize,
}

impl Scroll {
    /// Scrolls by lines, up if negative.
    pub fn by(&mut self, lines: isize) {
        self.top = self.top.saturating_add_signed(lines);
    }

    /// Scrolls no further than to the last line at the bottom.
    pub fn fit(&mut self, count: usize, height: usize) {
        self.top = self.top.min(count.saturating_sub(height));
    }

    /// Scrolls as little as shows a line.
    pub fn show(&mut self, line: usize, height: usize) {
        if line < self.top {
            self.top = line;
        } else if height > 0 && line >= self.top + height {
            self.top = line + 1 - height;
        }
    }
}

/// A frame with a title; what is inside is left free.
pub fn frame(
    title: Line<'static>,
    is_focused: bool,
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) -> Rect {
    let paint = match is_focused {
        true => Paint::FocusedBorder,
        false => Paint::Border,
    };
    let block = Block::default()
        .borders(Borders::ALL)
        .border_style(theme.style(paint))
        .title(title);
    let inner = block.inner(area);
    block.render(area, buffer);
    inner
}

/// A title in the style of headings.
pub fn title(text: impl Into<String>, theme: &Theme) -> Line<'static> {
    Line::from(Span::styled(
        format!(" {} ", text.into()),
        theme.style(Paint::Heading),
    ))
}

/// Lines from a scroll position on, with a mark at the right edge where there is more above or below.
pub fn scrolled(
    lines: &[Line<'static>],
    scroll: &mut Scroll,
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let height = usize::from(area.height);
    scroll.fit(lines.len(), height);
    for (line, y) in lines.iter().skip(scroll.top).zip(area.y..area.bottom()) {
        buffer.set_line(area.x, y, line, area.width);
    }
    let mark = |up: bool, y: u16, buffer: &mut Buffer| {
        if area.width > 4 {
            let text = if up { "▲" } else { "▼" };
            buffer.set_string(area.right() - 1, y, text, theme.style(Paint::Dim));
        }
    };
    if scroll.top > 0 && area.height > 0 {
        mark(true, area.y, buffer);
    }
    if scroll.top + height < lines.len() && area.height > 1 {
        mark(false, area.bottom() - 1, buffer);
    }
}

/// A bar at the right edge that says which part of a long list is shown.
pub fn scroll_bar(
    top: usize,
    shown: usize,
    count: usize,
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    if count <= shown || area.height < 2 || area.width == 0 {
        return;
    }
    let height = usize::from(area.height);
    let size = (height * shown / count).max(1);
    let room = height - size;
    let at = room * top / (count - shown).max(1);
    for y in 0..height {
        let symbol = match (at..at + size).contains(&y) {
            true => "┃",
            false => continue,
        };
        let style = theme.style(Paint::Dim);
        buffer.set_string(area.right() - 1, area.y + y as u16, symbol, style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrolling_stays_inside() {
        let mut scroll = Scroll { top: 90 };
        scroll.fit(20, 5);
        assert_eq!(scroll.top, 15);
        scroll.by(-100);
        assert_eq!(scroll.top, 0);
        scroll.show(7, 5);
        assert_eq!(scroll.top, 3);
        scroll.show(1, 5);
        assert_eq!(scroll.top, 1);
        scroll.fit(3, 5);
        assert_eq!(scroll.top, 0);
    }
}
