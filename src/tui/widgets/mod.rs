//! Pieces of the screen. A widget gets what it shows, never the app.

pub mod bar_chart;
pub mod code_colors;
pub mod difference;
pub mod line_input;
pub mod pane;
pub mod picture;
pub mod styled_text;
