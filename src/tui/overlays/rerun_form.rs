use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::domain::visible_line;
use crate::tui::draw_context::DrawContext;
use crate::tui::rerun::RerunSettings;
use crate::tui::theme::Paint;
use crate::tui::widgets::line_input::LineInput;
use crate::tui::widgets::pane;
use crate::tui::widgets::styled_text::{column, cut};

use super::confirm::shrunk;
use super::{Answer, Outcome, place};

/// Columns of the names of fields.
const NAMES: u16 = 13;

/// Candidates of one re-run at most.
const MOST: usize = 64;

/// Names of the fields, and what stands in an empty one.
const FIELDS: [(&str, &str); 8] = [
    ("model", ""),
    ("candidates", ""),
    ("temperature", "that of the settings"),
    ("tokens", "as many as the settings say, for each"),
    ("seed", ""),
    ("judge", "rules, model:NAME, rules+model:NAME"),
    ("pictures", "yes; no leaves them out"),
    (
        "live tools",
        "no; yes lets them answer what is not recorded",
    ),
];

/// How new candidates for a step are made.
#[derive(Debug)]
pub struct RerunForm {
    fields: [LineInput; 8],
    /// What stands in an empty field of the model.
    model_hint: String,
    at: usize,
    /// What is wrong with what was typed.
    problem: Option<String>,
}

impl RerunForm {
    /// Begins with how they were made last; `model` is that of the settings, empty if these name none.
    pub fn new(settings: RerunSettings, model: &str) -> Self {
        let number = |number: Option<String>| LineInput::new(number.unwrap_or_default());
        Self {
            fields: [
                LineInput::new(settings.model),
                LineInput::new(settings.candidates.to_string()),
                number(settings.temperature.map(|value| value.to_string())),
                number(settings.max_tokens.map(|value| value.to_string())),
                LineInput::new(settings.seed.to_string()),
                LineInput::new(settings.judge),
                LineInput::new(if settings.drops_pictures { "no" } else { "" }),
                LineInput::new(if settings.live { "yes" } else { "" }),
            ],
            model_hint: match visible_line(model) {
                name if name.is_empty() => "a name, a folder, a GGUF file or a URL".to_owned(),
                name => format!("{name}, as the settings say"),
            },
            at: 0,
            problem: None,
        }
    }

    fn text(&self, field: usize) -> &str {
        self.fields
            .get(field)
            .map_or("", |input| input.text().trim())
    }

    fn set(&self) -> Result<RerunSettings, String> {
        let candidates = self.text(1);
        let candidates = candidates
            .parse()
            .ok()
            .filter(|count| (1..=MOST).contains(count));
        let candidates = candidates.ok_or(format!("candidates: a number from 1 to {MOST}"))?;
        let temperature = match self.text(2) {
            "" => None,
            text => {
                let value: Option<f32> = text.parse().ok();
                let value = value.filter(|value| value.is_finite() && *value >= 0.0);
                Some(value.ok_or("temperature: a number such as 0.7")?)
            }
        };
        let max_tokens = match self.text(3) {
            "" => None,
            text => {
                let count: Option<usize> = text.parse().ok();
                Some(
                    count
                        .filter(|count| *count > 0)
                        .ok_or("tokens: a number such as 512")?,
                )
            }
        };
        let seed = self.text(4).parse().map_err(|_| "seed: a whole number")?;
        let drops_pictures = match self.text(6) {
            "" | "yes" => false,
            "no" => true,
            _ => return Err("pictures: yes or no".to_owned()),
        };
        let live = match self.text(7) {
            "" | "no" => false,
            "yes" => true,
            _ => return Err("live tools: yes or no".to_owned()),
        };
        Ok(RerunSettings {
            live,
            model: self.text(0).to_owned(),
            candidates,
            temperature,
            max_tokens,
            seed,
            drops_pictures,
            judge: self.text(5).to_owned(),
        })
    }

