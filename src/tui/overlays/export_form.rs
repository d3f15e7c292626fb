use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::export::{Media, Withheld};
use crate::tui::draw_context::DrawContext;
use crate::tui::export_request::ExportSettings;
use crate::tui::theme::Paint;
use crate::tui::widgets::line_input::LineInput;
use crate::tui::widgets::pane;
use crate::tui::widgets::styled_text::{column, cut};

use super::confirm::shrunk;
use super::{Answer, Outcome, place};

/// Columns of the names of fields.
const NAMES: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Path,
    Split,
    Pictures,
    Include(Withheld),
    ChecksOnly,
}

/// Where an export goes, and how it is made.
#[derive(Debug)]
pub struct ExportForm {
    /// What is exported, in words.
    what: String,
    settings: ExportSettings,
    fields: Vec<Field>,
    at: usize,
    path: LineInput,
    split: LineInput,
}

impl ExportForm {
    /// Asks how to export what the words say.
    pub fn new(what: impl Into<String>, settings: ExportSettings) -> Self {
        let mut fields = vec![Field::Path, Field::Split, Field::Pictures];
        fields.extend(Withheld::ALL.map(Field::Include));
        fields.push(Field::ChecksOnly);
        Self {
            what: what.into(),
            path: LineInput::new(settings.path.clone()),
            split: LineInput::new(settings.split.clone()),
            settings,
            fields,
            at: 0,
        }
    }

    fn field(&self) -> Field {
        self.fields.get(self.at).copied().unwrap_or(Field::Path)
    }

    fn input(&mut self) -> Option<&mut LineInput> {
        match self.field() {
            Field::Path => Some(&mut self.path),
            Field::Split => Some(&mut self.split),
            _ => None,
        }
    }

    /// The next way to have pictures that the target can have.
    fn next_media(&mut self) {
        let ways = [Media::Path, Media::Copy, Media::Embed];
        let possible = ways.map(|media| self.settings.target.pictures.takes(media));
        let at = ways.iter().position(|way| *way == self.settings.media);
        let next = (1..=ways.len()).map(|step| (at.unwrap_or(0) + step) % ways.len());
        if let Some(next) = next.into_iter().find(|next| possible[*next]) {
            self.settings.media = ways[next];
        }
    }

    fn change(&mut self) {
        match self.field() {
            Field::Path | Field::Split => {}
            Field::Pictures => self.next_media(),
            Field::Include(state) => {
                let include = &mut self.settings.include;
                match include.iter().position(|known| *known == state) {
                    Some(at) => drop(include.remove(at)),
                    None => include.push(state),
                }
            }
            Field::ChecksOnly => self.settings.checks_only = !self.settings.checks_only,
        }
    }

    pub(super) fn press(&mut self, key: &KeyEvent) -> Outcome {
        let last = self.fields.len() - 1;
        match key.code {
            KeyCode::Esc => return Outcome::Close,
            KeyCode::Enter => {
                let settings = ExportSettings {
                    path: self.path.text().trim().to_owned(),
                    split: self.split.text().trim().to_owned(),
                    ..self.settings.clone()
                };
                return Outcome::Answer(Answer::Export(Box::new(settings)));
            }
            KeyCode::Down | KeyCode::Tab => self.at = (self.at + 1).min(last),
            KeyCode::Up | KeyCode::BackTab => self.at = self.at.saturating_sub(1),
            _ => match (self.input(), key.code) {
                (Some(input), _) => drop(input.press(key)),
                (None, KeyCode::Char(' ' | 'x') | KeyCode::Right | KeyCode::Left) => self.change(),
                (None, KeyCode::Char('j')) => self.at = (self.at + 1).min(last),
                (None, KeyCode::Char('k')) => self.at = self.at.saturating_sub(1),
                _ => {}
            },
        }
        Outcome::Stay
    }

    pub(super) fn paste(&mut self, text: &str) {
        if let Some(input) = self.input() {
            input.insert(text);
        }
    }

