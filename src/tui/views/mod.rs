//! What fills the screen. A view holds its own state, turns actions into requests, and draws itself; it does nothing else.

pub mod compare;
pub mod corpus;
pub mod edit;
pub mod jobs;
pub mod log;
pub mod record_lines;
pub mod replay;
pub mod statistics;

use super::action::Action;
use super::effect::Effect;
use super::overlays::Overlay;
use super::subject::Subject;

/// What a view asks the app for.
#[derive(Debug)]
pub enum Request {
    /// Do this.
    Do(Effect),
    /// Put this in front.
    Show(Box<Overlay>),
    /// Decide this about these.
    Decide(Action, Vec<Subject>),
    /// Say this at the bottom of the screen.
    Say(String),
    /// Close the view.
    Close,
}
