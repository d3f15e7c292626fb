//! Panes above each other: each as high as it needs, and where there is no room the one in focus gets most.

use std::collections::{BTreeMap, BTreeSet};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::draw_context::DrawContext;
use crate::tui::theme::Paint;
use crate::tui::widgets::pane::{Scroll, scrolled};

use super::panes::{PaneKind, PaneLines};

/// The panes of a place.
#[derive(Debug, Default)]
pub struct PaneStack {
    panes: Vec<PaneLines>,
    /// Folds outlive the place: who folds observations folds them everywhere.
    folded: BTreeSet<PaneKind>,
    scrolls: BTreeMap<PaneKind, Scroll>,
    focused: usize,
    /// Where each pane was drawn, its title included.
    areas: Vec<Rect>,
    /// The pane and line of the match that was shown last.
    marked: Option<(usize, usize)>,
}

impl PaneStack {
    /// Other panes. A new place is read from its beginning.
    pub fn set(&mut self, panes: Vec<PaneLines>, is_new_place: bool) {
        if is_new_place {
            self.scrolls.clear();
            let kind = self.focused_kind();
            let same = kind.and_then(|kind| panes.iter().position(|pane| pane.kind == kind));
            self.focused = same.unwrap_or(0);
        }
        self.panes = panes;
        self.focused = self.focused.min(self.panes.len().saturating_sub(1));
    }

    /// What the pane in focus shows.
    pub fn focused_kind(&self) -> Option<PaneKind> {
        self.panes.get(self.focused).map(|pane| pane.kind)
    }

    /// Whether it is the last (first, if backwards) pane that has the focus.
    pub fn is_at_end(&self, backwards: bool) -> bool {
        match backwards {
            true => self.focused == 0,
            false => self.focused + 1 >= self.panes.len(),
        }
    }

    /// Gives the focus to a neighbour.
    pub fn turn_focus(&mut self, by: isize) {
        let last = self.panes.len().saturating_sub(1);
        self.focused = self.focused.saturating_add_signed(by).min(last);
    }

    /// Gives the focus to the first (last) pane.
    pub fn focus_end(&mut self, last: bool) {
        self.focused = match last {
            true => self.panes.len().saturating_sub(1),
            false => 0,
        };
    }

    /// The pane that was drawn at a place.
    pub fn at(&self, x: u16, y: u16) -> Option<usize> {
        let at = ratatui::layout::Position::new(x, y);
        self.areas.iter().position(|area| area.contains(at))
    }

    /// A click: on a title it folds, elsewhere it gives the focus.
    pub fn click(&mut self, x: u16, y: u16) {
        if let Some(pane) = self.at(x, y) {
            self.focused = pane;
            if self.areas.get(pane).is_some_and(|area| area.y == y) {
                self.fold();
            }
        }
    }

    /// Folds or unfolds the pane in focus.
    pub fn fold(&mut self) {
        if let Some(kind) = self.focused_kind()
            && !self.folded.insert(kind)
        {
            self.folded.remove(&kind);
        }
    }

    /// Folds all panes, or unfolds them where all are folded.
    pub fn fold_all(&mut self) {
        let all: Vec<PaneKind> = self.panes.iter().map(|pane| pane.kind).collect();
        if all.iter().all(|kind| self.folded.contains(kind)) {
            self.folded.clear();
        } else {
            self.folded.extend(all);
        }
    }

    /// Scrolls the pane in focus, or another.
    pub fn scroll(&mut self, pane: Option<usize>, lines: isize) {
        let pane = pane.unwrap_or(self.focused);
        if let Some(pane) = self.panes.get(pane) {
            self.scrolls.entry(pane.kind).or_default().by(lines);
        }
    }

    /// Lines of a page.
    pub fn page(&self) -> isize {
        let area = self.areas.get(self.focused);
        area.map_or(1, |area| area.height.saturating_sub(2).max(1) as isize)
    }

    /// Shows a line of a pane.
    pub fn show(&mut self, kind: PaneKind, line: usize) {
        if let Some(pane) = self.panes.iter().position(|pane| pane.kind == kind) {
            self.focused = pane;
            self.folded.remove(&kind);
            self.scrolls.insert(kind, Scroll { top: line });
        }
    }

