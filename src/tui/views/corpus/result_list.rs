//! What is found: a window of rows around what is shown, loaded as one moves. Moving never waits for a row.

use std::collections::BTreeMap;
use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::corpus::ListedHit;
use crate::domain::TargetId;
use crate::index::query::ResultKind;
use crate::index::{DocumentKind, Sort};
use crate::tui::backend::ROW_FIELDS;
use crate::tui::draw_context::DrawContext;
use crate::tui::effect::{Finding, Found, SearchRequest, Ticket};
use crate::tui::theme::Paint;
use crate::tui::views::record_lines::state_mark;
use crate::tui::widgets::pane::{self, Scroll};
use crate::tui::widgets::styled_text::{column, one_line};

/// Fields of a pair that say nothing of how good a side is.
const SIDELESS: [&str; 4] = ["task", "thought", "code", "observation"];

/// Rows that are asked for at once; more than any screen shows.
const WINDOW: usize = 120;

/// The list.
#[derive(Debug)]
pub struct ResultList {
    /// What is looked for.
    pub finding: Finding,
    /// The newest request; answers to others are late.
    pub ticket: Ticket,
    total: Option<usize>,
    /// The place of the first row that is loaded.
    start: usize,
    rows: Vec<ListedHit>,
    pending: Option<Range<usize>>,
    selected: usize,
    scroll: Scroll,
    height: usize,
    /// Marked items, by the text of their ids.
    pub marks: BTreeMap<String, TargetId>,
    took: std::time::Duration,
    /// Where its rows were drawn.
    pub area: Rect,
}

impl Default for ResultList {
    fn default() -> Self {
        Self {
            finding: Finding {
                query: String::new(),
                kind: ResultKind::Record,
                sort: Sort::Source,
            },
            ticket: Ticket::default(),
            total: None,
            start: 0,
            rows: Vec::new(),
            pending: None,
            selected: 0,
            scroll: Scroll::default(),
            height: 20,
            marks: BTreeMap::new(),
            took: std::time::Duration::ZERO,
            area: Rect::default(),
        }
    }
}

impl ResultList {
    /// Looks for something else, from the first row on; or for the same, and stays where it is.
    pub fn find(&mut self, finding: Finding, stay: bool) -> SearchRequest {
        self.ticket.0 += 1;
        if !stay {
            self.selected = 0;
            self.scroll.top = 0;
        }
        self.finding = finding;
        let rows = self.window();
        self.request(rows)
    }

    fn request(&mut self, rows: Range<usize>) -> SearchRequest {
        self.pending = Some(rows.clone());
        SearchRequest {
            ticket: self.ticket,
            finding: self.finding.clone(),
            rows,
        }
    }

    /// The rows that should be loaded.
    fn window(&self) -> Range<usize> {
        let start = self.scroll.top.saturating_sub(WINDOW / 3);
        start..start + WINDOW
    }

    /// What is to be loaded for what is shown now, if it is not on its way.
    pub fn missing(&mut self) -> Option<SearchRequest> {
        let total = self.total?;
        let shown = self.scroll.top..(self.scroll.top + self.height).min(total);
        let has = |loaded: &Range<usize>| loaded.start <= shown.start && shown.end <= loaded.end;
        let loaded = self.start..self.start + self.rows.len();
        if has(&loaded) || self.pending.as_ref().is_some_and(has) {
            return None;
        }
        let rows = self.window();
        Some(self.request(rows))
    }

    /// Rows have come; whether they are those asked for last.
    pub fn arrived(&mut self, ticket: Ticket, rows: &Range<usize>, found: Found) -> bool {
        if ticket != self.ticket {
            return false;
        }
        if self.pending.as_ref() == Some(rows) {
            self.pending = None;
        }
        self.total = Some(found.listing.total);
        self.start = rows.start;
        self.rows = found.listing.rows;
        self.took = found.took;
        self.selected = self.selected.min(found.listing.total.saturating_sub(1));
        true
    }

    /// The query failed.
    pub fn failed(&mut self, ticket: Ticket) {
        if ticket == self.ticket {
            self.pending = None;
            self.rows.clear();
            self.total = Some(0);
        }
    }

    /// How many there are.
    pub fn total(&self) -> usize {
        self.total.unwrap_or(0)
    }

    /// The selected row, if it is loaded.
    pub fn selected(&self) -> Option<&ListedHit> {
        self.rows.get(self.selected.checked_sub(self.start)?)
    }

    /// Moves by rows.
    pub fn move_by(&mut self, rows: isize) {
        self.move_to(self.selected.saturating_add_signed(rows));
    }

    /// Moves to a row.
    pub fn move_to(&mut self, row: usize) {
        self.selected = row.min(self.total().saturating_sub(1));
        self.scroll.show(self.selected, self.height);
    }

