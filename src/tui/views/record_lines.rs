//! Parts of records as lines: what previews, replays and comparisons share.

use std::ops::Range;

use ratatui::text::{Line, Span};

use crate::corpus::{Current, Inspection, call_text};
use crate::domain::review::{EditedStep, Staleness, StepKey};
use crate::domain::{Action, Outcome, ReviewState, Verdict};
use crate::index::Highlighter;
use crate::tui::theme::{Paint, Theme};
use crate::tui::widgets::code_colors;
use crate::tui::widgets::styled_text::{Colored, Wrapping, lines};

/// How texts are turned into lines.
pub struct Writer<'a> {
    /// Colours.
    pub theme: &'a Theme,
    /// What the query looks for.
    pub highlighter: &'a Highlighter,
    /// Columns.
    pub width: usize,
}

impl Writer<'_> {
    fn matches(&self, field: &str, text: &str) -> Vec<Colored> {
        if self.highlighter.is_empty() {
            return Vec::new();
        }
        let style = self.theme.style(Paint::Match);
        let ranges = self.highlighter.ranges(field, text).into_iter();
        ranges.map(|range| (range, style)).collect()
    }

    /// Running text of a field, its matches marked.
    pub fn text(&self, field: &str, text: &str, paint: Paint) -> Vec<Line<'static>> {
        let base = self.theme.style(paint);
        lines(
            text.trim_end_matches('\n'),
            base,
            &self.matches(field, text),
            self.width,
            Wrapping::Words,
        )
    }

    /// Running text with some of its words painted.
    pub fn painted(&self, text: &str, ranges: &[Range<usize>], paint: Paint) -> Vec<Line<'static>> {
        let style = self.theme.style(paint);
        let colors: Vec<Colored> = ranges.iter().map(|range| (range.clone(), style)).collect();
        lines(
            text.trim_end_matches('\n'),
            self.theme.style(Paint::Text),
            &colors,
            self.width,
            Wrapping::Words,
        )
    }

    /// Python, coloured and numbered.
    pub fn code(&self, code: &str, tools: &[String]) -> Vec<Line<'static>> {
        let code = code.trim_end_matches('\n');
        let mut colors = code_colors::colors(code, tools, self.theme);
        colors.extend(self.matches("code", code));
        let count = code.split('\n').count();
        let digits = count.to_string().len().max(2);
        let room = self.width.saturating_sub(digits + 1).max(1);
        let dim = self.theme.style(Paint::Dim);
        let mut numbered = Vec::new();
        let mut start = 0;
        for (number, line) in code.split('\n').enumerate() {
            let end = start + line.len();
            let here: Vec<Colored> = colors
                .iter()
                .filter(|(range, _)| range.start <= end && range.end > start)
                .map(|(range, style)| {
                    let inside =
                        range.start.max(start) - start..range.end.min(end).max(start) - start;
                    (inside, *style)
                })
                .collect();
            start = end + 1;
            let wrapped = lines(
                line,
                self.theme.style(Paint::Text),
                &here,
                room,
                Wrapping::Code,
            );
            for (part, line) in wrapped.into_iter().enumerate() {
                let number = match part {
                    0 => format!("{:>digits$} ", number + 1),
                    _ => " ".repeat(digits + 1),
                };
                let mut spans = vec![Span::styled(number, dim)];
                spans.extend(line.spans);
                numbered.push(Line::from(spans));
            }
        }
        numbered
    }

    /// What a step does.
    pub fn action(&self, action: &Action, tools: &[String]) -> Vec<Line<'static>> {
        match action {
            Action::Code(code) => self.code(code, tools),
            Action::ToolCalls(calls) => {
                let texts: Vec<String> = calls
                    .iter()
                    .map(|call| call_text(&call.name, &call.arguments))
                    .collect();
                let names: Vec<String> = calls.iter().map(|call| call.name.clone()).collect();
                self.code(&texts.join("\n"), &names)
            }
            Action::Message(message) => self.text("thought", message, Paint::Text),
        }
    }
}

