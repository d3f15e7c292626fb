//! Both candidates of a pair beside or below each other, what differs marked.

use ratatui::text::{Line, Span};

use crate::domain::{Action as StepAction, Candidate, Maker};
use crate::tui::theme::Paint;
use crate::tui::views::record_lines::Writer;
use crate::tui::widgets::code_colors;
use crate::tui::widgets::difference::{LineRow, is_only_looks, lines as compare_lines, words};
use crate::tui::widgets::styled_text::{self, Wrapping};

/// How a side looks.
#[derive(Clone, Copy)]
pub(super) struct SideLook {
    pub title: &'static str,
    heading: Paint,
    /// Words that only it has.
    words: Paint,
    /// Lines that only it has.
    lines: Paint,
    mark: &'static str,
}

pub(super) const CHOSEN: SideLook = SideLook {
    title: "Chosen",
    heading: Paint::Good,
    words: Paint::AddedWord,
    lines: Paint::Added,
    mark: "+ ",
};

pub(super) const REJECTED: SideLook = SideLook {
    title: "Rejected",
    heading: Paint::Bad,
    words: Paint::RemovedWord,
    lines: Paint::Removed,
    mark: "- ",
};

/// Tells nothing of who is better.
pub(super) const NEUTRAL: [SideLook; 2] = [neutral("1"), neutral("2")];

const fn neutral(title: &'static str) -> SideLook {
    SideLook {
        title,
        heading: Paint::Accent,
        words: Paint::Edited,
        lines: Paint::Edited,
        mark: "~ ",
    }
}

/// The parts of both sides, what differs marked.
pub(super) fn sides(
    left: &Candidate,
    right: &Candidate,
    looks: [SideLook; 2],
    is_stacked: bool,
    tells_maker: bool,
    whole: &Writer<'_>,
) -> Vec<Line<'static>> {
    let theme = whole.theme;
    let half = Writer {
        width: match is_stacked {
            true => whole.width,
            false => (whole.width - 3) / 2,
        },
        ..*whole
    };
    let title = |look: SideLook, candidate: &Candidate| {
        let mut spans = vec![Span::styled(look.title, theme.style(look.heading))];
        if tells_maker {
            let maker = match &candidate.maker {
                Maker::Recorded => String::new(),
                Maker::Controller(name) => format!("  by {name}"),
                Maker::Person(name) => format!("  by {name}"),
            };
            let score = candidate
                .score
                .map_or(String::new(), |score| format!("  score {score}"));
            spans.push(Span::styled(
                format!("{maker}{score}"),
                theme.style(Paint::Dim),
            ));
        }
        Line::from(spans)
    };
    let mut all = Vec::new();
    let mut put = |a: Vec<Line<'static>>, b: Vec<Line<'static>>| match is_stacked {
        false => all.extend(beside(a, b, &half)),
        true => {
            all.extend(a);
            all.extend(b);
        }
    };
    let (thought_a, thought_b) = (
        left.thought.as_deref().unwrap_or(""),
        right.thought.as_deref().unwrap_or(""),
    );
    let (removed, added) = words(thought_a, thought_b);
    let (code_a, code_b) = (action_text(left), action_text(right));
    let only_looks = is_only_looks(&code_a, &code_b);
    let code_mark = match (code_a == code_b, only_looks) {
        (true, _) => "  the same",
        (_, true) => "  differs in comments and blanks only",
        _ => "",
    };
    let rows = compare_lines(&code_a, &code_b);
    let part = |text: &str, mark: &str| {
        vec![Line::from(vec![
            Span::styled(text.to_owned(), theme.style(Paint::Dim)),
            Span::styled(mark.to_owned(), theme.style(Paint::Warning)),
        ])]
    };
    let observation = |candidate: &Candidate| match &candidate.observation {
        Some(observation) => {
            let paint = match observation.is_error {
                true => Paint::Bad,
                false => Paint::Text,
            };
            half.text("observation", &observation.text, paint)
        }
        None => vec![Line::styled("not executed", theme.style(Paint::Dim))],
    };
    if is_stacked {
        // One whole side after the other.
        let sides = [
            (looks[0], left, &removed, true),
            (looks[1], right, &added, false),
        ];
        for (look, candidate, ranges, is_first) in sides {
            all.push(title(look, candidate));
            all.extend(part("thought", ""));
            all.extend(half.painted(
                candidate.thought.as_deref().unwrap_or(""),
                ranges,
                look.words,
            ));
            all.extend(part("code", code_mark));
            all.extend(code_side(
                &rows,
                if is_first { &code_a } else { &code_b },
                (is_first, look),
                &half,
            ));
            all.extend(part("observation", ""));
            all.extend(observation(candidate));
            all.push(Line::default());
        }
        return all;
    }
    put(vec![title(looks[0], left)], vec![title(looks[1], right)]);
    put(part("thought", ""), part("thought", ""));
    put(
        half.painted(thought_a, &removed, looks[0].words),
        half.painted(thought_b, &added, looks[1].words),
    );
    put(vec![Line::default()], vec![Line::default()]);
    put(part("code", code_mark), part("code", ""));
    for row in &rows {
        let one = std::slice::from_ref(row);
        put(
            code_side(one, &code_a, (true, looks[0]), &half),
            code_side(one, &code_b, (false, looks[1]), &half),
        );
    }
    put(vec![Line::default()], vec![Line::default()]);
    put(part("observation", ""), part("observation", ""));
    put(observation(left), observation(right));
    all.push(Line::default());
    all
}

