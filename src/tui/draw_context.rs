//! What drawing needs besides the view itself.

use ratatui::layout::Position;
use ratatui::style::Style;

use super::keymap::Keymap;
use super::theme::{Paint, Theme};
use super::widgets::picture::PictureStore;

/// Handed to everything that draws.
pub struct DrawContext<'a> {
    /// Colours.
    pub theme: &'a Theme,
    /// Keys, for what is said of them.
    pub keymap: &'a Keymap,
    /// Pictures.
    pub pictures: &'a mut PictureStore,
    /// Where the terminal's cursor goes; it is hidden without one.
    pub cursor: Option<Position>,
}

impl DrawContext<'_> {
    /// The style of a meaning.
    pub fn style(&self, paint: Paint) -> Style {
        self.theme.style(paint)
    }
}
