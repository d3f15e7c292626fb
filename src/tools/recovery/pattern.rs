use std::collections::BTreeMap;

use super::sentinel::Piece;
use crate::sandbox::{PythonValue, parse_literal, parse_literal_prefix};

/// What a recorded text says of the results that are unknown, by the number of each.
///
/// The pieces are laid over the whole text. Each text between two gaps is placed as far left and as far right as it may
/// be; only where both agree is the gap's content certain, and only that is given.
pub(super) fn match_pieces(pieces: &[Piece], recorded: &str) -> Option<BTreeMap<usize, Found>> {
    let mut found: BTreeMap<usize, Found> = BTreeMap::new();
    let mut contradicted = Vec::new();
    collect(pieces, recorded, &mut found, &mut contradicted)?;
    for id in contradicted {
        found.remove(&id);
    }
    Some(found)
}

/// A result as it was printed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Found {
    /// As `print` shows it.
    Shown(String),
    /// As `repr` shows it, read back.
    Quoted(PythonValue),
}

impl Found {
    /// How `print` shows it.
    fn shown(&self) -> String {
        match self {
            Self::Shown(text) => text.clone(),
            Self::Quoted(value) => value.to_string(),
        }
    }
}

fn collect(
    pieces: &[Piece],
    recorded: &str,
    found: &mut BTreeMap<usize, Found>,
    contradicted: &mut Vec<usize>,
) -> Option<()> {
    let layout = Layout::of(pieces);
    let spans = layout.spans(recorded)?;
    for (gap, span) in layout.gaps.iter().zip(spans) {
        // Two results with nothing between them can't be told apart.
        let ([piece], Some(text)) = (gap.as_slice(), span) else {
            continue;
        };
        let (id, value) = match piece {
            Piece::Shown(id) => (*id, Found::Shown(text.to_owned())),
            Piece::Quoted(id) => match parse_literal(text) {
                // Without spaces around it: a literal fills its gap.
                Some(value) if value.repr() == text => (*id, Found::Quoted(value)),
                _ => continue,
            },
            Piece::Literal(inner) => {
                let PythonValue::Str(text) = parse_literal(text)? else {
                    return None;
                };
                collect(inner, &text, found, contradicted)?;
                continue;
            }
            Piece::Text(_) | Piece::Unknown => continue,
        };
        match found.get(&id) {
            Some(known) if known.shown() != value.shown() => contradicted.push(id),
            // `repr` says more.
            Some(Found::Quoted(_)) => {}
            _ => {
                found.insert(id, value);
            }
        }
    }
    Some(())
}

/// Texts and what stands between them: `texts[0] gaps[0] texts[1] …`; always one text more than gaps.
struct Layout<'a> {
    texts: Vec<&'a str>,
    gaps: Vec<Vec<&'a Piece>>,
}

impl<'a> Layout<'a> {
    fn of(pieces: &'a [Piece]) -> Self {
        let mut layout = Self {
            texts: vec![""],
            gaps: Vec::new(),
        };
        let mut is_in_gap = false;
        for piece in pieces {
            match piece {
                Piece::Text(text) => {
                    if let Some(last) = layout.texts.last_mut() {
                        *last = text;
                    }
                    is_in_gap = false;
                }
                gap if is_in_gap => {
                    if let Some(last) = layout.gaps.last_mut() {
                        last.push(gap);
                    }
                }
                gap => {
                    layout.gaps.push(vec![gap]);
                    layout.texts.push("");
                    is_in_gap = true;
                }
            }
        }
        layout
    }

    /// The text of each gap where it is certain; `None` if the layout does not fit at all.
    fn spans<'t>(&self, recorded: &'t str) -> Option<Vec<Option<&'t str>>> {
        let (first, rest) = self.texts.split_first()?;
        if rest.is_empty() {
            return (recorded == *first).then(Vec::new);
        }
        let mut spans = Vec::new();
        place(recorded.strip_prefix(*first)?, rest, &self.gaps, &mut spans)?;
        Some(spans)
    }
}

/// Places what stands after a text whose place is known: gaps, each with the text after it. `body` begins with the first
/// gap.
fn place<'t>(
    mut body: &'t str,
    mut texts: &[&str],
    mut gaps: &[Vec<&Piece>],
    spans: &mut Vec<Option<&'t str>>,
) -> Option<()> {
    loop {
        let (Some((gap, other_gaps)), Some((text, other_texts))) =
            (gaps.split_first(), texts.split_first())
        else {
            return Some(());
        };
        // A literal that begins at a known place ends at a known place.
        let literal = match gap.as_slice() {
            [Piece::Quoted(_) | Piece::Literal(_)] => parse_literal_prefix(body),
            _ => None,
        };
        if let Some((_, length)) = literal {
            let after = body.get(length..)?.strip_prefix(*text)?;
            if other_gaps.is_empty() && !after.is_empty() {
                return None;
            }
            spans.push(body.get(..length));
            (body, texts, gaps) = (after, other_texts, other_gaps);
            continue;
        }
        let (last, middle) = texts.split_last()?;
        let left_to_place = body.strip_suffix(*last)?;
        let (left, right) = extremes(left_to_place, middle)?;
        // Up to the first text whose place is certain; what follows it may be certain, too.
        let fixed = left
            .iter()
            .zip(&right)
            .position(|(left, right)| left == right);
        let Some((fixed, at)) = fixed.and_then(|fixed| Some((fixed, *left.get(fixed)?))) else {
            let alone = (gaps.len() == 1).then_some(left_to_place);
            spans.push(alone);
            spans.extend(other_gaps.iter().map(|_| None));
            return Some(());
        };
        let alone = (fixed == 0).then(|| body.get(..at)).flatten();
        spans.push(alone);
        spans.extend((0..fixed).map(|_| None));
        let after = at + middle.get(fixed)?.len();
        body = body.get(after..)?;
        texts = texts.get(fixed + 1..)?;
        gaps = gaps.get(fixed + 1..)?;
    }
}

