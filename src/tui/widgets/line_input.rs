//! One line that is typed: a query, a tag, a number.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::domain::visible_line;

/// A line with a cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineInput {
    text: String,
    /// A byte of the text, at the border of a grapheme.
    cursor: usize,
}

impl LineInput {
    /// A line with the cursor at its end.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            cursor: text.len(),
            text,
        }
    }

    /// What is typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The byte that the cursor is at.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Replaces bytes, and puts the cursor behind what took their place.
    pub fn replace(&mut self, range: std::ops::Range<usize>, text: &str) {
        if self.text.get(range.clone()).is_some() {
            self.text.replace_range(range.clone(), text);
            self.cursor = range.start + text.len();
        }
    }

    /// Types a text; line breaks in it become blanks.
    pub fn insert(&mut self, text: &str) {
        let text = text.replace(['\r', '\n'], " ");
        self.text.insert_str(self.cursor, &text);
        self.cursor += text.len();
    }

    /// Takes a key; whether it was one of this line's.
    pub fn press(&mut self, key: &KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match key.code {
            KeyCode::Char('a') if control => self.cursor = 0,
            KeyCode::Char('e') if control => self.cursor = self.text.len(),
            KeyCode::Char('u') if control => self.replace(0..self.cursor, ""),
            KeyCode::Char('k') if control => self.text.truncate(self.cursor),
            KeyCode::Char('w') if control => self.replace(self.word_start()..self.cursor, ""),
            KeyCode::Char(c) if !control && !alt => self.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace if alt => self.replace(self.word_start()..self.cursor, ""),
            KeyCode::Backspace => self.replace(self.before()..self.cursor, ""),
            KeyCode::Delete => {
                let at = self.cursor;
                self.replace(at..self.after(), "");
            }
            KeyCode::Left if control || alt => self.cursor = self.word_start(),
            KeyCode::Right if control || alt => self.cursor = self.word_end(),
            KeyCode::Left => self.cursor = self.before(),
            KeyCode::Right => self.cursor = self.after(),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            _ => return false,
        }
        true
    }

    fn before(&self) -> usize {
        let mut graphemes = self.text[..self.cursor].grapheme_indices(true);
        graphemes.next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        let mut graphemes = self.text[self.cursor..].graphemes(true);
        self.cursor + graphemes.next().map_or(0, str::len)
    }

    fn word_start(&self) -> usize {
        let before = self.text[..self.cursor].trim_end();
        before.rfind(char::is_whitespace).map_or(0, |at| {
            at + before[at..].chars().next().map_or(1, char::len_utf8)
        })
    }

    fn word_end(&self) -> usize {
        let rest = &self.text[self.cursor..];
        let blank = rest.len() - rest.trim_start().len();
        let word = rest[blank..].find(char::is_whitespace);
        word.map_or(self.text.len(), |at| self.cursor + blank + at)
    }

    /// Draws the line, scrolled so that the cursor can be seen; where the cursor is, if it is shown.
    pub fn draw(&self, area: Rect, style: Style, buffer: &mut Buffer) -> Option<Position> {
        if area.width == 0 || area.height == 0 {
            return None;
        }
        let room = usize::from(area.width);
        let before = visible_line(&self.text[..self.cursor]).into_owned();
        // The cursor has a column of its own.
        let skipped = (before.width() + 1).saturating_sub(room);
        let all = visible_line(&self.text).into_owned();
        let mut column = 0;
        let mut x = area.x;
        for grapheme in all.graphemes(true) {
            let width = grapheme.width();
            let left = column;
            column += width;
            if left < skipped {
                continue;
            }
            if usize::from(x - area.x) + width > room {
                break;
            }
            buffer.set_string(x, area.y, grapheme, style);
            x += width as u16;
        }
        let cursor = before.width().saturating_sub(skipped).min(room - 1);
        Some(Position::new(area.x + cursor as u16, area.y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(input: &mut LineInput, code: KeyCode, modifiers: KeyModifiers) {
        assert!(input.press(&KeyEvent::new(code, modifiers)));
    }

    #[test]
    fn keys_move_by_graphemes_and_words() {
        let mut input = LineInput::new("one 漢e\u{301} two");
        press(&mut input, KeyCode::Left, KeyModifiers::CONTROL);
        assert_eq!(&input.text()[input.cursor()..], "two");
        press(&mut input, KeyCode::Left, KeyModifiers::NONE);
        press(&mut input, KeyCode::Backspace, KeyModifiers::NONE);
        assert_eq!(input.text(), "one 漢 two");
        press(&mut input, KeyCode::Char('w'), KeyModifiers::CONTROL);
        assert_eq!(input.text(), "one  two");
        press(&mut input, KeyCode::Home, KeyModifiers::NONE);
        press(&mut input, KeyCode::Right, KeyModifiers::ALT);
        press(&mut input, KeyCode::Char('k'), KeyModifiers::CONTROL);
        assert_eq!(input.text(), "one");
        input.insert("\nx");
        assert_eq!(input.text(), "one x");
        assert!(!input.press(&KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)));
    }

    #[test]
    fn the_cursor_can_always_be_seen() {
        let input = LineInput::new("a long line of words");
        let area = Rect::new(0, 0, 6, 1);
        let mut buffer = Buffer::empty(area);
        let cursor = input.draw(area, Style::default(), &mut buffer);
        assert_eq!(cursor, Some(Position::new(5, 0)));
        let shown: String = buffer.content.iter().map(|cell| cell.symbol()).collect();
        assert_eq!(shown, "words ");
    }

    proptest::proptest! {
        #[test]
        fn no_key_breaks_it(keys in proptest::collection::vec((0usize..14, proptest::bool::ANY), 0..60)) {
            let codes = [
                KeyCode::Char('漢'), KeyCode::Char('a'), KeyCode::Char(' '), KeyCode::Char('w'), KeyCode::Char('k'),
                KeyCode::Char('u'), KeyCode::Char('\u{301}'), KeyCode::Backspace, KeyCode::Delete, KeyCode::Left,
                KeyCode::Right, KeyCode::Home, KeyCode::End, KeyCode::Char('e'),
            ];
            let mut input = LineInput::default();
            let area = Rect::new(0, 0, 5, 1);
            for (code, control) in keys {
                let modifiers = if control { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
                input.press(&KeyEvent::new(codes[code], modifiers));
                proptest::prop_assert!(input.text().is_char_boundary(input.cursor()));
                input.draw(area, Style::default(), &mut Buffer::empty(area));
            }
        }
    }
}
