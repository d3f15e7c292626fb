//! Parts of records as lines: what previews, replays and comparisons share.

use std::ops::Range;

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::corpus::{Current, GoldRecord, Inspection, TaskRun, call_text};
use crate::domain::review::{EditedStep, Staleness, StepKey};
use crate::domain::{Action, Outcome, ReviewState, Verdict};
use crate::index::Highlighter;
use crate::rules::{Flag, Place};
use crate::tui::blind::BlindLook;
use crate::tui::theme::{Paint, Theme};
use crate::tui::widgets::code_colors;
use crate::tui::widgets::styled_text::{Colored, Wrapping, lines, one_line};

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
        self.flagged_text(field, text, paint, &[])
    }

    /// The same with the bytes that flags point at.
    pub fn flagged_text(
        &self,
        field: &str,
        text: &str,
        paint: Paint,
        flagged: &[Range<usize>],
    ) -> Vec<Line<'static>> {
        let base = self.theme.style(paint);
        let mut colors = self.matches(field, text);
        colors.extend(self.flag_colors(flagged));
        lines(
            text.trim_end_matches('\n'),
            base,
            &colors,
            self.width,
            Wrapping::Words,
        )
    }

    fn flag_colors<'r>(&self, flagged: &'r [Range<usize>]) -> impl Iterator<Item = Colored> + 'r {
        let style = flag_style(self.theme);
        flagged.iter().map(move |range| (range.clone(), style))
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

    /// Python, coloured and numbered, with the bytes that flags point at.
    fn code(&self, code: &str, tools: &[String], flagged: &[Range<usize>]) -> Vec<Line<'static>> {
        let code = code.trim_end_matches('\n');
        let mut colors = code_colors::colors(code, tools, self.theme);
        colors.extend(self.matches("code", code));
        colors.extend(self.flag_colors(flagged));
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
        self.flagged_action(action, tools, &[])
    }

    /// The same with what flags point at.
    pub fn flagged_action(
        &self,
        action: &Action,
        tools: &[String],
        flags: &[&Flag],
    ) -> Vec<Line<'static>> {
        match action {
            Action::Code(code) => {
                let of_code = flags.iter().filter(|flag| flag.field == Place::Code);
                let flagged: Vec<_> = of_code.filter_map(|flag| flag.range.clone()).collect();
                self.code(code, tools, &flagged)
            }
            Action::ToolCalls(calls) => {
                let texts: Vec<String> = calls
                    .iter()
                    .map(|call| call_text(&call.name, &call.arguments))
                    .collect();
                let names: Vec<String> = calls.iter().map(|call| call.name.clone()).collect();
                let mut start = 0;
                let mut flagged = Vec::new();
                for (number, text) in texts.iter().enumerate() {
                    let place = Place::ToolCall(number);
                    if flags.iter().any(|flag| flag.field == place) {
                        flagged.push(start..start + text.len());
                    }
                    start += text.len() + 1;
                }
                self.code(&texts.join("\n"), &names, &flagged)
            }
            Action::Message(message) => self.text("thought", message, Paint::Text),
        }
    }
}

