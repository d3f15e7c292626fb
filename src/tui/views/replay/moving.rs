//! From place to place: by hand, to what is looked for, and by itself.

use std::time::{Duration, Instant};

use crate::tui::action::Action;
use crate::tui::theme::{Paint, Theme};
use crate::tui::views::Request;

use super::{Focus, ReplayView, SPEEDS, step_count};

impl ReplayView {
    /// When the next step is played.
    pub fn next_tick(&self) -> Option<Duration> {
        let since = self.playing?;
        Some(self.pace().saturating_sub(since.elapsed()))
    }

    pub(super) fn pace(&self) -> Duration {
        Duration::from_millis(SPEEDS[self.speed.min(SPEEDS.len() - 1)])
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) {
        let Some(since) = self.playing else { return };
        if now.saturating_duration_since(since) < self.pace() {
            return;
        }
        if self.entry == self.last() {
            self.playing = None;
            return;
        }
        self.go(self.entry + 1);
        self.playing = Some(now);
    }

    pub(super) fn go(&mut self, entry: usize) {
        let entry = entry.min(self.last());
        if entry != self.entry {
            self.entry = entry;
            self.picture = 0;
        }
    }

    /// Goes to a step by its number.
    pub fn go_to_step(&mut self, number: usize) -> Vec<Request> {
        let count = step_count(&self.record);
        if number == 0 || number > count {
            return vec![Request::Say(format!(
                "there is no step {number}: 1 to {count}"
            ))];
        }
        self.go(number);
        Vec::new()
    }

    pub(super) fn has_error(&self, step: usize) -> bool {
        let recorded = self
            .trajectory()
            .and_then(|trajectory| trajectory.steps.get(step - 1));
        recorded.is_some_and(|step| step.is_error())
            || self.record.flags.iter().any(|flag| flag.step == Some(step))
    }

    pub(super) fn next_where(
        &mut self,
        what: &str,
        fits: impl Fn(&Self, usize) -> bool,
    ) -> Vec<Request> {
        let count = step_count(&self.record);
        // Round again from the beginning.
        let behind = self.entry + 1..=count;
        let before = 1..=self.entry.min(count);
        let next = behind.chain(before).find(|step| fits(self, *step));
        match next {
            Some(step) => {
                self.go(step);
                Vec::new()
            }
            None => vec![Request::Say(format!("there is no {what}"))],
        }
    }

    pub(super) fn next_match(&mut self, backwards: bool, theme: &Theme) -> Vec<Request> {
        if self.highlighter.is_empty() {
            return vec![Request::Say(
                "the query has no words to look for".to_owned(),
            )];
        }
        let style = theme.style(Paint::Match);
        self.focus = Focus::Panes;
        if self.panes.show_match(style, backwards, false) {
            return Vec::new();
        }
        let count = self.last() + 1;
        let start = self.entry;
        for distance in 1..=count {
            let entry = match backwards {
                false => (start + distance) % count,
                true => (start + count - distance % count) % count,
            };
            let width = self.made_for.map_or(80, |(_, width)| width);
            let lines = self.panes_of(entry, &self.writer(theme, width));
            self.panes.set(lines, true);
            self.entry = entry;
            self.made_for = Some((entry, self.made_for.map_or(80, |(_, width)| width)));
            if self.panes.show_match(style, backwards, true) {
                return Vec::new();
            }
        }
        self.go(start);
        vec![Request::Say("nothing here matches the query".to_owned())]
    }

    pub(super) fn scroll(&mut self, action: Action) {
        if self.focus == Focus::TimeLine {
            let entry = match action {
                Action::Down => self.entry + 1,
                Action::Up => self.entry.saturating_sub(1),
                Action::PageDown => self.entry + 10,
                Action::PageUp => self.entry.saturating_sub(10),
                Action::First => 0,
                _ => self.last(),
            };
            self.go(entry);
            return;
        }
        let page = self.panes.page();
        let lines = match action {
            Action::Down => 1,
            Action::Up => -1,
            Action::PageDown => page,
            Action::PageUp => -page,
            Action::First => isize::MIN / 2,
            _ => isize::MAX / 2,
        };
        self.panes.scroll(None, lines);
    }
}