    pub(super) fn press(&mut self, key: &KeyEvent) -> Outcome {
        let last = self.fields.len() - 1;
        match key.code {
            KeyCode::Esc => return Outcome::Close,
            KeyCode::Enter => match self.set() {
                Ok(settings) => return Outcome::Answer(Answer::Rerun(Box::new(settings))),
                Err(problem) => self.problem = Some(problem),
            },
            KeyCode::Down | KeyCode::Tab => self.at = (self.at + 1).min(last),
            KeyCode::Up | KeyCode::BackTab => self.at = self.at.saturating_sub(1),
            _ => {
                self.problem = None;
                if let Some(input) = self.fields.get_mut(self.at) {
                    input.press(key);
                }
            }
        }
        Outcome::Stay
    }

    pub(super) fn paste(&mut self, text: &str) {
        if let Some(input) = self.fields.get_mut(self.at) {
            input.insert(text);
        }
    }

    pub(super) fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        let outer = place(area, 64, 13, buffer);
        let title = pane::title("New candidates", context.theme);
        let inner = shrunk(pane::frame(title, true, outer, context.theme, buffer));
        let fields = self.fields.iter().zip(FIELDS).enumerate();
        for ((number, (input, (name, hint))), y) in fields.zip(inner.y..inner.bottom()) {
            let name = Span::styled(
                column(name, usize::from(NAMES)),
                context.style(Paint::Heading),
            );
            buffer.set_line(inner.x, y, &Line::from(name), inner.width);
            let text = Rect {
                x: inner.x + NAMES.min(inner.width),
                y,
                width: inner.width.saturating_sub(NAMES),
                height: 1,
            };
            let cursor = input.draw(text, context.style(Paint::Text), buffer);
            if number == self.at {
                context.cursor = cursor;
            }
            // Also under the cursor: the first field, which is empty mostly, says what it stands for.
            if input.text().is_empty() {
                let hint = match number {
                    0 => self.model_hint.as_str(),
                    _ => hint,
                };
                let hint = cut(hint, usize::from(text.width));
                buffer.set_string(text.x, y, hint, context.style(Paint::Dim));
            }
        }
        let (said, paint) = match &self.problem {
            Some(problem) => (problem.as_str(), Paint::Bad),
            None => ("arrows move, Enter starts, Esc does not", Paint::Dim),
        };
        let y = inner.bottom().saturating_sub(1);
        let said = cut(said, usize::from(inner.width));
        buffer.set_string(inner.x, y, said, context.style(paint));
    }
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::KeyModifiers;

    use super::*;

    fn press(form: &mut RerunForm, codes: &[KeyCode]) -> Outcome {
        let mut outcome = Outcome::Stay;
        for code in codes {
            outcome = form.press(&KeyEvent::new(*code, KeyModifiers::NONE));
        }
        outcome
    }

    #[test]
    fn what_is_set_is_answered_and_nonsense_is_not() {
        let settings = RerunSettings {
            model: String::new(),
            candidates: 5,
            temperature: None,
            max_tokens: None,
            seed: 0,
            drops_pictures: false,
            live: false,
            judge: "rules".to_owned(),
        };
        let mut form = RerunForm::new(settings.clone(), "small");
        let (down, enter) = (KeyCode::Down, KeyCode::Enter);
        let typed = [
            KeyCode::Char('m'),
            down,
            KeyCode::Char('9'),
            down,
            KeyCode::Char('x'),
            enter,
        ];
        assert!(matches!(press(&mut form, &typed), Outcome::Stay));
        assert_eq!(
            form.problem.as_deref(),
            Some("temperature: a number such as 0.7")
        );
        let mended = [KeyCode::Backspace, KeyCode::Char('1'), enter];
        let Outcome::Answer(Answer::Rerun(set)) = press(&mut form, &mended) else {
            panic!("an answer");
        };
        let expected = RerunSettings {
            model: "m".to_owned(),
            candidates: 59,
            temperature: Some(1.0),
            ..settings
        };
        assert_eq!(*set, expected);
        let zero = [
            KeyCode::Up,
            KeyCode::Backspace,
            KeyCode::Backspace,
            KeyCode::Char('0'),
            enter,
        ];
        assert!(matches!(press(&mut form, &zero), Outcome::Stay));
        assert!(
            form.problem
                .is_some_and(|problem| problem.contains("1 to 64"))
        );
    }
}
