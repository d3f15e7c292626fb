//! Counts as bars, in any width.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::tui::theme::{Paint, Theme};

use super::styled_text::column;

/// Eighths of a column.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A line for each of the first counts: label, bar, count and share. What is left out is said in a last line.
pub fn lines(
    counts: &[(String, u64)],
    most: usize,
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let greatest = counts
        .iter()
        .map(|(_, count)| *count)
        .max()
        .unwrap_or(0)
        .max(1);
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    let shown = counts.get(..most).unwrap_or(counts);
    let widest = shown
        .iter()
        .map(|(label, _)| super::styled_text::width(label))
        .max();
    let label_width = widest.unwrap_or(0).min(width / 3).max(4);
    let number_width = greatest.to_string().len().max(3);
    // Label, blank, bar, blank, number, blank and a share such as `100%`.
    let bar_room = width.saturating_sub(label_width + number_width + 8);
    let mut lines = Vec::new();
    for (label, count) in shown {
        let eighths = (*count as u128 * bar_room as u128 * 8 / greatest as u128) as usize;
        let mut bar = "█".repeat(eighths / 8);
        bar.push_str(EIGHTHS[eighths % 8]);
        let blank = " ".repeat(bar_room.saturating_sub(eighths.div_ceil(8)));
        let share = match total {
            0 => 0.0,
            _ => *count as f64 * 100.0 / total as f64,
        };
        lines.push(Line::from(vec![
            Span::raw(format!("{} ", column(label, label_width))),
            Span::styled(bar, theme.style(Paint::Bar)),
            Span::raw(blank),
            Span::styled(format!(" {count:>number_width$}"), Style::default()),
            Span::styled(format!(" {share:>3.0}%"), theme.style(Paint::Dim)),
        ]));
    }
    if shown.len() < counts.len() {
        let rest = counts.len() - shown.len();
        lines.push(Line::from(Span::styled(
            format!("… {rest} more"),
            theme.style(Paint::Dim),
        )));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::ColorDepth;

    #[test]
    fn bars_are_as_long_as_their_share_of_the_greatest() {
        let theme = Theme::named("no-color", ColorDepth::None).expect("a theme");
        let counts = [
            ("ocr".to_owned(), 8),
            ("search".to_owned(), 4),
            ("x".to_owned(), 1),
        ];
        let shown: Vec<String> = lines(&counts, 2, 33, &theme)
            .iter()
            .map(|l| l.to_string())
            .collect();
        assert_eq!(shown[0], "ocr    ████████████████   8  62%");
        assert_eq!(shown[1], "search ████████           4  31%");
        assert_eq!(shown[2], "… 1 more");
        assert!(
            lines(&[("a".to_owned(), 0)], 5, 3, &theme)[0]
                .to_string()
                .contains("0%")
        );
        assert!(lines(&[], 5, 30, &theme).is_empty());
    }
}
