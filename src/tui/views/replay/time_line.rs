//! The steps of a trajectory, a line each, with marks for what is to be seen of them.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use crate::corpus::Inspection;
use crate::domain::review::StepKey;
use crate::replay::TrajectoryReplay;
use crate::tui::draw_context::DrawContext;
use crate::tui::theme::Paint;
use crate::tui::views::record_lines::label_mark;
use crate::tui::views::replay::run_panes::verdict_paint;
use crate::tui::widgets::pane::Scroll;
use crate::tui::widgets::styled_text::one_line;

/// The time line.
#[derive(Debug, Default)]
pub struct TimeLine {
    scroll: Scroll,
    count: usize,
    /// Where it was drawn.
    pub area: Rect,
}

impl TimeLine {
    /// The place that was drawn at a position.
    pub fn at(&self, at: Position) -> Option<usize> {
        let row = self.scroll.top + usize::from(at.y.checked_sub(self.area.y)?);
        (self.area.contains(at) && row < self.count).then_some(row)
    }

    /// Draws the line of each place.
    pub fn draw(
        &mut self,
        (record, run): (&Inspection, Option<&TrajectoryReplay>),
        entry: usize,
        is_focused: bool,
        area: Rect,
        buffer: &mut Buffer,
        context: &mut DrawContext<'_>,
    ) {
        self.area = area;
        let steps = record
            .current
            .content
            .trajectory
            .as_ref()
            .map_or(0, |t| t.steps.len());
        self.count = steps + 2;
        let height = usize::from(area.height);
        self.scroll.show(entry, height);
        self.scroll.fit(self.count, height);
        let shown = (self.scroll.top..self.count).take(height);
        for (place, y) in shown.zip(area.y..) {
            let line = match place {
                0 => heading(
                    "Task",
                    record.flags.iter().any(|flag| flag.step.is_none()),
                    context,
                ),
                place if place == steps + 1 => heading("Answer", false, context),
                place => step_line((record, run), place, context),
            };
            let line = fitted(&line, usize::from(area.width));
            buffer.set_line(area.x, y, &line, area.width);
            if place == entry {
                let paint = match is_focused {
                    true => Paint::Selected,
                    false => Paint::SelectedUnfocused,
                };
                buffer.set_style(
                    Rect {
                        y,
                        height: 1,
                        ..area
                    },
                    context.style(paint),
                );
            }
        }
    }
}

fn heading(text: &str, is_flagged: bool, context: &DrawContext<'_>) -> Line<'static> {
    let mut spans = vec![Span::styled(
        format!("  {text}"),
        context.style(Paint::Heading),
    )];
    if is_flagged {
        spans.push(Span::styled(" ⚑", context.style(Paint::Warning)));
    }
    Line::from(spans)
}

fn step_line(
    (record, run): (&Inspection, Option<&TrajectoryReplay>),
    place: usize,
    context: &DrawContext<'_>,
) -> Line<'static> {
    let trajectory = record.current.content.trajectory.as_ref();
    let step = trajectory.and_then(|trajectory| trajectory.steps.get(place - 1));
    let about = record.current.steps.get(place - 1);
    let tools = record
        .tools
        .get(place - 1)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let is_error = step.is_some_and(|step| step.is_error());
    let mut spans = vec![Span::styled(
        format!("{place:>3} "),
        context.style(Paint::Dim),
    )];
    let mut mark =
        |text: &str, paint: Paint| spans.push(Span::styled(text.to_owned(), context.style(paint)));
    if is_error {
        mark("✗ ", Paint::Bad);
    }
    match (tools.is_empty(), step.and_then(|step| step.action.as_ref())) {
        (false, _) => mark(&tools.join(" "), Paint::Tool),
        (true, Some(crate::domain::Action::Message(_))) => mark("message", Paint::Dim),
        (true, Some(crate::domain::Action::Code(code))) if code.contains("final_answer") => {
            mark("final_answer", Paint::Dim);
        }
        (true, Some(_)) => mark("code", Paint::Dim),
        (true, None) => mark("thought", Paint::Dim),
    }
    if let Some(about) = about {
        if matches!(about.key, StepKey::Added(_)) {
            mark(" +", Paint::Edited);
        } else if about.is_edited {
            mark(" ✎", Paint::Edited);
        }
        if about.stale.is_some() {
            mark(" ~", Paint::Stale);
        }
        let review = &record.current.review;
        for label in review
            .labels
            .get(&about.key)
            .into_iter()
            .flat_map(|labels| labels.values())
        {
            let (text, paint) = label_mark(label.value());
            mark(&format!(" {text}"), paint);
        }
        if review
            .first_wrong_steps
            .values()
            .any(|key| *key == about.key)
        {
            mark(" ⚠", Paint::Bad);
        }
    }
    if record.flags.iter().any(|flag| flag.step == Some(place)) {
        mark(" ⚑", Paint::Warning);
    }
    let ran = run.and_then(|run| run.steps.iter().find(|step| step.step + 1 == place));
    if let Some(ran) = ran {
        mark(" ↻", verdict_paint(ran.verdict));
    }
    let pictures = step.map_or(0, |step| {
        step.pictures.len() + step.observation.as_ref().map_or(0, |o| o.pictures.len())
    });
    if pictures > 0 {
        mark(" ▣", Paint::Accent);
    }
    if step.is_some_and(|step| !step.candidates.is_empty()) {
        let count = step.map_or(0, |step| step.candidates.len());
        mark(&format!(" ×{count}"), Paint::Accent);
    }
    Line::from(spans)
}

/// A line cut to a width, with `…` where it was cut.
fn fitted(line: &Line<'static>, width: usize) -> Line<'static> {
    if line.width() <= width {
        return line.clone();
    }
    let mut text = String::new();
    let mut colors = Vec::new();
    for span in &line.spans {
        let start = text.len();
        text.push_str(&span.content);
        colors.push((start..text.len(), span.style));
    }
    one_line(&text, ratatui::style::Style::default(), &colors, width)
}
