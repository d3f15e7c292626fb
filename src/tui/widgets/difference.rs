//! What differs between two texts: words of thoughts, lines of code.

use std::ops::Range;
use std::time::{Duration, Instant};

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::Ranged;
use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

/// A comparison that takes longer ends, and shows more as different than is.
const PATIENCE: Duration = Duration::from_millis(50);

/// The bytes of words that only one of two texts has: of the first, of the second.
pub fn words(first: &str, second: &str) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
    let (of_first, of_second) = (word_ranges(first), word_ranges(second));
    let a: Vec<&str> = of_first
        .iter()
        .filter_map(|range| first.get(range.clone()))
        .collect();
    let b: Vec<&str> = of_second
        .iter()
        .filter_map(|range| second.get(range.clone()))
        .collect();
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    for operation in compare(&a, &b) {
        if !matches!(operation, DiffOp::Equal { .. }) {
            removed.extend(joined(&of_first, operation.old_range()));
            added.extend(joined(&of_second, operation.new_range()));
        }
    }
    (removed, added)
}

/// A row of two texts whose lines stand beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineRow {
    /// The line of the first text, from 0.
    pub first: Option<usize>,
    /// The line of the second text, from 0.
    pub second: Option<usize>,
    /// Whether both say the same.
    pub is_equal: bool,
}

/// The lines of two texts beside each other; lines that were changed stand in one row.
pub fn lines(first: &str, second: &str) -> Vec<LineRow> {
    let a: Vec<&str> = first.split('\n').map(str::trim_end).collect();
    let b: Vec<&str> = second.split('\n').map(str::trim_end).collect();
    let mut rows = Vec::new();
    for operation in compare(&a, &b) {
        let (old, new) = (operation.old_range(), operation.new_range());
        let is_equal = matches!(operation, DiffOp::Equal { .. });
        for place in 0..old.len().max(new.len()) {
            let at = |range: &Range<usize>| (place < range.len()).then(|| range.start + place);
            rows.push(LineRow {
                first: at(&old),
                second: at(&new),
                is_equal,
            });
        }
    }
    rows
}

/// Whether two pieces of Python differ, but only in comments, blanks and line breaks.
pub fn is_only_looks(first: &str, second: &str) -> bool {
    let same = || Some(meaning(first)? == meaning(second)?);
    first != second && same() == Some(true)
}

/// Tokens without what only people read.
fn meaning(code: &str) -> Option<Vec<(TokenKind, String)>> {
    if super::code_colors::syntax_error(code).is_some() {
        return None;
    }
    let parsed = parse_unchecked(code, ParseOptions::from(Mode::Module));
    let tokens = parsed.tokens().iter();
    let kept = tokens.filter(|token| {
        !matches!(
            token.kind(),
            TokenKind::Comment | TokenKind::NonLogicalNewline
        )
    });
    let meaning = kept.map(|token| {
        let range = usize::from(token.start())..usize::from(token.end());
        let text = match token.kind() {
            TokenKind::Indent | TokenKind::Dedent | TokenKind::Newline => "",
            _ => code.get(range).unwrap_or_default(),
        };
        (token.kind(), text.to_owned())
    });
    Some(meaning.collect())
}

fn compare(a: &[&str], b: &[&str]) -> Vec<DiffOp> {
    let deadline = Instant::now() + PATIENCE;
    capture_diff_slices_deadline(Algorithm::Myers, a, b, Some(deadline))
}

/// Words, runs of blanks, and single marks.
fn word_ranges(text: &str) -> Vec<Range<usize>> {
    let kind = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => 0,
        c if c.is_whitespace() => 1,
        _ => 2,
    };
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut last = None;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        match ranges.last_mut() {
            Some(range) if last == Some(kind(c)) && kind(c) != 2 => range.end = end,
            _ => ranges.push(at..end),
        }
        last = Some(kind(c));
    }
    ranges
}

fn joined(ranges: &[Range<usize>], which: Range<usize>) -> Option<Range<usize>> {
    let inside = ranges.get(which)?;
    Some(inside.first()?.start..inside.last()?.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_differ_are_found() {
        let (a, b) = (
            "I ask the map, then count.",
            "I ask the chart and count twice.",
        );
        let (removed, added) = words(a, b);
        let text = |of: &str, ranges: &[Range<usize>]| -> Vec<String> {
            ranges
                .iter()
                .map(|range| of[range.clone()].to_owned())
                .collect()
        };
        assert_eq!(text(a, &removed).concat().replace(' ', ""), "map,then");
        assert_eq!(text(b, &added).concat().replace(' ', ""), "chartandtwice");
        assert_eq!(words(a, a), (vec![], vec![]));
    }

    #[test]
    fn lines_stand_beside_each_other() {
        let rows = lines("a\nb\nc", "a\nx\ny\nc");
        let shown: Vec<_> = rows
            .iter()
            .map(|row| (row.first, row.second, row.is_equal))
            .collect();
        assert_eq!(
            shown,
            [
                (Some(0), Some(0), true),
                (Some(1), Some(1), false),
                (None, Some(2), false),
                (Some(2), Some(3), true)
            ]
        );
    }

    #[test]
    fn comments_and_blanks_are_only_looks() {
        let code = "x = ocr(path)\nif x:\n    print(x)\n";
        let looks = "# read it\nx = ocr( path )  # here\n\nif x:\n  print(x)\n";
        assert!(is_only_looks(code, looks));
        assert!(!is_only_looks(code, code));
        assert!(!is_only_looks(code, "x = ocr(path)\nif x:\n    print(y)\n"));
        assert!(!is_only_looks("x = 'a b'", "x = 'a  b'"));
        assert!(
            !is_only_looks("x = (", "x = ( "),
            "what can't be read may mean anything"
        );
    }

    proptest::proptest! {
        #[test]
        fn every_line_has_one_row(a in "[ab\\n]{0,30}", b in "[ab\\n]{0,30}") {
            let rows = lines(&a, &b);
            let firsts: Vec<usize> = rows.iter().filter_map(|row| row.first).collect();
            let seconds: Vec<usize> = rows.iter().filter_map(|row| row.second).collect();
            proptest::prop_assert_eq!(firsts, (0..a.split('\n').count()).collect::<Vec<_>>());
            proptest::prop_assert_eq!(seconds, (0..b.split('\n').count()).collect::<Vec<_>>());
        }
    }
}