    /// Selects the row of an item, if it is loaded.
    pub fn select(&mut self, id: &TargetId) -> bool {
        let at = self.rows.iter().position(|row| row.hit.id == *id);
        if let Some(at) = at {
            self.move_to(self.start + at);
        }
        at.is_some()
    }

    /// Rows of a page.
    pub fn page(&self) -> isize {
        self.height.saturating_sub(1).max(1) as isize
    }

    /// Selects the row drawn at this height of the screen; whether there is one.
    pub fn click(&mut self, y: u16) -> bool {
        let row = self.scroll.top + usize::from(y.saturating_sub(self.area.y));
        let is_there = row < self.total();
        if is_there {
            self.move_to(row);
        }
        is_there
    }

    /// Marks or unmarks the selected item.
    pub fn toggle_mark(&mut self) {
        let Some(id) = self.selected().map(|row| row.hit.id.clone()) else {
            return;
        };
        let text = id.to_string();
        if self.marks.remove(&text).is_none() {
            self.marks.insert(text, id);
        }
    }

    /// Draws head and rows; in blind mode pairs are told without what was decided and said of them.
    pub fn draw(
        &mut self,
        is_focused: bool,
        is_blind: bool,
        area: Rect,
        buffer: &mut Buffer,
        context: &mut DrawContext<'_>,
    ) {
        let inner = pane::frame(self.title(context), is_focused, area, context.theme, buffer);
        self.height = usize::from(inner.height);
        self.area = inner;
        self.scroll.show(self.selected, self.height);
        let total = self.total();
        self.scroll.fit(total, self.height);
        if total == 0 {
            let text = match self.total {
                None => "…",
                Some(_) if self.finding.query.trim().is_empty() => {
                    "nothing here yet: retake add PATH"
                }
                Some(_) => "nothing is found",
            };
            buffer.set_string(inner.x, inner.y, text, context.style(Paint::Dim));
            return;
        }
        let shown = self.scroll.top..(self.scroll.top + self.height).min(total);
        for (row, y) in shown.zip(inner.y..inner.bottom()) {
            let is_selected = row == self.selected;
            let loaded = row.checked_sub(self.start).and_then(|at| self.rows.get(at));
            let line = match loaded {
                Some(loaded) => {
                    let width = usize::from(inner.width);
                    self.row_line(loaded, is_blind, width, context)
                }
                None => Line::styled("  …", context.style(Paint::Dim)),
            };
            buffer.set_line(inner.x, y, &line, inner.width);
            if is_selected {
                let paint = match is_focused {
                    true => Paint::Selected,
                    false => Paint::SelectedUnfocused,
                };
                let line = Rect {
                    y,
                    height: 1,
                    ..inner
                };
                buffer.set_style(line, context.style(paint));
            }
        }
        let bar = Rect {
            width: inner.width + 1,
            ..inner
        };
        pane::scroll_bar(
            self.scroll.top,
            self.height,
            total,
            bar,
            context.theme,
            buffer,
        );
    }

