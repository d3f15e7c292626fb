//! What stands in front of a view for a moment, the topmost first to hear of keys. Keys inside are the same everywhere:
//! arrows move, Enter takes, Esc closes.

mod choice;
mod confirm;
mod export_form;
mod full_picture;
mod help;
mod notice;
mod palette;
mod prompt;
mod rejection_form;
mod rerun_form;
mod text_page;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyEvent, MouseEvent};
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use crate::domain::review::Rejection;

use super::action::Action;
use super::draw_context::DrawContext;
use super::export_request::ExportSettings;
use super::question::Question;
use super::rerun::RerunSettings;

pub use choice::Choice;
pub use confirm::Confirm;
pub use export_form::ExportForm;
pub use full_picture::FullPicture;
pub use help::Help;
pub use notice::Notice;
pub use palette::Palette;
pub use prompt::Prompt;
pub use rejection_form::RejectionForm;
pub use rerun_form::RerunForm;
pub use text_page::TextPage;

/// An overlay.
#[derive(Debug)]
pub enum Overlay {
    /// The keys of a view.
    Help(Help),
    /// Actions by name.
    Palette(Palette),
    /// Yes or no.
    Confirm(Confirm),
    /// A line to type.
    Prompt(Prompt),
    /// One of several.
    Choice(Choice),
    /// An error, with what to do.
    Notice(Notice),
    /// A long text.
    TextPage(TextPage),
    /// A picture on the whole screen.
    FullPicture(FullPicture),
    /// Why something is rejected.
    RejectionForm(RejectionForm),
    /// Where an export goes, and how it is made.
    ExportForm(Box<ExportForm>),
    /// How new candidates are made.
    RerunForm(Box<RerunForm>),
}

/// What comes of a key.
#[derive(Debug)]
pub enum Outcome {
    /// It stays.
    Stay,
    /// It goes.
    Close,
    /// It goes, and this is what it was for.
    Answer(Answer),
}

/// What a person answered.
#[derive(Debug)]
pub enum Answer {
    /// Do this.
    Run(Action),
    /// A text was typed.
    Text(Question, String),
    /// The option with this number.
    Chosen(Question, usize),
    /// Yes.
    Confirmed(Question),
    /// Rejected, and why.
    Rejected(Rejection),
    /// Export so.
    Export(Box<ExportSettings>),
    /// Make new candidates so.
    Rerun(Box<RerunSettings>),
}

impl Overlay {
    /// Takes a key.
    pub fn press(&mut self, key: &KeyEvent) -> Outcome {
        match self {
            Self::Help(help) => help.press(key),
            Self::Palette(palette) => palette.press(key),
            Self::Confirm(confirm) => confirm.press(key),
            Self::Prompt(prompt) => prompt.press(key),
            Self::Choice(choice) => choice.press(key),
            Self::Notice(notice) => notice.press(key),
            Self::TextPage(page) => page.press(key),
            Self::FullPicture(picture) => picture.press(key),
            Self::RejectionForm(form) => form.press(key),
            Self::ExportForm(form) => form.press(key),
            Self::RerunForm(form) => form.press(key),
        }
    }

    /// Takes a pasted text.
    pub fn paste(&mut self, text: &str) {
        match self {
            Self::Palette(palette) => palette.paste(text),
            Self::Prompt(prompt) => prompt.paste(text),
            Self::RejectionForm(form) => form.paste(text),
            Self::ExportForm(form) => form.paste(text),
            Self::RerunForm(form) => form.paste(text),
            _ => {}
        }
    }

    /// Takes the mouse: the wheel scrolls what scrolls.
    pub fn mouse(&mut self, event: &MouseEvent) -> Outcome {
        use ratatui::crossterm::event::{KeyCode, KeyModifiers, MouseEventKind};
        let code = match event.kind {
            MouseEventKind::ScrollDown => KeyCode::Down,
            MouseEventKind::ScrollUp => KeyCode::Up,
            _ => return Outcome::Stay,
        };
        match self {
            Self::Help(_) | Self::TextPage(_) | Self::Choice(_) | Self::Palette(_) => {
                self.press(&KeyEvent::new(code, KeyModifiers::NONE))
            }
            _ => Outcome::Stay,
        }
    }

    /// Draws it over what is there.
    pub fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        match self {
            Self::Help(help) => help.draw(area, buffer, context),
            Self::Palette(palette) => palette.draw(area, buffer, context),
            Self::Confirm(confirm) => confirm.draw(area, buffer, context),
            Self::Prompt(prompt) => prompt.draw(area, buffer, context),
            Self::Choice(choice) => choice.draw(area, buffer, context),
            Self::Notice(notice) => notice.draw(area, buffer, context),
            Self::TextPage(page) => page.draw(area, buffer, context),
            Self::FullPicture(picture) => picture.draw(area, buffer, context),
            Self::RejectionForm(form) => form.draw(area, buffer, context),
            Self::ExportForm(form) => form.draw(area, buffer, context),
            Self::RerunForm(form) => form.draw(area, buffer, context),
        }
    }
}

/// An emptied place in the middle of the screen, at most so large.
fn place(area: Rect, width: u16, height: u16, buffer: &mut Buffer) -> Rect {
    let width = width
        .min(area.width.saturating_sub(2))
        .max(1)
        .min(area.width);
    let height = height
        .min(area.height.saturating_sub(2))
        .max(1)
        .min(area.height);
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    Clear.render(place, buffer);
    place
}