/// The places of texts that follow each other, as far left and as far right as they go.
fn extremes(body: &str, texts: &[&str]) -> Option<(Vec<usize>, Vec<usize>)> {
    let mut left = Vec::new();
    let mut at = 0;
    for text in texts {
        at += body.get(at..)?.find(text)?;
        left.push(at);
        at += text.len();
    }
    let mut right = Vec::new();
    let mut end = body.len();
    for text in texts.iter().rev() {
        end = body.get(..end)?.rfind(text)?;
        right.push(end);
    }
    right.reverse();
    Some((left, right))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    fn shown(text: &str) -> Found {
        Found::Shown(text.to_owned())
    }

    #[test]
    fn what_can_only_be_read_one_way_is_read() {
        let pieces = [
            text("A: "),
            Piece::Shown(0),
            text("\nB: "),
            Piece::Shown(1),
            text("\n"),
        ];
        let found = match_pieces(&pieces, "A: one\nB: two\n").expect("fits");
        assert_eq!(
            found,
            BTreeMap::from([(0, shown("one")), (1, shown("two"))])
        );
        // Where the text between occurs twice, neither side is certain.
        let found = match_pieces(&pieces, "A: one\nB: x\nB: two\n").expect("fits");
        assert_eq!(found, BTreeMap::new());
        assert_eq!(match_pieces(&pieces, "A: one\nC: two\n"), None);
        assert_eq!(match_pieces(&[text("a")], "b"), None);
        assert_eq!(match_pieces(&[text("a")], "a"), Some(BTreeMap::new()));
    }

    #[test]
    fn a_part_can_be_certain_where_another_is_not() {
        let pieces = [
            text("["),
            Piece::Shown(0),
            text("]("),
            Piece::Shown(1),
            text(", "),
            Piece::Shown(2),
            text(")"),
        ];
        let found = match_pieces(&pieces, "[a](b, c, d)").expect("fits");
        assert_eq!(found, BTreeMap::from([(0, shown("a"))]));
        let touching = [Piece::Shown(0), Piece::Shown(1)];
        assert_eq!(match_pieces(&touching, "ab"), Some(BTreeMap::new()));
    }

    #[test]
    fn quoted_results_are_literals() {
        let pieces = [text("["), Piece::Quoted(0), text("]")];
        let found = match_pieces(&pieces, "[\"it's\"]").expect("fits");
        let value = PythonValue::Str("it's".to_owned());
        assert_eq!(found, BTreeMap::from([(0, Found::Quoted(value))]));
        assert_eq!(match_pieces(&pieces, "[<object>]"), Some(BTreeMap::new()));
        // A literal ends where it ends, whatever stands in it.
        let list = [
            text("["),
            Piece::Quoted(0),
            text(", "),
            Piece::Quoted(1),
            text("]"),
        ];
        let found = match_pieces(&list, "[\"a', 'b\", 'c', 'd']");
        assert_eq!(found, None);
        let found = match_pieces(&list, "[\"a', 'b\", 'c, d']").expect("fits");
        let value = |text: &str| Found::Quoted(PythonValue::Str(text.to_owned()));
        assert_eq!(
            found,
            BTreeMap::from([(0, value("a', 'b")), (1, value("c, d"))])
        );
        // Two elements are no literal of one.
        assert_eq!(match_pieces(&pieces, "['a', 'b']"), None);
        let inner = Piece::Literal(vec![text("r: "), Piece::Shown(0)]);
        let found = match_pieces(&[inner], "'r: a\\nb'").expect("fits");
        assert_eq!(found, BTreeMap::from([(0, shown("a\nb"))]));
    }

    #[test]
    fn two_readings_of_one_result_have_to_agree() {
        let pieces = [
            Piece::Shown(0),
            text("|"),
            Piece::Shown(0),
            text(";"),
            Piece::Shown(1),
        ];
        let found = match_pieces(&pieces, "a|b;c").expect("fits");
        assert_eq!(found, BTreeMap::from([(1, shown("c"))]));
    }

    proptest::proptest! {
        /// Whatever is given was there: with any results, what is read is what was written.
        #[test]
        fn nothing_wrong_is_read(
            shape in proptest::collection::vec(proptest::option::of("[ab\n]{0,3}"), 1..7),
            results in proptest::collection::vec("[ab\n]{0,4}", 7),
        ) {
            let mut pieces = Vec::new();
            let mut recorded = String::new();
            let mut used = 0;
            for part in shape {
                match part {
                    Some(part) if !part.is_empty() => {
                        recorded.push_str(&part);
                        match pieces.last_mut() {
                            Some(Piece::Text(before)) => before.push_str(&part),
                            _ => pieces.push(Piece::Text(part)),
                        }
                    }
                    _ => {
                        recorded.push_str(&results[used]);
                        pieces.push(Piece::Shown(used));
                        used += 1;
                    }
                }
            }
            let found = match_pieces(&pieces, &recorded);
            let found = found.expect("a text fits the pieces it was made of");
            for (id, value) in found {
                proptest::prop_assert_eq!(value, Found::Shown(results[id].clone()));
            }
        }
    }
}
