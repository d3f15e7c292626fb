//! A text that is edited: any field of a step or trajectory, or of a side of a pair.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{Event, KeyEvent, MouseEvent, MouseEventKind};
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use ratatui_textarea::{Input, TextArea, WrapMode};

use crate::tui::action::{Action, Scope};
use crate::tui::draw_context::DrawContext;
use crate::tui::effect::{Effect, ExternalEdit};
use crate::tui::overlays::{Confirm, Overlay};
use crate::tui::question::Question;
use crate::tui::theme::Paint;
use crate::tui::widgets::code_colors::syntax_error;
use crate::tui::widgets::pane;
use crate::tui::widgets::styled_text::cut;

use super::Request;

/// What becomes of a text that was edited.
#[derive(Debug, Clone)]
pub enum Purpose {
    /// It takes the place of a field.
    Field(crate::tui::decisions::FieldEdit),
    /// It becomes a step behind this one.
    NewStep(crate::tui::subject::Subject),
    /// It becomes a candidate for the step, to be paired with it.
    Candidate(crate::tui::subject::Subject),
    /// It becomes a candidate of the re-run that this job made.
    OwnCandidate(crate::tui::effect::JobId),
    /// It is what a call returned.
    ToolResult(Box<crate::tui::decisions::AskedCall>),
    /// It becomes a note.
    Note(Vec<crate::tui::subject::Subject>),
}

/// The editor.
pub struct EditView {
    title: String,
    /// What was there before.
    before: String,
    is_python: bool,
    text: TextArea<'static>,
    /// What the text is for.
    pub purpose: Purpose,
    /// What saving makes stale, in words.
    pub stale: String,
    area: Rect,
    /// Checked as one types: the text's length and what is wrong.
    problem: Option<String>,
}

impl std::fmt::Debug for EditView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EditView({})", self.title)
    }
}

impl EditView {
    /// An editor of a text.
    pub fn new(title: impl Into<String>, text: &str, is_python: bool, purpose: Purpose) -> Self {
        let mut view = Self {
            title: title.into(),
            before: text.to_owned(),
            is_python,
            text: area_of(text),
            purpose,
            stale: String::new(),
            area: Rect::default(),
            problem: None,
        };
        view.check();
        view
    }

    /// The text as it stands.
    pub fn text(&self) -> String {
        self.text.lines().join("\n")
    }

    /// Whether something was typed.
    pub fn is_changed(&self) -> bool {
        self.text() != normalized(&self.before)
    }

    /// Another text, as if it had been typed.
    pub fn set_text(&mut self, text: &str) {
        self.text.select_all();
        self.text.cut();
        self.text.insert_str(normalized(text));
        self.check();
    }

    fn check(&mut self) {
        self.problem = None;
        if self.is_python {
            let text = self.text();
            self.problem = syntax_error(&text).map(|(range, reason)| {
                let before = text.get(..range.start).unwrap_or(&text);
                let line = before.matches('\n').count() + 1;
                format!("line {line}: {reason}")
            });
        }
    }

    /// Takes a key that is text.
    pub fn press(&mut self, key: &KeyEvent) {
        if self.text.input(Input::from(Event::Key(*key))) {
            self.check();
        }
    }

    /// Takes a pasted text.
    pub fn paste(&mut self, text: &str) {
        self.text.insert_str(normalized(text));
        self.check();
    }

    /// Takes the mouse.
    pub fn mouse(&mut self, event: &MouseEvent) -> Vec<Request> {
        let rows: i16 = match event.kind {
            MouseEventKind::ScrollDown => 3,
            MouseEventKind::ScrollUp => -3,
            _ => return Vec::new(),
        };
        self.text.scroll((rows, 0));
        Vec::new()
    }

    /// Does what a key asks for; saving is the app's.
    pub fn act(&mut self, action: Action) -> Vec<Request> {
        match action {
            Action::CancelEdit if self.is_changed() => {
                let confirm =
                    Confirm::new("Leave without saving what you typed?", Question::DropEdit);
                vec![Request::Show(Box::new(Overlay::Confirm(confirm)))]
            }
            Action::CancelEdit => vec![Request::Close],
            Action::ExternalEditor => {
                let ending = if self.is_python { "py" } else { "txt" };
                let text = self.text();
                vec![Request::Do(Effect::EditExternally(ExternalEdit {
                    text,
                    ending,
                }))]
            }
            _ => Vec::new(),
        }
    }

    /// Draws the view.
    pub fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        let title = pane::title(self.title.clone(), context.theme);
        let below = 2.min(area.height);
        let frame = Rect {
            height: area.height - below,
            ..area
        };
        let inner = pane::frame(title, true, frame, context.theme, buffer);
        self.area = inner;
        self.text.set_style(context.style(Paint::Text));
        self.text.set_line_number_style(context.style(Paint::Dim));
        self.text
            .set_selection_style(context.style(Paint::Selected));
        (&self.text).render(inner, buffer);
        let mut line = Vec::new();
        match (&self.problem, self.is_python) {
            (Some(problem), _) => {
                line.push(Span::styled(
                    format!(" Python: {problem}"),
                    context.style(Paint::Bad),
                ));
            }
            (None, true) => line.push(Span::styled(
                " Python: no syntax error",
                context.style(Paint::Good),
            )),
            (None, false) => {}
        }
        if !self.stale.is_empty() {
            let text = format!("  saving makes stale: {}", self.stale);
            line.push(Span::styled(text, context.style(Paint::Stale)));
        }
        if area.height > below {
            buffer.set_line(area.x, frame.bottom(), &Line::from(line), area.width);
        }
        let keys = |action: Action| {
            let keys = context.keymap.chords(Scope::Edit, action);
            keys.first().cloned().unwrap_or_default()
        };
        let hint = format!(
            " {} saves   {} leaves   {} opens $EDITOR",
            keys(Action::SaveEdit),
            keys(Action::CancelEdit),
            keys(Action::ExternalEditor)
        );
        let y = area.bottom().saturating_sub(1);
        buffer.set_string(
            area.x,
            y,
            cut(&hint, usize::from(area.width)),
            context.style(Paint::Dim),
        );
    }
}

fn area_of(text: &str) -> TextArea<'static> {
    let lines = normalized(text).split('\n').map(str::to_owned).collect();
    let mut area = TextArea::new(lines);
    area.set_tab_length(4);
    area.set_wrap_mode(WrapMode::Word);
    area.set_cursor_style(ratatui::style::Style::default().add_modifier(Modifier::REVERSED));
    area.set_max_histories(1_000);
    area
}

/// Line breaks as the editor knows them.
fn normalized(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}