    fn title(&self, context: &DrawContext<'_>) -> Line<'static> {
        let kind = match self.finding.kind {
            ResultKind::Record => "records",
            ResultKind::Trajectory => "trajectories",
            ResultKind::Step => "steps",
            ResultKind::Pair => "pairs",
        };
        let sort = match self.finding.sort {
            Sort::Score => "best first".to_owned(),
            Sort::Source => "as in the sources".to_owned(),
            Sort::Number {
                field,
                descending: true,
            } => format!("most {field} first"),
            Sort::Number {
                field,
                descending: false,
            } => format!("fewest {field} first"),
        };
        let total = match self.total {
            Some(total) => thousands(total),
            None => "…".to_owned(),
        };
        let place = match self.total() {
            0 => String::new(),
            _ => format!("{} of ", thousands(self.selected + 1)),
        };
        let mut spans = vec![
            Span::styled(
                format!(" {place}{total} {kind}"),
                context.style(Paint::Heading),
            ),
            Span::styled(format!(", {sort} "), context.style(Paint::Dim)),
        ];
        if !self.marks.is_empty() {
            let marked = format!("· {} marked ", thousands(self.marks.len()));
            spans.push(Span::styled(marked, context.style(Paint::Accent)));
        }
        Line::from(spans)
    }

    fn row_line(
        &self,
        row: &ListedHit,
        is_blind: bool,
        width: usize,
        context: &DrawContext<'_>,
    ) -> Line<'static> {
        let id = row.hit.id.to_string();
        let values = |field: &str| -> &[String] {
            let at = ROW_FIELDS.iter().position(|known| *known == field);
            at.and_then(|at| row.values.get(at))
                .map(Vec::as_slice)
                .unwrap_or_default()
        };
        let mark = if self.marks.contains_key(&id) {
            "▌"
        } else {
            " "
        };
        let is_secret = is_blind && row.hit.kind == DocumentKind::Pair;
        let (state, state_paint) = match is_secret {
            true => ("?", Paint::Dim),
            false => state_mark(row.hit.review),
        };
        let (said, said_paint) = match is_secret {
            true => (" ", Paint::Dim),
            false => said_mark(values("verdict"), values("outcome")),
        };
        let id_width = (width / 4).clamp(18, 34);
        let steps = match (row.hit.kind, row.hit.step) {
            (DocumentKind::Step, Some(step)) => format!("#{step}"),
            (DocumentKind::Pair, _) => "pair".to_owned(),
            _ => values("steps").first().cloned().unwrap_or_default(),
        };
        let mut spans = vec![
            Span::styled(mark.to_owned(), context.style(Paint::Accent)),
            Span::styled(state.to_owned(), context.style(state_paint)),
            Span::styled(said.to_owned(), context.style(said_paint)),
            Span::raw(" "),
            Span::styled(id_column(&id, id_width), context.style(Paint::Accent)),
            Span::styled(format!(" {steps:>4} "), context.style(Paint::Dim)),
        ];
        let mut used = 4 + id_width + 6;
        let flags = match is_secret {
            true => 0,
            false => values("flag").len(),
        };
        if width >= 72 {
            let tools_width = (width / 6).min(24);
            let tools = values("tool").join(" ");
            spans.push(Span::styled(
                column(&tools, tools_width),
                context.style(Paint::Tool),
            ));
            let flag = match flags {
                0 => "   ".to_owned(),
                count => format!(" ⚑{}", count.min(9)),
            };
            spans.push(Span::styled(flag, context.style(Paint::Warning)));
            spans.push(Span::raw(" "));
            used += tools_width + 4;
        }
        let room = width.saturating_sub(used);
        // What a judge or others wrote of a pair would say which side is better.
        let is_told = !is_secret || SIDELESS.contains(&row.hit.field);
        if let Some(snippet) = row.hit.snippet.as_ref().filter(|_| is_told) {
            let style = context.style(Paint::Match);
            let colors: Vec<_> = snippet
                .ranges
                .iter()
                .map(|range| (range.clone(), style))
                .collect();
            let line = one_line(&snippet.text, context.style(Paint::Text), &colors, room);
            spans.extend(line.spans);
        }
        Line::from(spans)
    }
}

/// An id in so many columns; what tells records apart is at its end.
fn id_column(id: &str, width: usize) -> String {
    let visible = crate::domain::visible_line(id);
    if visible.width() <= width {
        return column(&visible, width);
    }
    let mut kept = 1;
    let tail = visible.char_indices().rev().take_while(|(_, c)| {
        kept += c.width().unwrap_or(0);
        kept <= width
    });
    let start = tail.last().map_or(visible.len(), |(at, _)| at);
    column(&format!("…{}", &visible[start..]), width)
}

/// What the data, or the benchmark's scorer, says of a record.
fn said_mark(verdicts: &[String], outcomes: &[String]) -> (&'static str, Paint) {
    let says = |word: &str| verdicts.iter().chain(outcomes).any(|value| value == word);
    if says("incorrect") || says("fail") {
        ("−", Paint::Bad)
    } else if says("correct") || says("pass") {
        ("+", Paint::Good)
    } else {
        (" ", Paint::Dim)
    }
}

/// A number with commas.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_id_is_kept() {
        assert_eq!(id_column("train/0412", 12), "train/0412  ");
        assert_eq!(
            id_column("trajectories/harbour-boats", 14),
            "…harbour-boats"
        );
        assert_eq!(id_column("源/漢字漢字", 7), "…字漢字");
    }

    #[test]
    fn numbers_have_commas() {
        let shown: Vec<String> = [0, 999, 1000, 28_500, 1_234_567].map(thousands).into();
        assert_eq!(shown, ["0", "999", "1,000", "28,500", "1,234,567"]);
    }

    #[test]
    fn rows_are_asked_for_as_one_moves_and_late_answers_are_dropped() {
        let mut list = ResultList::default();
        let first = list.find(list.finding.clone(), false);
        assert_eq!(first.rows, 0..WINDOW);
        let found = |total| Found {
            listing: crate::corpus::Listing {
                total,
                rows: Vec::new(),
            },
            problem: None,
            took: std::time::Duration::ZERO,
        };
        assert!(!list.arrived(Ticket(0), &first.rows, found(5)));
        assert!(list.arrived(first.ticket, &first.rows, found(1000)));
        list.move_to(500);
        let next = list.missing().expect("rows are missing");
        assert!(next.rows.contains(&500), "{:?}", next.rows);
        assert!(list.missing().is_none(), "they are on their way");
        list.move_by(-10_000);
        assert_eq!(list.selected, 0);
        list.move_by(10_000);
        assert_eq!(list.selected, 999);
    }
}
