//! Text from data as lines of a terminal: made visible, coloured by ranges, broken at words.

use std::ops::Range;

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::domain::visible_line;

/// Columns that a tab is wide.
const TAB: &str = "    ";

/// A piece of a text that looks different from the rest: bytes, and how.
pub type Colored = (Range<usize>, Style);

/// How lines that are too long are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapping {
    /// They go on in the next line, broken at words.
    Words,
    /// They go on in the next line, behind their own indentation: code.
    Code,
}

/// A text as lines that fit a width. `colors` come in order; where they overlap the later one is laid over the earlier.
pub fn lines(
    text: &str,
    base: Style,
    colors: &[Colored],
    width: usize,
    wrapping: Wrapping,
) -> Vec<Line<'static>> {
    let mut all = Vec::new();
    let mut start = 0;
    for line in text.split('\n') {
        let range = start..start + line.len();
        start = range.end + 1;
        let line = line.strip_suffix('\r').unwrap_or(line);
        wrap(
            pieces(line, range.start, base, colors),
            width.max(1),
            wrapping,
            &mut all,
        );
    }
    all
}

/// A text as one line, cut with `…` where it does not fit.
pub fn one_line(text: &str, base: Style, colors: &[Colored], width: usize) -> Line<'static> {
    let mut used = 0;
    let mut kept: Vec<Piece> = Vec::new();
    let mut rest = pieces(text, 0, base, colors).into_iter().peekable();
    while let Some(piece) = rest.next() {
        let needed = match rest.peek() {
            Some(_) => piece.width + 1,
            None => piece.width,
        };
        if used + needed > width {
            if width > used {
                kept.push(Piece {
                    text: "…".to_owned(),
                    style: base,
                    width: 1,
                    is_blank: false,
                });
            }
            break;
        }
        used += piece.width;
        kept.push(piece);
    }
    to_line(kept)
}

/// How many columns a text takes once it is made visible.
pub fn width(text: &str) -> usize {
    visible_line(text).width()
}

/// A text cut to a width, with `…` where it was cut.
pub fn cut(text: &str, width: usize) -> String {
    let line = one_line(text, Style::default(), &[], width);
    line.spans
        .iter()
        .map(|span| span.content.as_ref())
        .collect()
}

/// A text in exactly so many columns, cut or filled with blanks.
pub fn column(text: &str, width: usize) -> String {
    let mut cut = cut(text, width);
    let missing = width.saturating_sub(cut.width());
    cut.push_str(&" ".repeat(missing));
    cut
}

/// A grapheme as it is shown.
struct Piece {
    text: String,
    style: Style,
    width: usize,
    is_blank: bool,
}

fn pieces(line: &str, offset: usize, base: Style, colors: &[Colored]) -> Vec<Piece> {
    let end = offset + line.len();
    let here: Vec<&Colored> = colors
        .iter()
        .filter(|(range, _)| range.start < end && range.end > offset)
        .collect();
    let mut pieces = Vec::with_capacity(line.len());
    for (at, grapheme) in line.grapheme_indices(true) {
        let at = offset + at;
        let style = here
            .iter()
            .filter(|(range, _)| range.contains(&at))
            .fold(base, |style, (_, over)| style.patch(*over));
        let text = match grapheme {
            "\t" => TAB.to_owned(),
            _ => visible_line(grapheme).into_owned(),
        };
        pieces.push(Piece {
            width: text.width(),
            is_blank: matches!(grapheme, " " | "\t"),
            text,
            style,
        });
    }
    pieces
}

