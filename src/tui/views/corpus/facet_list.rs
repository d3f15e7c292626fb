//! Fields and how often their values occur among what is found; each value includes or excludes with a key.

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::index::query::keyword_text;
use crate::tui::draw_context::DrawContext;
use crate::tui::effect::FacetCount;
use crate::tui::theme::Paint;
use crate::tui::widgets::pane::{self, Scroll};
use crate::tui::widgets::styled_text::column;

/// Values of a field that are shown unless one asks for all.
const SHOWN: usize = 6;

/// The facets.
#[derive(Debug, Default)]
pub struct FacetList {
    counts: Vec<FacetCount>,
    all_of: BTreeSet<&'static str>,
    selected: usize,
    scroll: Scroll,
    height: usize,
    /// Where its rows were drawn.
    pub area: Rect,
}

#[derive(Debug, Clone, PartialEq)]
enum Row<'a> {
    Field(&'static str),
    Value(&'static str, &'a str, u64),
    More(&'static str, usize),
}

impl FacetList {
    /// Other counts.
    pub fn set(&mut self, counts: Vec<FacetCount>) {
        self.counts = counts;
        let last = self.rows().len().saturating_sub(1);
        self.selected = self.selected.min(last);
    }

    /// How many of what is found are reviewed, and how many there are.
    pub fn reviewed(&self) -> Option<(u64, u64)> {
        let facet = self.counts.iter().find(|facet| facet.field == "review")?;
        let total = facet.values.iter().map(|(_, count)| count).sum();
        let open = facet.values.iter().find(|(value, _)| value == "unreviewed");
        let open = open.map_or(0, |(_, count)| *count);
        Some((total - open, total))
    }

    fn rows(&self) -> Vec<Row<'_>> {
        let mut rows = Vec::new();
        for facet in &self.counts {
            rows.push(Row::Field(facet.field));
            let shown = match self.all_of.contains(facet.field) {
                true => facet.values.len(),
                false => SHOWN.min(facet.values.len()),
            };
            let values = facet.values.iter().take(shown);
            rows.extend(values.map(|(value, count)| Row::Value(facet.field, value, *count)));
            if shown < facet.values.len() {
                rows.push(Row::More(facet.field, facet.values.len() - shown));
            }
        }
        rows
    }

    /// Moves by rows.
    pub fn move_by(&mut self, rows: isize) {
        let last = self.rows().len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(rows).min(last);
    }

    /// Rows of a page.
    pub fn page(&self) -> isize {
        self.height.saturating_sub(1).max(1) as isize
    }

    /// Selects the row drawn at this height of the screen; whether there is one.
    pub fn click(&mut self, y: u16) -> bool {
        let row = self.scroll.top + usize::from(y.saturating_sub(self.area.y));
        let is_there = row < self.rows().len();
        if is_there {
            self.selected = row;
        }
        is_there
    }

    /// The clause of the selected value, or its row is opened.
    pub fn clause(&mut self) -> Option<String> {
        let (clause, opened) = match self.rows().get(self.selected) {
            Some(Row::Value(field, value, _)) => (Some(clause(field, value)), None),
            Some(Row::More(field, _)) => (None, Some(*field)),
            Some(Row::Field(field)) => (None, Some(*field)),
            None => (None, None),
        };
        if let Some(field) = opened
            && !self.all_of.insert(field)
        {
            self.all_of.remove(field);
        }
        clause
    }

    /// Draws the rows; values that the query names are marked.
    pub fn draw(
        &mut self,
        query: &str,
        is_focused: bool,
        area: Rect,
        buffer: &mut Buffer,
        context: &mut DrawContext<'_>,
    ) {
        let title = pane::title("Facets", context.theme);
        let inner = pane::frame(title, is_focused, area, context.theme, buffer);
        self.height = usize::from(inner.height);
        self.area = inner;
        let width = usize::from(inner.width);
        let rows = self.rows();
        let mut scroll = self.scroll;
        scroll.show(self.selected, self.height);
        // A value is seen with the field above it.
        if let Some(Row::Field(_)) = rows.get(self.selected.saturating_sub(1)) {
            scroll.show(self.selected.saturating_sub(1), self.height);
        }
        let lines: Vec<Line<'static>> = rows
            .iter()
            .enumerate()
            .map(|(number, row)| {
                let is_selected = is_focused && number == self.selected;
                let line = line(row, query, width, context);
                match is_selected {
                    true => line.patch_style(context.style(Paint::Selected)),
                    false => line,
                }
            })
            .collect();
        pane::scrolled(&lines, &mut scroll, inner, context.theme, buffer);
        self.scroll = scroll;
        if lines.is_empty() {
            buffer.set_string(inner.x, inner.y, "…", context.style(Paint::Dim));
        }
    }
}

