//! From flag to flag, and to the place that each points at.

use std::sync::Arc;

use ratatui::style::Modifier;

use crate::index::Highlighter;
use crate::rules::{Flag, Place};
use crate::tui::theme::Theme;
use crate::tui::views::Request;
use crate::tui::views::record_lines::Writer;

use super::panes::{PaneKind, panes};
use super::{Focus, ReplayView};

impl ReplayView {
    /// Goes to the next flag behind the place in front, and from the last one to the first.
    pub(super) fn next_flag(&mut self, theme: &Theme) -> Vec<Request> {
        let record = Arc::clone(&self.record);
        let last = self.last();
        let mut order: Vec<(usize, PaneKind, usize, usize)> = record
            .flags
            .iter()
            .enumerate()
            .map(|(number, flag)| {
                let start = flag.range.as_ref().map_or(0, |range| range.start);
                (entry_of(flag, last), pane_of(flag), start, number)
            })
            .collect();
        order.sort_unstable();
        let is_shown = |(entry, _, _, number): &(usize, PaneKind, usize, usize)| {
            *entry == self.entry && Some(*number) == self.flag
        };
        let next = match order.iter().position(is_shown) {
            Some(shown) => (shown + 1) % order.len(),
            None => {
                let behind = order.iter().position(|(entry, ..)| *entry >= self.entry);
                behind.unwrap_or(0)
            }
        };
        let Some((entry, kind, _, number)) = order.get(next).copied() else {
            return vec![Request::Say("there is no flag".to_owned())];
        };
        let Some(flag) = record.flags.get(number) else {
            return Vec::new();
        };
        let is_new_place = self.made_for.is_none_or(|(shown, _)| shown != entry);
        let width = self.made_for.map_or(80, |(_, width)| width);
        self.go(entry);
        self.flag = Some(number);
        self.focus = Focus::Panes;
        let lines = self.panes_of(entry, &self.writer(theme, width));
        self.panes.set(lines, is_new_place);
        self.made_for = Some((entry, width));
        let plain = Highlighter::default();
        let writer = Writer {
            highlighter: &plain,
            ..self.writer(theme, width)
        };
        let only = panes(&record, std::slice::from_ref(flag), entry, &writer);
        let is_pointed_at = only.iter().find(|pane| pane.kind == kind).map(|pane| {
            let lines = &mut pane.lines.iter();
            let is_painted = |line: &ratatui::text::Line<'_>| {
                let mut spans = line.spans.iter();
                spans.any(|span| span.style.add_modifier.contains(Modifier::UNDERLINED))
            };
            lines.position(is_painted).unwrap_or(0)
        });
        match is_pointed_at {
            Some(line) => self.panes.show(kind, line),
            // The part is not there: what is said of it is.
            None => self.panes.show(PaneKind::Flags, 0),
        }
        vec![Request::Say(format!(
            "flag {} of {}: {}: {}",
            next + 1,
            order.len(),
            flag.rule,
            flag.message
        ))]
    }
}

/// The place of the time line where a flag points.
fn entry_of(flag: &Flag, last: usize) -> usize {
    match (flag.step, flag.field) {
        (Some(step), _) => step.min(last),
        (None, Place::Answer) => last,
        (None, _) => 0,
    }
}

fn pane_of(flag: &Flag) -> PaneKind {
    match flag.field {
        Place::Task => PaneKind::Task,
        Place::Attachment(_) => PaneKind::Files,
        Place::Thought => PaneKind::Thought,
        Place::Code | Place::ToolCall(_) => PaneKind::Code,
        Place::Observation => PaneKind::Observation,
        Place::Answer => PaneKind::Answer,
        Place::Trajectory => PaneKind::Flags,
    }
}