fn wrap(pieces: Vec<Piece>, width: usize, wrapping: Wrapping, all: &mut Vec<Line<'static>>) {
    let indentation: usize = pieces
        .iter()
        .take_while(|piece| piece.is_blank)
        .map(|piece| piece.width)
        .sum();
    // An indentation that leaves no room is not kept up.
    let hanging = match wrapping {
        Wrapping::Code if indentation + 2 <= width / 2 => indentation + 2,
        Wrapping::Words if indentation <= width / 2 => indentation,
        _ => 0,
    };
    let mut line: Vec<Piece> = Vec::new();
    let mut used = 0;
    for piece in pieces {
        if used + piece.width > width && !line.is_empty() {
            let rest = match (wrapping, line.iter().rposition(|p| p.is_blank)) {
                _ if piece.is_blank => Vec::new(),
                (_, Some(blank)) if line[..blank].iter().any(|p| !p.is_blank) => {
                    line.split_off(blank + 1)
                }
                _ => Vec::new(),
            };
            // The blanks at which it breaks are not seen.
            if line.iter().any(|piece| !piece.is_blank) {
                while line.last().is_some_and(|piece| piece.is_blank) {
                    line.pop();
                }
            }
            all.push(to_line(std::mem::replace(&mut line, rest)));
            if hanging > 0 {
                line.insert(0, blanks(hanging));
            }
            used = line.iter().map(|p| p.width).sum();
            if piece.is_blank {
                continue;
            }
            // A word longer than the line goes on where it is.
            if used + piece.width > width {
                all.push(to_line(std::mem::take(&mut line)));
                used = 0;
            }
        }
        used += piece.width;
        line.push(piece);
    }
    all.push(to_line(line));
}

fn blanks(width: usize) -> Piece {
    Piece {
        text: " ".repeat(width),
        style: Style::default(),
        width,
        is_blank: true,
    }
}

fn to_line(pieces: Vec<Piece>) -> Line<'static> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    for piece in pieces {
        match spans.last_mut() {
            Some(last) if last.style == piece.style => last.content.to_mut().push_str(&piece.text),
            _ => spans.push(Span::styled(piece.text, piece.style)),
        }
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use ratatui::style::Color;

    use super::*;

    fn texts(lines: &[Line<'_>]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    fn wrapped(text: &str, width: usize) -> Vec<String> {
        texts(&lines(text, Style::default(), &[], width, Wrapping::Words))
    }

    #[test]
    fn lines_break_at_words() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("one\n\ntwo", 8), ["one", "", "two"]);
        assert_eq!(wrapped("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrapped("  in the list", 8), ["  in the", "  list"]);
        assert_eq!(wrapped("a\r\nb", 8), ["a", "b"]);
        assert_eq!(wrapped("", 8), [""]);
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(wrapped("漢字漢字", 4), ["漢字", "漢字"]);
        assert_eq!(wrapped("a漢字", 4), ["a漢", "字"]);
        assert_eq!(cut("漢字漢字", 5), "漢字…");
        assert_eq!(column("漢字", 5), "漢字 ");
        assert_eq!(wrapped("👩‍👩‍👧", 4).len(), 1);
    }

    #[test]
    fn escapes_are_visible() {
        assert_eq!(wrapped("a\u{1b}[31mb", 20), ["a␛[31mb"]);
        assert_eq!(cut("a\tb\nc", 20), "a    b⏎c");
    }

    #[test]
    fn code_goes_on_behind_its_indentation() {
        let code = "if x:\n    print(first, second)";
        let shown = texts(&lines(code, Style::default(), &[], 18, Wrapping::Code));
        assert_eq!(shown, ["if x:", "    print(first,", "      second)"]);
    }

    #[test]
    fn colours_lie_where_their_bytes_are() {
        let red = Style::default().fg(Color::Red);
        let lines = lines(
            "ab cd",
            Style::default(),
            &[(1..4, red)],
            3,
            Wrapping::Words,
        );
        let spans: Vec<(String, bool)> = lines
            .iter()
            .flat_map(|line| &line.spans)
            .map(|span| (span.content.to_string(), span.style == red))
            .collect();
        let shown: Vec<(&str, bool)> = spans.iter().map(|(t, c)| (t.as_str(), *c)).collect();
        assert_eq!(
            shown,
            [("a", false), ("b", true), ("c", true), ("d", false)]
        );
    }

    proptest::proptest! {
        #[test]
        fn no_line_is_wider_than_asked(text in "[a-z \\t\\n漢🎉é\u{1b}]{0,60}", width in 4usize..20) {
            for wrapping in [Wrapping::Words, Wrapping::Code] {
                let lines = lines(&text, Style::default(), &[], width, wrapping);
                // A visible escape can be as wide as six columns, and stands whole.
                for line in &lines {
                    proptest::prop_assert!(line.width() <= width.max(6), "{:?}", line);
                }
                let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
                let shown: String = texts(&lines).concat();
                proptest::prop_assert_eq!(letters(&shown), letters(&text));
            }
            let line = one_line(&text, Style::default(), &[], width);
            proptest::prop_assert!(line.width() <= width);
        }
    }
}
