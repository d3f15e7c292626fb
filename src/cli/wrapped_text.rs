//! Text for a terminal of some width.

use unicode_width::UnicodeWidthChar;

/// Breaks a line at blanks into pieces of at most `columns` columns; the blank at a break is dropped. Where no blank is
/// within reach, as in Chinese or in a long path, it breaks between characters. Every piece has at least one character.
pub fn wrapped(line: &str, columns: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some((piece, after)) = first_piece(rest, columns) {
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

/// The first piece of a line that is too long, and what comes after it.
fn first_piece(line: &str, columns: usize) -> Option<(&str, &str)> {
    // Blanks at the beginning are an indentation, not a place to break.
    let indentation = line.len() - line.trim_start_matches(' ').len();
    let mut width = 0;
    let mut blank = None;
    for (at, c) in line.char_indices() {
        if c == ' ' && at > indentation {
            blank = Some(at);
        }
        // A tab stops at most this far away.
        width += if c == '\t' { 8 } else { c.width().unwrap_or(0) };
        if width > columns && at > 0 {
            let (piece, after) = line.split_at(blank.unwrap_or(at));
            let after = after.trim_start_matches(' ');
            return (!after.is_empty()).then_some((piece.trim_end_matches(' '), after));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn lines_break_at_blanks_and_else_between_characters() {
        for (line, columns, wanted) in [
            ("", 10, [""].as_slice()),
            ("just right", 10, &["just right"]),
            ("one two three", 10, &["one two", "three"]),
            ("one two  three", 7, &["one two", "three"]),
            ("  indented words", 10, &["  indented", "words"]),
            ("data/a/long/path", 10, &["data/a/lon", "g/path"]),
            ("ends with blanks     ", 16, &["ends with blanks     "]),
            // Two columns each: a wide character does not stand half in the next line.
            ("漢字漢字漢", 5, &["漢字", "漢字", "漢"]),
            ("eine 漢字 hier", 9, &["eine 漢字", "hier"]),
            ("wide 漢", 1, &["w", "i", "d", "e", "漢"]),
            // A combining mark stays with its letter.
            ("ae\u{301}b", 2, &["ae\u{301}", "b"]),
            ("some", 0, &["s", "o", "m", "e"]),
        ] {
            assert_eq!(wrapped(line, columns), wanted, "{line:?} in {columns}");
        }
    }

    proptest! {
        #[test]
        fn pieces_fit_and_nothing_but_blanks_is_lost(line in "[a-d漢é ]{0,80}", columns in 2usize..30) {
            let pieces = wrapped(&line, columns);
            let dark = |text: &str| text.replace(' ', "");
            prop_assert_eq!(dark(&pieces.concat()), dark(&line));
            for piece in pieces {
                prop_assert!(piece.trim_end().width() <= columns, "{:?}", piece);
            }
        }
    }
}
