//! The whole screen: the view in front, the line at the bottom, and overlays over both.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::action::{Action, Scope};
use crate::tui::draw_context::DrawContext;
use crate::tui::keymap::{Keymap, words};
use crate::tui::theme::Paint;
use crate::tui::views::corpus::CorpusView;
use crate::tui::views::jobs::JobsView;
use crate::tui::widgets::styled_text::{self, Wrapping, cut};

use super::{App, AppOptions, SMALLEST, View};

impl App {
    /// Draws everything.
    pub fn draw(&mut self, frame: &mut Frame<'_>) {
        let area = frame.area();
        let buffer = frame.buffer_mut();
        let mut context = DrawContext {
            theme: &self.options.theme,
            keymap: &self.options.keymap,
            pictures: &mut self.pictures,
            cursor: None,
        };
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            let text = format!(
                "{}×{} is too small: retake needs {}×{}",
                area.width, area.height, SMALLEST.0, SMALLEST.1
            );
            let lines = styled_text::lines(
                &text,
                context.style(Paint::Warning),
                &[],
                usize::from(area.width),
                Wrapping::Words,
            );
            for (line, y) in lines.iter().zip(area.y..area.bottom()) {
                buffer.set_line(area.x, y, line, area.width);
            }
            return;
        }
        buffer.set_style(area, context.style(Paint::Text));
        let body = Rect {
            height: area.height - 1,
            ..area
        };
        match self.views.last_mut() {
            None => self.corpus.draw(body, buffer, &mut context),
            Some(View::Replay(replay)) => replay.draw(body, buffer, &mut context),
            Some(View::Compare(compare)) => compare.draw(body, buffer, &mut context),
            Some(View::Rerun(rerun)) => rerun.draw(body, buffer, &mut context),
            Some(View::Edit(view)) => view.draw(body, buffer, &mut context),
            Some(View::Statistics) => self.statistics.draw(body, buffer, &mut context),
            Some(View::Jobs) => self.jobs.draw(body, buffer, &mut context),
            Some(View::Log) => self.log.draw(body, buffer, &mut context),
        }
        let status = Rect {
            y: area.bottom() - 1,
            height: 1,
            ..area
        };
        buffer.set_style(status, context.style(Paint::Status));
        let right = right_of_status(&self.options, &self.corpus, &self.jobs);
        let right_width = u16::try_from(styled_text::width(&right))
            .unwrap_or(0)
            .min(area.width / 2);
        let left = match (&self.said, self.pressed.is_empty()) {
            (_, false) => Span::styled(
                format!(" {} …", words(&self.pressed)),
                context.style(Paint::Key),
            ),
            (Some((text, paint)), _) => Span::styled(format!(" {text}"), context.style(*paint)),
            (None, _) => Span::styled(
                hints(
                    &self.options.keymap,
                    self.views.last(),
                    self.corpus.is_typing(),
                ),
                context.style(Paint::Dim),
            ),
        };
        let room = usize::from(area.width.saturating_sub(right_width + 1));
        let left = Span::styled(cut(&left.content, room), left.style);
        buffer.set_line(status.x, status.y, &Line::from(left), status.width);
        let right = cut(&right, usize::from(right_width));
        buffer.set_string(
            status.right() - right_width,
            status.y,
            right,
            context.style(Paint::Dim),
        );
        // Only the overlay in front has the cursor.
        for overlay in &mut self.overlays {
            context.cursor = None;
            overlay.draw(body, buffer, &mut context);
        }
        if let Some(cursor) = context.cursor {
            frame.set_cursor_position(cursor);
        }
    }
}

fn right_of_status(options: &AppOptions, corpus: &CorpusView, jobs: &JobsView) -> String {
    let mut parts = Vec::new();
    if let Some(job) = jobs.running() {
        parts.push(job);
    }
    if corpus.is_blind() {
        parts.push("blind".to_owned());
    }
    parts.extend(corpus.queue_words());
    if !options.annotator.is_empty() {
        parts.push(options.annotator.clone());
    }
    parts.push(options.title.clone());
    format!("{} ", parts.join(" · "))
}

/// A few keys of the view in front.
fn hints(keymap: &Keymap, view: Option<&View>, is_typing: bool) -> String {
    let (scope, actions): (Scope, &[(Action, &str)]) = match view {
        None if is_typing => (
            Scope::Query,
            &[
                (Action::AcceptQuery, "done"),
                (Action::Complete, "completes"),
                (Action::OlderQuery, "history"),
                (Action::CancelQuery, "back"),
            ],
        ),
        None => (
            Scope::Corpus,
            &[
                (Action::EditQuery, "search"),
                (Action::Open, "open"),
                (Action::Accept, "accept"),
                (Action::Reject, "reject"),
                (Action::Mark, "mark"),
                (Action::Help, "help"),
                (Action::Palette, "actions"),
            ],
        ),
        Some(View::Replay(_)) => (
            Scope::Replay,
            &[
                (Action::PreviousStep, "back"),
                (Action::NextStep, "next step"),
                (Action::Accept, "accept"),
                (Action::Reject, "reject"),
                (Action::EditField, "edit"),
                (Action::LabelBad, "bad step"),
                (Action::Help, "help"),
            ],
        ),
        Some(View::Compare(compare)) if compare.is_blind() => (
            Scope::Compare,
            &[
                (Action::ChooseLeft, "left"),
                (Action::ChooseRight, "right"),
                (Action::Tie, "equally good"),
                (Action::Reject, "reject"),
                (Action::ToggleBlind, "tell all"),
                (Action::Help, "help"),
            ],
        ),
        Some(View::Compare(_)) => (
            Scope::Compare,
            &[
                (Action::Accept, "accept"),
                (Action::Swap, "swap"),
                (Action::Tie, "tie"),
                (Action::Reject, "reject"),
                (Action::EditField, "edit"),
                (Action::ToggleBlind, "blind"),
                (Action::Help, "help"),
            ],
        ),
        Some(View::Rerun(_)) => (
            Scope::Rerun,
            &[
                (Action::PickCandidate, "pick"),
                (Action::SavePair, "save pair"),
                (Action::EditCandidate, "own"),
                (Action::GoOn, "go on"),
                (Action::CancelRerun, "cancel"),
                (Action::Rerun, "others"),
                (Action::Help, "help"),
            ],
        ),
        Some(View::Edit(_)) => (Scope::Edit, &[]),
        Some(View::Statistics) => (
            Scope::Stats,
            &[(Action::Back, "back"), (Action::Help, "help")],
        ),
        Some(View::Jobs) => (
            Scope::Jobs,
            &[
                (Action::CancelJob, "cancel"),
                (Action::Back, "back"),
                (Action::Help, "help"),
            ],
        ),
        Some(View::Log) => (
            Scope::Log,
            &[
                (Action::Undo, "undo"),
                (Action::Redo, "redo"),
                (Action::Open, "open"),
                (Action::Back, "back"),
            ],
        ),
    };
    let named = actions.iter().filter_map(|(action, word)| {
        let chords = keymap.chords(scope, *action);
        chords.first().map(|chord| format!("{chord} {word}"))
    });
    format!(" {}", named.collect::<Vec<_>>().join("   "))
}
