//! All candidates of a re-run, a line each: who made it, how far it is, its place, why.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use crate::tui::draw_context::DrawContext;
use crate::tui::theme::Paint;
use crate::tui::widgets::pane::Scroll;
use crate::tui::widgets::styled_text::{column, cut};

use super::lane::{Lane, Stage};

/// Columns of a maker's name, and of a state.
const MAKER: usize = 16;
const STATE: usize = 26;

/// The lines, and where they were drawn.
#[derive(Debug, Default)]
pub(super) struct Strip {
    scroll: Scroll,
    area: Rect,
}

/// What of the candidates the strip says.
pub(super) struct Shown<'a> {
    pub lanes: &'a [Lane],
    /// The candidates by line.
    pub order: &'a [usize],
    /// Whether numbers, makers and what judges say are not told: places stand for numbers.
    pub is_hidden: bool,
    pub selected: usize,
    pub picked: Option<usize>,
    /// The judge's best.
    pub best: Option<usize>,
}

impl Shown<'_> {
    /// What a candidate is called.
    fn label(&self, number: usize) -> usize {
        let place = self.order.iter().position(|known| *known == number);
        match (self.is_hidden, place) {
            (true, Some(place)) => place + 1,
            (true, None) => 0,
            (false, _) => number,
        }
    }
}

impl Strip {
    /// The candidate that was drawn at a position.
    pub fn at(&self, at: Position) -> Option<usize> {
        let row = usize::from(at.y.checked_sub(self.area.y)?);
        self.area.contains(at).then_some(self.scroll.top + row)
    }

    pub fn draw(
        &mut self,
        shown: &Shown<'_>,
        area: Rect,
        buffer: &mut Buffer,
        context: &DrawContext<'_>,
    ) {
        self.area = area;
        let height = usize::from(area.height);
        let selected = shown.order.iter().position(|of| *of == shown.selected);
        self.scroll.show(selected.unwrap_or(0), height);
        self.scroll.fit(shown.order.len(), height);
        let numbers = shown.order.iter().copied().skip(self.scroll.top);
        for (number, y) in numbers.zip(area.y..area.bottom()) {
            let Some(lane) = shown.lanes.get(number) else {
                continue;
            };
            let line = line(number, lane, shown, usize::from(area.width), context);
            buffer.set_line(area.x, y, &line, area.width);
            if number == shown.selected {
                let row = Rect {
                    y,
                    height: 1,
                    ..area
                };
                buffer.set_style(row, context.style(Paint::Selected));
            }
        }
    }
}

fn line(
    number: usize,
    lane: &Lane,
    shown: &Shown<'_>,
    width: usize,
    context: &DrawContext<'_>,
) -> Line<'static> {
    let (state, paint) = lane.state(shown.is_hidden);
    let maker = match shown.is_hidden {
        false => lane.maker(),
        true => String::new(),
    };
    let pick = match shown.picked == Some(number) {
        true => "★",
        false => " ",
    };
    let mut spans = vec![
        Span::styled(
            format!("{pick}{:>2} ", shown.label(number)),
            context.style(Paint::Accent),
        ),
        Span::styled(column(&maker, MAKER), context.style(Paint::Text)),
        Span::styled(format!(" {}", column(&state, STATE)), context.style(paint)),
    ];
    let place = match lane.place {
        _ if shown.is_hidden => (String::new(), Paint::Dim),
        Some(place) if shown.best == Some(number) => (format!(" #{place} best"), Paint::Good),
        Some(place) => (format!(" #{place}"), Paint::Text),
        None => (String::new(), Paint::Dim),
    };
    spans.push(Span::styled(column(&place.0, 9), context.style(place.1)));
    let used: usize = spans.iter().map(Span::width).sum();
    let said = match (lane.same_as, &lane.stage) {
        (Some(first), _) => format!(" does the same as {}", shown.label(first)),
        (None, Stage::Done) if !shown.is_hidden => {
            reason(lane).map_or(String::new(), |reason| format!(" {reason}"))
        }
        _ => String::new(),
    };
    spans.push(Span::styled(
        cut(&said, width.saturating_sub(used)),
        context.style(Paint::Dim),
    ));
    Line::from(spans)
}

/// The first thing that a judge says of it.
fn reason(lane: &Lane) -> Option<String> {
    let judgements = &lane.candidate.as_ref()?.judgements;
    let mut reasons = judgements.iter().flat_map(|judgement| {
        let no_verdict = judgement.no_verdict.iter();
        judgement.reasons.iter().chain(no_verdict)
    });
    let first = reasons.next()?;
    Some(crate::domain::visible_line(first).into_owned())
}
