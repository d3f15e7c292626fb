//! A line of text around a place, for lists of results.

use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use crate::domain::visible_line;

/// A piece of text for one line of a terminal: blanks are one space, control characters are visible.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snippet {
    /// The text, with `…` where it was cut.
    pub text: String,
    /// The bytes of it that match, in order, without overlaps.
    pub ranges: Vec<Range<usize>>,
}

/// A character of a text, or a run of blanks, as it is shown.
struct Piece {
    source: Range<usize>,
    character: char,
    columns: usize,
}

impl Piece {
    fn new(at: usize, character: char) -> Self {
        Self {
            source: at..at + character.len_utf8(),
            character,
            columns: columns_of(character),
        }
    }

    fn is_blank(&self) -> bool {
        self.character.is_whitespace()
    }

    fn show(&self, out: &mut String) {
        if self.is_blank() {
            out.push(' ');
        } else {
            out.push_str(&visible_line(self.character.encode_utf8(&mut [0; 4])));
        }
    }
}

fn columns_of(character: char) -> usize {
    if character.is_ascii_graphic() || character.is_whitespace() {
        1
    } else {
        visible_line(character.encode_utf8(&mut [0; 4])).width()
    }
}

/// Pieces of the characters, at most so many columns, and whether these were all characters.
fn pieces(characters: impl Iterator<Item = (usize, char)>, columns: usize) -> (Vec<Piece>, bool) {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut used = 0;
    for (at, c) in characters {
        let piece = Piece::new(at, c);
        match pieces.last_mut() {
            Some(last) if last.is_blank() && piece.is_blank() => {
                last.source = last.source.start.min(at)..last.source.end.max(piece.source.end);
            }
            _ if used + piece.columns > columns => return (pieces, false),
            _ => {
                used += piece.columns;
                pieces.push(piece);
            }
        }
    }
    (pieces, true)
}

fn columns(pieces: &[Piece]) -> usize {
    pieces.iter().map(|piece| piece.columns).sum()
}

/// Drops pieces from the end until the rest fits; whether any was dropped.
fn shorten(pieces: &mut Vec<Piece>, limit: usize) -> bool {
    let mut used = columns(pieces);
    let before = pieces.len();
    while used > limit
        && let Some(piece) = pieces.pop()
    {
        used -= piece.columns;
    }
    pieces.len() < before
}

impl Snippet {
    /// The beginning of a text, at most `width` columns wide.
    pub fn beginning(text: &str, width: usize) -> Self {
        Self::around(text, 0, width, &[])
    }

    /// The byte behind the last one that a snippet around `focus` can show.
    pub(super) fn end(text: &str, focus: usize, width: usize) -> usize {
        let after = text.get(focus..).unwrap_or_default();
        let mut used = 0;
        let mut after_blank = false;
        for (at, character) in after.char_indices() {
            let is_blank = character.is_whitespace();
            if !(is_blank && after_blank) {
                used += columns_of(character);
            }
            if used > width {
                return focus + at;
            }
            after_blank = is_blank;
        }
        text.len()
    }

    /// The text around a byte position, with a third of the columns before it where there is more on both sides.
    pub(super) fn around(text: &str, focus: usize, width: usize, matches: &[Range<usize>]) -> Self {
        let trimmed_end = text.trim_end().len();
        let trimmed_start = text.len() - text.trim_start().len();
        let focus = focus.max(trimmed_start).min(trimmed_end);
        let before = text.get(trimmed_start..focus).unwrap_or_default();
        let after = text.get(focus..trimmed_end).unwrap_or_default();
        let before = before
            .char_indices()
            .rev()
            .map(|(at, c)| (trimmed_start + at, c));
        let (mut before, mut from_start) = pieces(before, width);
        let after = after.char_indices().map(|(at, c)| (focus + at, c));
        let (mut after, mut to_end) = pieces(after, width);
        if !(from_start && to_end && columns(&before) + columns(&after) <= width) {
            // A column on each side for the mark of a cut.
            let body = width.saturating_sub(2);
            let lead = (body / 3).max(body.saturating_sub(columns(&after)));
            from_start &= !shorten(&mut before, lead);
            to_end &= !shorten(&mut after, body - columns(&before));
        }
        before.reverse();
        before.append(&mut after);
        Self::of(before, from_start, to_end, matches)
    }

    fn of(pieces: Vec<Piece>, from_start: bool, to_end: bool, matches: &[Range<usize>]) -> Self {
        let blank_first = pieces.first().is_some_and(Piece::is_blank);
        let blank_last = pieces.len() > 1 && pieces.last().is_some_and(Piece::is_blank);
        let count = pieces.len() - usize::from(blank_last);
        let mut snippet = Self::default();
        if !from_start {
            snippet.text.push('…');
        }
        for piece in pieces.iter().take(count).skip(usize::from(blank_first)) {
            let start = snippet.text.len();
            piece.show(&mut snippet.text);
            let overlaps =
                |m: &Range<usize>| m.start < piece.source.end && piece.source.start < m.end;
            if let Some(number) = matches.iter().position(overlaps) {
                // The pieces of one match follow each other; those of two touching matches stay two ranges.
                let begins = matches
                    .get(number)
                    .is_some_and(|m| m.start >= piece.source.start);
                match snippet.ranges.last_mut() {
                    Some(last) if last.end == start && !begins => last.end = snippet.text.len(),
                    _ => snippet.ranges.push(start..snippet.text.len()),
                }
            }
        }
        if !to_end {
            snippet.text.push('…');
        }
        snippet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings() {
        assert_eq!(Snippet::beginning(" a\n\tb c ", 5).text, "a b c");
        assert_eq!(Snippet::beginning("a b c d", 5).text, "a b…");
        assert_eq!(Snippet::beginning("", 5), Snippet::default());
    }

    #[test]
    fn matches_keep_their_place_in_what_is_shown() {
        let snippet = Snippet::around("a\n\n b\u{7}c dd", 4, 20, &[4..6, 6..7, 8..10]);
        assert_eq!(snippet.text, "a b␇c dd");
        let shown: Vec<_> = snippet
            .ranges
            .iter()
            .map(|range| &snippet.text[range.clone()])
            .collect();
        assert_eq!(shown, ["b␇", "c", "dd"]);
    }
}
