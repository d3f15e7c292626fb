use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;

use crate::domain::review::Rejection;
use crate::tui::draw_context::DrawContext;
use crate::tui::theme::Paint;
use crate::tui::widgets::line_input::LineInput;
use crate::tui::widgets::pane;
use crate::tui::widgets::styled_text::{column, cut};

use super::confirm::shrunk;
use super::{Answer, Outcome, place};

/// Why something is rejected: reasons of the settings, and words of one's own.
#[derive(Debug)]
pub struct RejectionForm {
    title: String,
    reasons: Vec<String>,
    chosen: Vec<bool>,
    /// A reason, or the text behind the last one.
    at: usize,
    text: LineInput,
}

impl RejectionForm {
    /// Asks for the reasons to reject what the title says.
    pub fn new(title: impl Into<String>, reasons: &[String]) -> Self {
        Self {
            title: title.into(),
            chosen: vec![false; reasons.len()],
            reasons: reasons.to_vec(),
            at: 0,
            text: LineInput::default(),
        }
    }

    fn is_in_text(&self) -> bool {
        self.at == self.reasons.len()
    }

    fn toggle(&mut self, number: usize) {
        if let Some(chosen) = self.chosen.get_mut(number) {
            *chosen = !*chosen;
            self.at = number;
        }
    }

    pub(super) fn press(&mut self, key: &KeyEvent) -> Outcome {
        let last = self.reasons.len();
        match key.code {
            KeyCode::Esc => return Outcome::Close,
            KeyCode::Enter => {
                let chosen = self.reasons.iter().zip(&self.chosen);
                let reasons = chosen.filter(|(_, is_chosen)| **is_chosen);
                let text = self.text.text().trim().to_owned();
                return Outcome::Answer(Answer::Rejected(Rejection {
                    reasons: reasons.map(|(reason, _)| reason.clone()).collect(),
                    text,
                }));
            }
            KeyCode::Down | KeyCode::Tab => self.at = (self.at + 1).min(last),
            KeyCode::Up | KeyCode::BackTab => self.at = self.at.saturating_sub(1),
            _ if self.is_in_text() => {
                self.text.press(key);
            }
            KeyCode::Char(' ' | 'x') => self.toggle(self.at),
            KeyCode::Char('j') => self.at = (self.at + 1).min(last),
            KeyCode::Char('k') => self.at = self.at.saturating_sub(1),
            KeyCode::Char(digit @ '1'..='9') => self.toggle(digit as usize - '1' as usize),
            _ => {}
        }
        Outcome::Stay
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.at = self.reasons.len();
        self.text.insert(text);
    }

    pub(super) fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        let height = u16::try_from(self.reasons.len() + 6).unwrap_or(u16::MAX);
        let outer = place(area, 60, height, buffer);
        let title = pane::title(cut(&self.title, 54), context.theme);
        let inner = shrunk(pane::frame(title, true, outer, context.theme, buffer));
        let width = usize::from(inner.width);
        let room = usize::from(inner.height.saturating_sub(4));
        let skipped = (self.at + 1)
            .saturating_sub(room)
            .min(self.reasons.len().saturating_sub(room));
        let rows = self
            .reasons
            .iter()
            .zip(&self.chosen)
            .enumerate()
            .skip(skipped)
            .take(room);
        let mut y = inner.y;
        for (number, (reason, chosen)) in rows {
            let mark = if *chosen { "[x]" } else { "[ ]" };
            let key = match number {
                0..=8 => (number + 1).to_string(),
                _ => " ".to_owned(),
            };
            let paint = match number == self.at {
                true => Paint::Selected,
                false => Paint::Text,
            };
            let line = column(&format!("{key} {mark} {reason}"), width);
            buffer.set_string(inner.x, y, line, context.style(paint));
            y += 1;
        }
        if y + 2 < inner.bottom() {
            let paint = match self.is_in_text() {
                true => Paint::Accent,
                false => Paint::Dim,
            };
            buffer.set_string(inner.x, y + 1, "in your own words:", context.style(paint));
            let line = Rect::new(inner.x, y + 2, inner.width, 1);
            let cursor = self.text.draw(line, context.style(Paint::Text), buffer);
            if self.is_in_text() {
                context.cursor = cursor;
            }
        }
        let keys = "space chooses, Enter rejects, Esc does not";
        let y = inner.bottom().saturating_sub(1);
        buffer.set_string(inner.x, y, cut(keys, width), context.style(Paint::Dim));
    }
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::KeyModifiers;

    use super::*;

    #[test]
    fn reasons_and_words_are_answered() {
        let reasons = ["hallucination", "other"].map(str::to_owned);
        let mut form = RejectionForm::new("reject x", &reasons);
        let mut press = |code| form.press(&KeyEvent::new(code, KeyModifiers::NONE));
        for code in [
            KeyCode::Char('2'),
            KeyCode::Tab,
            KeyCode::Char('1'),
            KeyCode::Char('x'),
        ] {
            assert!(matches!(press(code), Outcome::Stay));
        }
        let Outcome::Answer(Answer::Rejected(why)) = press(KeyCode::Enter) else {
            panic!("an answer");
        };
        assert_eq!(
            (why.reasons, why.text),
            (vec!["other".to_owned()], "1x".to_owned())
        );
    }
}
