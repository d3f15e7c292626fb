//! What running a step again has shown: whether it prints what was recorded, and the variables after it.

use ratatui::text::{Line, Span};

use crate::domain::visible_line;
use crate::replay::{StepReplay, Verdict};
use crate::tui::theme::Paint;
use crate::tui::views::record_lines::Writer;
use crate::tui::widgets::difference::lines as compare_lines;
use crate::tui::widgets::styled_text::{Wrapping, lines};

use super::panes::{PaneKind, PaneLines};

/// Equal lines that are shown around a difference.
const AROUND: usize = 2;

/// The panes of a step that ran again.
pub fn run_panes(run: &StepReplay, writer: &Writer<'_>) -> Vec<PaneLines> {
    let mut panes = vec![verdict_pane(run, writer)];
    let variables = run.variables.as_deref().unwrap_or_default();
    if !variables.is_empty() {
        let theme = writer.theme;
        let mut text = Vec::new();
        for variable in variables {
            let cut = if variable.is_cut { "…" } else { "" };
            let line = format!("{}: {} = {}{cut}", variable.name, variable.kind, variable.value);
            text.extend(lines(&line, theme.style(Paint::Text), &[], writer.width, Wrapping::Code));
        }
        panes.push(PaneLines {
            kind: PaneKind::Variables,
            marks: Vec::new(),
            lines: text,
        });
    }
    panes
}

fn verdict_pane(run: &StepReplay, writer: &Writer<'_>) -> PaneLines {
    let theme = writer.theme;
    let mut text = Vec::new();
    if !run.reason.is_empty() {
        text.extend(writer.text("reason", &run.reason, Paint::Text));
    }
    if let (Some(recorded), Some(actual)) = (&run.recorded, &run.actual)
        && !run.verdict.reproduces()
    {
        text.extend(difference(recorded, actual, writer));
    } else if let Some(actual) = run.actual.as_ref().filter(|_| !run.verdict.reproduces()) {
        text.push(Line::styled("it prints", theme.style(Paint::Dim)));
        text.extend(writer.text("observation", actual, Paint::Text));
    }
    for call in &run.calls {
        let from = call.provider.as_deref().unwrap_or("nobody");
        let name = visible_line(&call.name).into_owned();
        text.push(Line::from(vec![
            Span::styled(name, theme.style(Paint::Tool)),
            Span::styled(format!("  answered by {from}"), theme.style(Paint::Dim)),
        ]));
    }
    for note in &run.notes {
        text.extend(writer.text("reason", note, Paint::Dim));
    }
    PaneLines {
        kind: PaneKind::RunAgain,
        marks: vec![(run.verdict.name().to_owned(), verdict_paint(run.verdict))],
        lines: text,
    }
}

/// The paint of a verdict.
pub fn verdict_paint(verdict: Verdict) -> Paint {
    match verdict {
        verdict if verdict.reproduces() => Paint::Good,
        Verdict::Differs | Verdict::ErrorNotReproduced => Paint::Bad,
        _ => Paint::Dim,
    }
}

/// What was recorded and what is printed now, as far as they differ.
fn difference(recorded: &str, actual: &str, writer: &Writer<'_>) -> Vec<Line<'static>> {
    let (old, new): (Vec<&str>, Vec<&str>) = (recorded.split('\n').collect(), actual.split('\n').collect());
    let rows = compare_lines(recorded, actual);
    let is_near = |at: usize| {
        let reach = at.saturating_sub(AROUND)..(at + AROUND + 1).min(rows.len());
        rows.get(reach).is_some_and(|near| near.iter().any(|row| !row.is_equal))
    };
    let mut text = Vec::new();
    let mut put = |mark: &str, line: &str, paint: Paint| {
        let line = format!("{mark}{line}");
        text.extend(lines(&line, writer.theme.style(paint), &[], writer.width, Wrapping::Code));
    };
    let mut was_near = true;
    for (at, row) in rows.iter().enumerate() {
        if !is_near(at) {
            if was_near {
                put("  ", "…", Paint::Dim);
            }
            was_near = false;
            continue;
        }
        was_near = true;
        let line = |texts: &[&str], at: Option<usize>| {
            at.and_then(|at| texts.get(at)).map(|line| (*line).to_owned())
        };
        if row.is_equal {
            put("  ", &line(&old, row.first).unwrap_or_default(), Paint::Dim);
            continue;
        }
        if let Some(line) = line(&old, row.first) {
            put("- ", &line, Paint::Removed);
        }
        if let Some(line) = line(&new, row.second) {
            put("+ ", &line, Paint::Added);
        }
    }
    text
}