    fn line(&self, field: Field) -> (&'static str, String) {
        let mark = |is_on: bool| if is_on { "[x]" } else { "[ ]" };
        match field {
            Field::Path => ("to", String::new()),
            Field::Split => ("split", String::new()),
            Field::Pictures => {
                let said = match self.settings.media {
                    Media::Path => "stay where they are",
                    Media::Copy => "are copied beside the rows",
                    Media::Embed => "stand in the rows",
                };
                ("pictures", said.to_owned())
            }
            Field::Include(state) => {
                let is_on = self.settings.include.contains(&state);
                let name = match state {
                    Withheld::Rejected => "include",
                    _ => "",
                };
                (name, format!("{} what is {}", mark(is_on), state.name()))
            }
            Field::ChecksOnly => {
                let mark = mark(self.settings.checks_only);
                ("", format!("{mark} only check, write nothing"))
            }
        }
    }

    pub(super) fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        let height = u16::try_from(self.fields.len() + 6).unwrap_or(u16::MAX);
        let outer = place(area, 70, height, buffer);
        let name = self.settings.target.name;
        let title = pane::title(format!("Export as {name}"), context.theme);
        let inner = shrunk(pane::frame(title, true, outer, context.theme, buffer));
        let width = usize::from(inner.width);
        let what = cut(&self.what, width);
        buffer.set_string(inner.x, inner.y, what, context.style(Paint::Accent));
        let title = cut(self.settings.target.title, width);
        buffer.set_string(inner.x, inner.y + 1, title, context.style(Paint::Dim));
        let shown = usize::from(inner.height.saturating_sub(4));
        let skipped = (self.at + 1).saturating_sub(shown);
        let fields = self.fields.iter().enumerate().skip(skipped).take(shown);
        for ((number, field), y) in fields.zip(inner.y + 2..) {
            let (name, value) = self.line(*field);
            let is_here = number == self.at;
            let paint = match is_here {
                true => Paint::Selected,
                false => Paint::Text,
            };
            let name = Span::styled(column(name, NAMES), context.style(Paint::Heading));
            buffer.set_line(inner.x, y, &Line::from(name), inner.width);
            let text = Rect {
                x: inner.x + NAMES as u16,
                y,
                width: inner.width.saturating_sub(NAMES as u16),
                height: 1,
            };
            let input = match field {
                Field::Path => Some(&self.path),
                Field::Split => Some(&self.split),
                _ => None,
            };
            match input {
                Some(input) => {
                    let cursor = input.draw(text, context.style(Paint::Text), buffer);
                    if is_here {
                        context.cursor = cursor;
                    } else if input.text().is_empty() {
                        let hint = "none; such as train=0.9,val=0.1";
                        buffer.set_string(text.x, y, hint, context.style(Paint::Dim));
                    }
                }
                None => {
                    let value = column(&value, usize::from(text.width));
                    buffer.set_string(text.x, y, value, context.style(paint));
                }
            }
        }
        let keys = "arrows move, space changes, Enter starts, Esc does not";
        let y = inner.bottom().saturating_sub(1);
        buffer.set_string(inner.x, y, cut(keys, width), context.style(Paint::Dim));
    }
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::KeyModifiers;

    use super::*;
    use crate::export::target_named;

    #[test]
    fn what_is_set_is_answered() {
        let target = target_named("m-trace").expect("a target");
        let mut form = ExportForm::new("3 records", ExportSettings::of(target));
        let mut press = |code| form.press(&KeyEvent::new(code, KeyModifiers::NONE));
        for code in [
            KeyCode::Char('x'),
            KeyCode::Down,
            KeyCode::Down,
            KeyCode::Char(' '),
            KeyCode::Tab,
            KeyCode::Tab,
            KeyCode::Char('x'),
            KeyCode::Char('k'),
        ] {
            assert!(matches!(press(code), Outcome::Stay));
        }
        let Outcome::Answer(Answer::Export(set)) = press(KeyCode::Enter) else {
            panic!("an answer");
        };
        assert_eq!(set.path, "m-trace.jsonx");
        // M-TRACE can have copies of pictures, and no embedded ones.
        assert_eq!(set.media, Media::Copy);
        assert_eq!(set.include, [Withheld::Disputed]);
        assert!(!set.checks_only);
        form.at = 2;
        form.change();
        assert_eq!(form.settings.media, Media::Path);
    }
}