/// A mark of what people decided.
pub fn state_mark(state: ReviewState) -> (&'static str, Paint) {
    match state {
        ReviewState::Unreviewed => ("·", Paint::Dim),
        ReviewState::Accepted => ("✓", Paint::Good),
        ReviewState::Rejected => ("✗", Paint::Bad),
        ReviewState::Disputed => ("≠", Paint::Warning),
        ReviewState::Tie => ("=", Paint::Accent),
    }
}

/// The paint of a verdict.
pub fn verdict_paint(verdict: Verdict) -> Paint {
    match verdict {
        Verdict::Correct => Paint::Good,
        Verdict::Incorrect => Paint::Bad,
        Verdict::Unknown => Paint::Dim,
    }
}

/// The paint of an outcome.
pub fn outcome_paint(outcome: Outcome) -> Paint {
    match outcome {
        Outcome::Pass => Paint::Good,
        Outcome::Fail => Paint::Bad,
        Outcome::Unknown => Paint::Dim,
    }
}

/// What is to be said of a step besides its content.
pub fn step_marks(current: &Current, step: &EditedStep) -> Vec<(String, Paint)> {
    let mut marks = Vec::new();
    match step.key {
        StepKey::Added(_) => marks.push(("added".to_owned(), Paint::Edited)),
        StepKey::Source(_) if step.is_edited => marks.push(("edited".to_owned(), Paint::Edited)),
        StepKey::Source(_) => {}
    }
    match step.stale {
        Some(Staleness::Observation) => marks.push(("stale observation".to_owned(), Paint::Stale)),
        Some(Staleness::Step) => marks.push(("stale".to_owned(), Paint::Stale)),
        None => {}
    }
    let review = &current.review;
    for (annotator, label) in review.labels.get(&step.key).into_iter().flatten() {
        let (value, paint) = label_mark(label.value());
        marks.push((format!("{value} ({annotator})"), paint));
    }
    for (annotator, key) in &review.first_wrong_steps {
        if *key == step.key {
            marks.push((format!("first wrong step ({annotator})"), Paint::Bad));
        }
    }
    marks
}

/// A label as it is shown.
pub fn label_mark(value: i8) -> (&'static str, Paint) {
    match value {
        1 => ("+1", Paint::Good),
        -1 => ("-1", Paint::Bad),
        _ => ("0", Paint::Dim),
    }
}

