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
    pub selected: usize,
    pub picked: Option<usize>,
    /// The judge's best.
    pub best: Option<usize>,
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
        self.scroll.show(shown.selected, height);
        self.scroll.fit(shown.lanes.len(), height);
        let lanes = shown.lanes.iter().enumerate().skip(self.scroll.top);
        for ((number, lane), y) in lanes.zip(area.y..area.bottom()) {
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
    let (state, paint) = lane.state();
    let pick = match shown.picked == Some(number) {
        true => "★",
        false => " ",
    };
    let mut spans = vec![
        Span::styled(format!("{pick}{number:>2} "), context.style(Paint::Accent)),
        Span::styled(column(&lane.maker(), MAKER), context.style(Paint::Text)),
        Span::styled(format!(" {}", column(&state, STATE)), context.style(paint)),
    ];
    let place = match lane.place {
        Some(place) if shown.best == Some(number) => (format!(" #{place} best"), Paint::Good),
        Some(place) => (format!(" #{place}"), Paint::Text),
        None => (String::new(), Paint::Dim),
    };
    spans.push(Span::styled(column(&place.0, 9), context.style(place.1)));
    let used: usize = spans.iter().map(Span::width).sum();
    let said = match (lane.same_as, &lane.stage) {
        (Some(first), _) => format!(" does the same as {first}"),
        (None, Stage::Done) => reason(lane).map_or(String::new(), |reason| format!(" {reason}")),
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