/// How what a flag points at looks.
pub fn flag_style(theme: &Theme) -> Style {
    theme
        .style(Paint::Warning)
        .add_modifier(Modifier::UNDERLINED)
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

/// A record in short, for the side of a list; with a `blind` look a pair does not say which side is which.
pub fn preview(
    inspection: &Inspection,
    part: Option<&str>,
    blind: Option<BlindLook>,
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
        all.extend(pair_preview(inspection, part, blind, writer));
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
    if let Some(gold) = &inspection.gold {
        all.push(Line::default());
        all.push(heading("Gold".to_owned()));
        all.extend(gold_lines(gold, writer));
    }
    if !inspection.runs.is_empty() {
        all.push(Line::default());
        all.push(heading("Runs".to_owned()));
        all.extend(run_lines(&inspection.runs, writer));
    }
    all
}

/// A gold record in short: its id, a line for each step, its answer.
pub fn gold_lines(gold: &GoldRecord, writer: &Writer<'_>) -> Vec<Line<'static>> {
    let theme = writer.theme;
    let mut all = vec![Line::styled(
        gold.id.to_string(),
        theme.style(Paint::Accent),
    )];
    for (index, step) in gold.trajectory.steps.iter().enumerate() {
        let tools = gold.tools.get(index).map(|tools| tools.join(" "));
        let tools = tools.unwrap_or_default();
        let number = format!("{:>3} ", index + 1);
        let thought = step.thought.as_deref().unwrap_or_default();
        let gap = if tools.is_empty() { "" } else { "  " };
        let text = format!("{number}{tools}{gap}{}", thought.trim());
        let colors = [
            (0..number.len(), theme.style(Paint::Dim)),
            (
                number.len()..number.len() + tools.len(),
                theme.style(Paint::Tool),
            ),
        ];
        let text = text.replace('\n', " ");
        all.push(one_line(
            &text,
            theme.style(Paint::Text),
            &colors,
            writer.width,
        ));
    }
    if let Some(answer) = &gold.trajectory.answer {
        all.extend(writer.text("answer", &format!("Answer: {answer}"), Paint::Good));
    }
    all
}

/// Runs over a task, a line each: outcome, the run, the record.
pub fn run_lines(runs: &[TaskRun], writer: &Writer<'_>) -> Vec<Line<'static>> {
    let theme = writer.theme;
    let line = |run: &TaskRun| {
        let name = crate::domain::visible_line(&run.run).into_owned();
        Line::from(vec![
            Span::styled(
                format!("{:<8}", run.outcome.name()),
                theme.style(outcome_paint(run.outcome)),
            ),
            Span::styled(run.id.to_string(), theme.style(Paint::Accent)),
            Span::styled(format!("  {name}"), theme.style(Paint::Dim)),
        ])
    };
    runs.iter().map(line).collect()
}

fn pair_preview(
    inspection: &Inspection,
    part: Option<&str>,
    blind: Option<BlindLook>,
    writer: &Writer<'_>,
) -> Vec<Line<'static>> {
    let theme = writer.theme;
    let Some((pair, about)) = inspection.current.pair(part) else {
        return Vec::new();
    };
    let (mark, paint) = match blind {
        Some(_) => ("?", Paint::Dim),
        None => state_mark(about.state),
    };
    let mut all = vec![Line::from(vec![
        Span::styled(format!("{mark} "), theme.style(paint)),
        Span::styled(about.target.to_string(), theme.style(Paint::Accent)),
        Span::styled(
            format!("  step {}", pair.step_number()),
            theme.style(Paint::Dim),
        ),
    ])];
    all.extend(writer.text("task", &pair.context.task.text, Paint::Text));
    let (chosen, rejected) = (&pair.chosen, &pair.rejected);
    let sides = match blind {
        None => [
            ("Chosen", chosen, Paint::Good),
            ("Rejected", rejected, Paint::Bad),
        ],
        Some(look) => {
            let (left, right) = match look.is_turned {
                false => (chosen, rejected),
                true => (rejected, chosen),
            };
            [("1", left, Paint::Accent), ("2", right, Paint::Accent)]
        }
    };
    for (title, candidate, paint) in sides {
        all.push(Line::default());
        all.push(Line::styled(title, theme.style(paint)));
        if let Some(thought) = &candidate.thought {
            all.extend(writer.text("thought", thought, Paint::Text));
        }
        if let Some(action) = &candidate.action {
            all.extend(writer.action(action, &[]));
        }
    }
    if let Some(reason) = pair.reason.as_ref().filter(|_| blind.is_none()) {
        all.push(Line::default());
        all.push(Line::styled("Reason", theme.style(Paint::Heading)));
        all.extend(writer.text("reason", reason, Paint::Text));
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
