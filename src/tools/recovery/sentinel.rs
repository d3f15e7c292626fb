use crate::sandbox::{PythonValue, parse_literal_prefix};

/// What stands for an unknown tool result while a recording is read: a text that can be found again in what a step prints,
/// and that hardly anything but printing leaves as it is.
///
/// Stripping takes its outer spaces, splitting lines breaks it, changing case changes it, and cutting to a length shows
/// when the same code runs with a [wider](Width) one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Sentinel {
    /// Which unknown it is.
    pub id: usize,
}

/// How long a sentinel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// A few characters.
    Narrow,
    /// Longer than what is cut from results to print them.
    Wide,
}

/// A piece of what a step printed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Piece {
    /// Text that the step itself made.
    Text(String),
    /// The result of an unknown call, as `print` shows it.
    Shown(usize),
    /// The result of an unknown call, as `repr` shows it.
    Quoted(usize),
    /// A text literal that holds results among other text.
    Literal(Vec<Piece>),
    /// Something that depends on the result in an unknown way.
    Unknown,
}

const OPEN: &str = "\u{2003}⟦T";
/// What no sentinel is without.
pub(super) const MARK: &str = "⟦T";
const CLOSE: &str = "⟧\u{2003}";
/// Its letters have both cases, its line feed breaks lines.
const MIDDLE: &str = "\naA";
const WIDE: usize = 20_000;

impl Sentinel {
    /// The text that stands for the result.
    pub fn text(self, width: Width) -> String {
        let padding = match width {
            Width::Narrow => String::new(),
            Width::Wide => "xX".repeat(WIDE / 2),
        };
        format!("{OPEN}{}{MIDDLE}{padding}{CLOSE}", self.id)
    }

    fn quoted(self, width: Width) -> String {
        PythonValue::Str(self.text(width)).repr()
    }
}

/// Takes a step's output apart. `unknowns` sentinels are in use, all of one width.
pub(super) fn pieces(output: &str, unknowns: usize, width: Width) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut from = 0;
    while let Some((start, end, piece)) = next_piece(output, from, unknowns, width) {
        if start > from {
            pieces.push(Piece::Text(slice(output, from, start)));
        }
        pieces.push(piece);
        from = end;
    }
    if from < output.len() {
        pieces.push(Piece::Text(slice(output, from, output.len())));
    }
    pieces
}

fn slice(text: &str, from: usize, to: usize) -> String {
    text.get(from..to).unwrap_or_default().to_owned()
}

/// The first sentinel at or after `from`, in any form.
fn next_piece(
    output: &str,
    from: usize,
    unknowns: usize,
    width: Width,
) -> Option<(usize, usize, Piece)> {
    let mut search = from;
    loop {
        let mark = search + output.get(search..)?.find(MARK)?;
        search = mark + MARK.len();
        let digits: String = output
            .get(search..)?
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        let Some(id) = digits.parse().ok().filter(|id| *id < unknowns) else {
            continue;
        };
        // The sentinel that begins a little before its mark.
        let starts = |text: &str| {
            let start = mark.checked_sub(text.find(MARK)?)?;
            let fits = start >= from && output.get(start..)?.starts_with(text);
            fits.then_some(start)
        };
        let sentinel = Sentinel { id };
        let shown = sentinel.text(width);
        if let Some(start) = starts(&shown) {
            return Some((start, start + shown.len(), Piece::Shown(id)));
        }
        let quoted = sentinel.quoted(width);
        let body = quoted.trim_matches(['\'', '"']);
        if let Some(start) = starts(body) {
            return Some(in_literal(
                output, from, start, &quoted, id, unknowns, width,
            ));
        }
    }
}