    /// Shows the next match behind (before) what is shown now in one of the panes; whether there is one.
    pub fn show_match(
        &mut self,
        style: ratatui::style::Style,
        backwards: bool,
        from_start: bool,
    ) -> bool {
        let has = |line: &Line<'_>| {
            line.spans.iter().any(|span| {
                span.style.fg == style.fg
                    && span.style.bg == style.bg
                    && style != ratatui::style::Style::default()
                    && span.style.add_modifier.contains(style.add_modifier)
            })
        };
        let mut places = Vec::new();
        for (number, pane) in self.panes.iter().enumerate() {
            let lines = pane.lines.iter().enumerate().filter(|(_, line)| has(line));
            places.extend(lines.map(|(line, _)| (number, line)));
        }
        let now = self.shown_match(&places);
        let next = match (from_start, backwards) {
            (true, false) => places.first(),
            (true, true) => places.last(),
            (false, false) => places
                .iter()
                .find(|place| now.is_none_or(|now| **place > now)),
            (false, true) => places
                .iter()
                .rev()
                .find(|place| now.is_none_or(|now| **place < now)),
        };
        let Some((pane, line)) = next.copied() else {
            return false;
        };
        self.focused = pane;
        if let Some(kind) = self.focused_kind() {
            self.folded.remove(&kind);
            self.scrolls.insert(kind, Scroll { top: line });
            self.marked = Some((pane, line));
        }
        true
    }

    fn shown_match(&self, places: &[(usize, usize)]) -> Option<(usize, usize)> {
        self.marked
            .filter(|marked| places.contains(marked) && marked.0 == self.focused)
    }

    /// Draws the panes.
    pub fn draw(
        &mut self,
        is_focused: bool,
        area: Rect,
        buffer: &mut Buffer,
        context: &mut DrawContext<'_>,
    ) {
        let wanted: Vec<usize> = self
            .panes
            .iter()
            .map(|pane| match self.folded.contains(&pane.kind) {
                true => 1,
                // A line free below it.
                false => pane.lines.len() + 2,
            })
            .collect();
        let heights = heights(&wanted, self.focused, usize::from(area.height));
        self.areas.clear();
        let mut y = area.y;
        for (number, (pane, height)) in self.panes.iter().zip(heights).enumerate() {
            let height = u16::try_from(height)
                .unwrap_or(u16::MAX)
                .min(area.bottom().saturating_sub(y));
            let place = Rect { y, height, ..area };
            self.areas.push(place);
            if height == 0 {
                continue;
            }
            let has_focus = is_focused && number == self.focused;
            let is_folded = self.folded.contains(&pane.kind);
            title(pane, is_folded, has_focus, place, buffer, context);
            if !is_folded && height > 1 {
                let natural = wanted.get(number).copied().unwrap_or(0);
                // The free line is the first to go.
                let free = u16::from(usize::from(height) >= natural);
                let text = Rect {
                    x: place.x + 1.min(place.width),
                    y: y + 1,
                    width: place.width.saturating_sub(1),
                    height: height - 1 - free.min(height - 1),
                };
                let scroll = self.scrolls.entry(pane.kind).or_default();
                scrolled(&pane.lines, scroll, text, context.theme, buffer);
            }
            y += height;
        }
    }
}

fn title(
    pane: &PaneLines,
    is_folded: bool,
    has_focus: bool,
    area: Rect,
    buffer: &mut Buffer,
    context: &DrawContext<'_>,
) {
    let fold = if is_folded { "▸" } else { "▾" };
    let paint = match has_focus {
        true => Paint::FocusedBorder,
        false => Paint::Heading,
    };
    let mut spans = vec![Span::styled(
        format!("{fold} {}", pane.kind.title()),
        context.style(paint),
    )];
    if is_folded {
        let lines = pane.lines.len();
        let words = if lines == 1 { "line" } else { "lines" };
        spans.push(Span::styled(
            format!("  {lines} {words}"),
            context.style(Paint::Dim),
        ));
    }
    for (mark, paint) in &pane.marks {
        spans.push(Span::styled(format!("  {mark}"), context.style(*paint)));
    }
    let line = Line::from(spans);
    buffer.set_line(area.x, area.y, &line, area.width);
    // A rule up to the edge parts the panes.
    let used = u16::try_from(line.width())
        .unwrap_or(u16::MAX)
        .saturating_add(1);
    for x in area.x.saturating_add(used)..area.right() {
        let paint = match has_focus {
            true => Paint::FocusedBorder,
            false => Paint::Border,
        };
        buffer.set_string(x, area.y, "─", context.style(paint));
    }
}

/// How many lines each pane gets: what it wants if all fit; else small ones get what they want, and the rest is shared, the
/// one in focus getting twice as much.
fn heights(wanted: &[usize], focused: usize, room: usize) -> Vec<usize> {
    let total: usize = wanted.iter().sum();
    if total <= room {
        return wanted.to_vec();
    }
    let mut given: Vec<Option<usize>> = vec![None; wanted.len()];
    loop {
        let used: usize = given.iter().flatten().sum();
        let open: Vec<usize> = (0..wanted.len())
            .filter(|at| given[*at].is_none())
            .collect();
        let weight = |at: usize| if at == focused { 2 } else { 1 };
        let weights: usize = open.iter().map(|at| weight(*at)).sum();
        let rest = room.saturating_sub(used);
        if weights == 0 {
            break;
        }
        let share = |at: usize| (rest * weight(at) / weights).max(1);
        let small: Vec<usize> = open
            .iter()
            .copied()
            .filter(|at| wanted[*at] <= share(*at))
            .collect();
        if small.is_empty() {
            for at in open {
                given[at] = Some(share(at));
            }
            break;
        }
        for at in small {
            given[at] = Some(wanted[at]);
        }
    }
    let mut heights: Vec<usize> = given
        .into_iter()
        .map(|height| height.unwrap_or(0))
        .collect();
    // What rounding left over goes to the one in focus.
    let used: usize = heights.iter().sum();
    if let Some(height) = heights.get_mut(focused) {
        *height += room.saturating_sub(used);
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_share_the_room() {
        assert_eq!(heights(&[3, 4, 5], 0, 20), [3, 4, 5]);
        assert_eq!(heights(&[3, 40, 50], 1, 30), [3, 18, 9]);
        assert_eq!(heights(&[40, 40], 0, 30), [20, 10]);
        assert_eq!(heights(&[], 0, 30), [0usize; 0]);
        let small = heights(&[9, 9, 9, 9], 3, 3);
        assert!(small.iter().all(|height| *height >= 1), "{small:?}");
    }

    proptest::proptest! {
        #[test]
        fn no_pane_gets_more_than_there_is(wanted in proptest::collection::vec(1usize..60, 0..8), focused in 0usize..8, room in 8usize..80) {
            let heights = heights(&wanted, focused, room);
            proptest::prop_assert_eq!(heights.len(), wanted.len());
            proptest::prop_assert!(heights.iter().sum::<usize>() <= room.max(wanted.len()));
        }
    }
}