/// A record in short, for the side of a list.
pub fn preview(
    inspection: &Inspection,
    part: Option<&str>,
    writer: &Writer<'_>,
) -> Vec<Line<'static>> {
    let theme = writer.theme;
    let mut all = Vec::new();
    let heading = |text: String| Line::styled(text, theme.style(Paint::Heading));
    let Some(trajectory) = inspection
        .current
        .content
        .trajectory
        .as_ref()
        .filter(|_| part.is_none())
    else {
        if let Some((pair, about)) = inspection.current.pair(part) {
            let (mark, paint) = state_mark(about.state);
            all.push(Line::from(vec![
                Span::styled(format!("{mark} "), theme.style(paint)),
                Span::styled(about.target.to_string(), theme.style(Paint::Accent)),
                Span::styled(
                    format!("  step {}", pair.step_number()),
                    theme.style(Paint::Dim),
                ),
            ]));
            all.extend(writer.text("task", &pair.context.task.text, Paint::Text));
            for (title, candidate, paint) in [
                ("Chosen", &pair.chosen, Paint::Good),
                ("Rejected", &pair.rejected, Paint::Bad),
            ] {
                all.push(Line::default());
                all.push(Line::styled(title, theme.style(paint)));
                if let Some(thought) = &candidate.thought {
                    all.extend(writer.text("thought", thought, Paint::Text));
                }
                if let Some(action) = &candidate.action {
                    all.extend(writer.action(action, &[]));
                }
            }
            if let Some(reason) = &pair.reason {
                all.push(Line::default());
                all.push(heading("Reason".to_owned()));
                all.extend(writer.text("reason", reason, Paint::Text));
            }
        }
        return all;
    };
    all.push(summary_line(inspection, theme));
    all.extend(writer.text("task", &trajectory.task.text, Paint::Text));
    for attachment in &trajectory.task.attachments {
        let label = crate::domain::visible_line(attachment.reference.label()).into_owned();
        all.push(Line::styled(format!("▣ {label}"), theme.style(Paint::Dim)));
    }
    for flag in inspection.flags.iter().filter(|flag| flag.step.is_none()) {
        all.extend(flag_lines(flag.rule, &flag.message, writer));
    }
    for (index, step) in trajectory.steps.iter().enumerate() {
        all.push(Line::default());
        let mut spans = vec![Span::styled(
            format!("Step {}", index + 1),
            theme.style(Paint::Heading),
        )];
        let tools = inspection
            .tools
            .get(index)
            .map(Vec::as_slice)
            .unwrap_or_default();
        if !tools.is_empty() {
            spans.push(Span::styled(
                format!("  {}", tools.join(" ")),
                theme.style(Paint::Tool),
            ));
        }
        if let Some(about) = inspection.current.steps.get(index) {
            for (mark, paint) in step_marks(&inspection.current, about) {
                spans.push(Span::styled(format!("  {mark}"), theme.style(paint)));
            }
        }
        all.push(Line::from(spans));
        if let Some(thought) = &step.thought {
            all.extend(writer.text("thought", thought, Paint::Text));
        }
        if let Some(action) = &step.action {
            all.extend(writer.action(action, tools));
        }
        if let Some(observation) = &step.observation {
            let paint = match observation.is_error {
                true => Paint::Bad,
                false => Paint::Dim,
            };
            let text = writer.text("observation", &observation.text, paint);
            let cut = text.len() > PREVIEWED;
            all.extend(text.into_iter().take(PREVIEWED));
            if cut {
                all.push(Line::styled("…", theme.style(Paint::Dim)));
            }
        }
        for flag in inspection
            .flags
            .iter()
            .filter(|flag| flag.step == Some(index + 1))
        {
            all.extend(flag_lines(flag.rule, &flag.message, writer));
        }
    }
    if let Some(answer) = &trajectory.answer {
        all.push(Line::default());
        all.push(heading("Answer".to_owned()));
        all.extend(writer.text("answer", answer, Paint::Text));
    }
    if let Some(reference) = &inspection.reference {
        all.push(heading("Reference answer".to_owned()));
        all.extend(writer.text("answer", &reference.summary(), Paint::Text));
    }
    all
}

/// Lines of an observation in a preview.
const PREVIEWED: usize = 12;

/// The id of a record with what is decided and said of it.
pub fn summary_line(inspection: &Inspection, theme: &Theme) -> Line<'static> {
    let (mark, paint) = state_mark(inspection.current.state);
    let mut spans = vec![
        Span::styled(format!("{mark} "), theme.style(paint)),
        Span::styled(inspection.record.id.to_string(), theme.style(Paint::Accent)),
    ];
    if let Some(trajectory) = &inspection.current.content.trajectory {
        if let Some(verification) = &trajectory.verification {
            let verdict = verification.verdict;
            let style = theme.style(verdict_paint(verdict));
            spans.push(Span::styled(format!("  {}", verdict.name()), style));
        }
        if let Some(model) = &trajectory.provenance.model {
            let model = crate::domain::visible_line(model).into_owned();
            spans.push(Span::styled(format!("  {model}"), theme.style(Paint::Dim)));
        }
    }
    if let Some(outcome) = inspection.outcome {
        let style = theme.style(outcome_paint(outcome));
        spans.push(Span::styled(format!("  outcome {}", outcome.name()), style));
    }
    if inspection.current.review.source_changed() {
        spans.push(Span::styled(
            "  source changed",
            theme.style(Paint::Warning),
        ));
    }
    Line::from(spans)
}

/// What a rule objects to.
pub fn flag_lines(rule: &str, message: &str, writer: &Writer<'_>) -> Vec<Line<'static>> {
    let text = format!("⚑ {rule}: {message}");
    lines(
        &text,
        writer.theme.style(Paint::Warning),
        &[],
        writer.width,
        Wrapping::Words,
    )
}