/// The literal around the inside of a quoted sentinel at `at`: the sentinel alone, or a longer text.
fn in_literal(
    output: &str,
    from: usize,
    at: usize,
    quoted: &str,
    id: usize,
    unknowns: usize,
    width: Width,
) -> (usize, usize, Piece) {
    let body = quoted.len() - 2;
    if let Some(start) = at.checked_sub(1).filter(|start| *start >= from)
        && output
            .get(start..)
            .is_some_and(|text| text.starts_with(quoted))
    {
        return (start, start + quoted.len(), Piece::Quoted(id));
    }
    let before = output.get(from..at).unwrap_or_default();
    let line = before.rfind('\n').map_or(from, |feed| from + feed + 1);
    let quotes = output.get(line..at).unwrap_or_default();
    for (offset, _) in quotes.rmatch_indices(['\'', '"']) {
        let start = line + offset;
        let literal = output.get(start..).and_then(parse_literal_prefix);
        if let Some((PythonValue::Str(text), length)) = literal
            && start + length > at + body
        {
            let inner = pieces(&text, unknowns, width);
            return (start, start + length, Piece::Literal(inner));
        }
    }
    (at, at + body, Piece::Unknown)
}

/// What two runs with sentinels of different widths printed alike. Lines that differ are [`Piece::Unknown`].
pub(super) fn common(narrow: Vec<Piece>, wide: Vec<Piece>) -> Vec<Piece> {
    if narrow == wide {
        return narrow;
    }
    let (narrow, wide) = (lines(narrow), lines(wide));
    let mut pieces: Vec<Piece> = Vec::new();
    for operation in similar::capture_diff_slices(similar::Algorithm::Myers, &narrow, &wide) {
        if operation.tag() == similar::DiffTag::Equal {
            let range = operation.old_range();
            pieces.extend(narrow.get(range).unwrap_or_default().concat());
        } else {
            pieces.push(Piece::Unknown);
        }
    }
    merged(pieces)
}

/// Cuts pieces into lines, each with its line feed.
fn lines(pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    let mut lines = vec![Vec::new()];
    for piece in pieces {
        let Piece::Text(text) = piece else {
            if let Some(line) = lines.last_mut() {
                line.push(piece);
            }
            continue;
        };
        for part in text.split_inclusive('\n') {
            if let Some(line) = lines.last_mut() {
                line.push(Piece::Text(part.to_owned()));
            }
            if part.ends_with('\n') {
                lines.push(Vec::new());
            }
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

fn merged(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut merged: Vec<Piece> = Vec::new();
    for piece in pieces {
        match (merged.last_mut(), piece) {
            (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(&text),
            (Some(Piece::Unknown), Piece::Unknown) => {}
            (_, piece) => merged.push(piece),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    #[test]
    fn sentinels_are_found_in_every_form() {
        for width in [Width::Narrow, Width::Wide] {
            let (a, b) = (
                Sentinel { id: 0 }.text(width),
                Sentinel { id: 1 }.text(width),
            );
            let list = PythonValue::List(vec![
                PythonValue::Str(b.clone()),
                PythonValue::Str(format!("it's {a}!")),
            ]);
            let output = format!("A: {a}\n{}\nend", list.repr());
            assert_eq!(
                pieces(&output, 2, width),
                [
                    text("A: "),
                    Piece::Shown(0),
                    text("\n["),
                    Piece::Quoted(1),
                    text(", "),
                    Piece::Literal(vec![text("it's "), Piece::Shown(0), text("!")]),
                    text("]\nend"),
                ]
            );
        }
    }

    #[test]
    fn what_code_does_to_a_result_hides_it() {
        let sentinel = Sentinel { id: 0 }.text(Width::Narrow);
        for changed in [
            sentinel.trim().to_owned(),
            sentinel.to_uppercase(),
            sentinel.to_lowercase(),
            sentinel.lines().next().unwrap().to_owned(),
            sentinel.replace(' ', "").replace('\n', " "),
        ] {
            let found = pieces(&changed, 1, Width::Narrow);
            assert!(
                found.iter().all(|piece| matches!(piece, Piece::Text(_))),
                "{changed}"
            );
        }
    }

    #[test]
    fn lines_that_depend_on_a_width_are_unknown() {
        let run = |width| {
            let result = Sentinel { id: 0 }.text(width);
            let cut: String = result.chars().take(50).collect();
            let output = format!("{result}\n{}\n{cut}\nend\n", result.len());
            pieces(&output, 1, width)
        };
        let found = common(run(Width::Narrow), run(Width::Wide));
        assert_eq!(
            found,
            [Piece::Shown(0), text("\n"), Piece::Unknown, text("end\n")]
        );
    }
}