fn line(row: &Row<'_>, query: &str, width: usize, context: &DrawContext<'_>) -> Line<'static> {
    match row {
        Row::Field(field) => Line::styled(column(field, width), context.style(Paint::Heading)),
        Row::More(_, more) => Line::styled(
            column(&format!("   … {more} more"), width),
            context.style(Paint::Dim),
        ),
        Row::Value(field, value, count) => {
            let clause = clause(field, value);
            let (mark, paint) = if has_clause(query, &format!("-{clause}")) {
                ("−", Paint::Bad)
            } else if has_clause(query, &clause) {
                ("+", Paint::Good)
            } else {
                (" ", Paint::Text)
            };
            let count = count.to_string();
            let room = width.saturating_sub(count.len() + 4);
            Line::from(vec![
                Span::styled(format!(" {mark} "), context.style(paint)),
                Span::styled(column(value, room), context.style(paint)),
                Span::styled(format!(" {count}"), context.style(Paint::Dim)),
            ])
        }
    }
}

/// A field and a value as a query writes them.
pub fn clause(field: &str, value: &str) -> String {
    format!("{field}:{}", keyword_text(value))
}

/// Whether a clause stands in a query on its own.
pub fn has_clause(query: &str, clause: &str) -> bool {
    clause_at(query, clause).is_some()
}

fn clause_at(query: &str, clause: &str) -> Option<usize> {
    let is_border = |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')'));
    let mut from = 0;
    while let Some(found) = query.get(from..).and_then(|rest| rest.find(clause)) {
        let at = from + found;
        let before = query[..at].chars().next_back();
        let after = query[at + clause.len()..].chars().next();
        if is_border(before) && is_border(after) {
            return Some(at);
        }
        from = at + clause.chars().next().map_or(1, char::len_utf8);
    }
    None
}

/// A query with a clause more, or without it if it has it; `excluded` means its negation. What it says otherwise stays.
pub fn toggled(query: &str, clause: &str, excluded: bool) -> String {
    let negated = format!("-{clause}");
    let (wanted, other) = match excluded {
        true => (negated.as_str(), clause),
        false => (clause, negated.as_str()),
    };
    let without = |query: &str, clause: &str| {
        let at = clause_at(query, clause)?;
        let (before, after) = (&query[..at], &query[at + clause.len()..]);
        let joined = match before.is_empty() || before.ends_with('(') {
            true => format!("{before}{}", after.trim_start()),
            false => format!("{}{after}", before.trim_end()),
        };
        Some(joined.trim().to_owned())
    };
    if let Some(shorter) = without(query, wanted) {
        return shorter;
    }
    let query = without(query, other).unwrap_or_else(|| query.trim().to_owned());
    match query.is_empty() {
        true => wanted.to_owned(),
        // Alternatives would take only the last of them otherwise.
        false if query.split_whitespace().any(|word| word == "OR") && !query.starts_with('(') => {
            format!("({query}) {wanted}")
        }
        false => format!("{query} {wanted}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_come_and_go() {
        assert_eq!(toggled("", "tool:ocr", false), "tool:ocr");
        assert_eq!(toggled("boats", "tool:ocr", false), "boats tool:ocr");
        assert_eq!(toggled("boats tool:ocr", "tool:ocr", false), "boats");
        assert_eq!(toggled("tool:ocr boats", "tool:ocr", false), "boats");
        assert_eq!(
            toggled("boats tool:ocr", "tool:ocr", true),
            "boats -tool:ocr"
        );
        assert_eq!(toggled("boats -tool:ocr", "tool:ocr", true), "boats");
        assert_eq!(
            toggled("boats -tool:ocr", "tool:ocr", false),
            "boats tool:ocr"
        );
        assert_eq!(
            toggled("tool:ocr_text", "tool:ocr", false),
            "tool:ocr_text tool:ocr"
        );
        assert_eq!(toggled("a OR b", "tool:ocr", false), "(a OR b) tool:ocr");
        assert_eq!(clause("tool", "Ask Image"), "tool:\"Ask Image\"");
    }

    proptest::proptest! {
        #[test]
        fn twice_is_nothing(query in "(cat|tool:ocr|-tool:ocr|dog| ){0,5}", excluded in proptest::bool::ANY) {
            let query = query.split_whitespace().collect::<Vec<_>>().join(" ");
            let once = toggled(&query, "tool:x", excluded);
            proptest::prop_assert_eq!(toggled(&once, "tool:x", excluded), query);
        }
    }
}