fn action_text(candidate: &Candidate) -> String {
    let text = crate::domain::review::candidate_text(candidate, crate::domain::review::Field::Code);
    match &candidate.action {
        Some(StepAction::ToolCalls(calls)) => {
            let calls = calls
                .iter()
                .map(|call| crate::corpus::call_text(&call.name, &call.arguments));
            calls.collect::<Vec<_>>().join("\n")
        }
        _ => text.trim_end().to_owned(),
    }
}

/// The lines of one side of a comparison, those that differ marked at the edge.
fn code_side(
    rows: &[LineRow],
    code: &str,
    (is_first, look): (bool, SideLook),
    writer: &Writer<'_>,
) -> Vec<Line<'static>> {
    let theme = writer.theme;
    let texts: Vec<&str> = code.split('\n').collect();
    let inner = Writer {
        width: writer.width.saturating_sub(2).max(4),
        ..*writer
    };
    let mut all = Vec::new();
    for row in rows {
        let at = if is_first { row.first } else { row.second };
        let Some(text) = at.and_then(|at| texts.get(at)) else {
            continue;
        };
        let (mark, paint) = match row.is_equal {
            true => ("  ", Paint::Text),
            false => (look.mark, look.lines),
        };
        let colors = code_colors::colors(text, &[], theme);
        let base = theme.style(paint);
        let shown = match row.is_equal {
            true => styled_text::lines(text, base, &colors, inner.width, Wrapping::Code),
            false => styled_text::lines(text, base, &[], inner.width, Wrapping::Code),
        };
        for (number, line) in shown.into_iter().enumerate() {
            let mark = if number == 0 { mark } else { "  " };
            let mut spans = vec![Span::styled(mark.to_owned(), base)];
            spans.extend(line.spans);
            all.push(Line::from(spans));
        }
    }
    all
}

/// Two columns, a rule between them.
fn beside(a: Vec<Line<'static>>, b: Vec<Line<'static>>, half: &Writer<'_>) -> Vec<Line<'static>> {
    let count = a.len().max(b.len());
    let (mut a, mut b) = (a.into_iter(), b.into_iter());
    let mut all = Vec::with_capacity(count);
    for _ in 0..count {
        let left = a.next().unwrap_or_default();
        let right = b.next().unwrap_or_default();
        let missing = half.width.saturating_sub(left.width());
        let mut spans = left.spans;
        spans.push(Span::raw(" ".repeat(missing)));
        spans.push(Span::styled(" │ ", half.theme.style(Paint::Border)));
        spans.extend(right.spans);
        all.push(Line::from(spans));
    }
    all
}
