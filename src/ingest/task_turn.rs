//! The task turn of a code agent: `Picture 1: <img>path</img>\nTask: …\n Attachment: a; b;  ` (paper §3).

use std::ops::Range;

use super::attachments::Attachments;
use crate::domain::{Attachment, PictureReference, Task};

/// A task turn, taken apart. Ranges are on character boundaries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskTurn<'a> {
    /// The bytes between the marks at the turn's beginning and those at its end: the question, to splice edits into.
    pub question: Range<usize>,
    /// The question, without picture marks that stand inside it.
    pub text: String,
    /// Paths in `<img>…</img>`, in order.
    pub pictures: Vec<&'a str>,
    /// Paths of the `Attachment:` lines, in order.
    pub files: Vec<&'a str>,
    /// How many `<image>` and `<image_01>` placeholders there are.
    pub placeholders: usize,
}

enum Kind<'a> {
    Picture(&'a str),
    Placeholder,
    Files(&'a str),
}

struct Mark<'a> {
    range: Range<usize>,
    kind: Kind<'a>,
}

impl<'a> TaskTurn<'a> {
    /// Takes a turn apart; a turn without any mark is all question.
    pub fn parse(turn: &'a str) -> Self {
        let marks = find_marks(turn);
        let question = question(turn, &marks);
        let mut text = String::with_capacity(question.len());
        let mut at = question.start;
        for mark in &marks {
            if mark.range.start < at || mark.range.end > question.end {
                continue;
            }
            text.push_str(turn.get(at..mark.range.start).unwrap_or_default());
            at = mark.range.end;
            // A mark that had its line to itself takes the line with it.
            if (text.is_empty() || text.ends_with('\n')) && turn.as_bytes().get(at) == Some(&b'\n')
            {
                at += 1;
            }
        }
        text.push_str(turn.get(at..question.end).unwrap_or_default());
        let mut parsed = Self {
            question,
            text,
            pictures: Vec::new(),
            files: Vec::new(),
            placeholders: 0,
        };
        for mark in marks {
            match mark.kind {
                Kind::Picture(path) => parsed.pictures.push(path),
                Kind::Placeholder => parsed.placeholders += 1,
                Kind::Files(list) => parsed.files.extend(
                    list.split(';')
                        .map(str::trim)
                        .filter(|path| !path.is_empty()),
                ),
            }
        }
        parsed
    }
}

/// Reads a task: its turn, the pictures that other fields of the record show, the files that they name.
pub fn read_task(turn: &str, pictures: Vec<PictureReference>, files: Vec<Attachment>) -> Task {
    let parsed = TaskTurn::parse(turn);
    let mut attachments = Attachments::default();
    for path in &parsed.pictures {
        attachments.add_picture(PictureReference::from_text(path));
    }
    for picture in pictures {
        attachments.add_picture(picture);
    }
    for file in files {
        attachments.add_file(file);
    }
    for path in &parsed.files {
        attachments.add_file(Attachment::from_path(*path, false));
    }
    Task {
        prompt: (parsed.text != turn).then(|| turn.to_owned()),
        text: parsed.text,
        attachments: attachments.into_vec(),
    }
}

/// The range without the marks, the `Task:` and the white space at the turn's beginning, and without those at its end.
fn question(turn: &str, marks: &[Mark<'_>]) -> Range<usize> {
    let skip_space = |at: usize| turn.len() - turn.get(at..).unwrap_or_default().trim_start().len();
    let mut start = skip_space(0);
    let mut ahead = marks;
    let mut task_seen = false;
    loop {
        let rest = turn.get(start..).unwrap_or_default();
        match ahead {
            [mark, others @ ..] if mark.range.start == start => {
                start = mark.range.end;
                ahead = others;
            }
            _ if !task_seen && rest.starts_with("Task:") => {
                task_seen = true;
                start += "Task:".len();
            }
            _ => break,
        }
        start = skip_space(start);
    }
    let mut end = turn.trim_end().len().max(start);
    while let [others @ .., mark] = ahead {
        if mark.range.end != end || mark.range.start < start {
            break;
        }
        ahead = others;
        let before = turn.get(start..mark.range.start).unwrap_or_default();
        end = start + before.trim_end().len();
    }
    start..end
}

fn find_marks(turn: &str) -> Vec<Mark<'_>> {
    let mut marks = Vec::new();
    let mut start = 0;
    for line in turn.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        let content = line.trim();
        let list = ["Attachment:", "Attachments:"]
            .iter()
            .find_map(|mark| content.strip_prefix(mark));
        if let Some(list) = list {
            marks.push(Mark {
                range: start + indent..start + indent + content.len(),
                kind: Kind::Files(list),
            });
        } else {
            find_pictures(line, start, &mut marks);
        }
        start += line.len();
    }
    marks
}

fn find_pictures<'a>(line: &'a str, start: usize, marks: &mut Vec<Mark<'a>>) {
    for (at, _) in line.match_indices('<') {
        let rest = line.get(at..).unwrap_or_default();
        if let Some((path, length)) = picture(rest) {
            let label = line.get(..at).map_or(0, picture_label);
            marks.push(Mark {
                range: start + at - label..start + at + length,
                kind: Kind::Picture(path),
            });
        } else if let Some(length) = placeholder(rest) {
            marks.push(Mark {
                range: start + at..start + at + length,
                kind: Kind::Placeholder,
            });
        }
    }
}

/// `<img>path</img>` at the beginning: the path, and how long the mark is.
fn picture(text: &str) -> Option<(&str, usize)> {
    let inner = text.strip_prefix("<img>")?;
    let length = inner.find('<')?;
    let path = inner.get(..length)?;
    let closed = inner.get(length..)?.starts_with("</img>");
    closed.then(|| (path.trim(), "<img></img>".len() + length))
}

/// `<image>` or `<image_01>` at the beginning: how long it is.
fn placeholder(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("<image")?;
    let number = rest.strip_prefix('_').map_or(0, |digits| {
        1 + digits.len()
            - digits
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .len()
    });
    let closed = number != 1 && rest.get(number..)?.starts_with('>');
    closed.then(|| "<image>".len() + number)
}

/// How long the `Picture 1: ` is that ends a text.
fn picture_label(before: &str) -> usize {
    let label = || {
        let rest = before.trim_end_matches(' ').strip_suffix(':')?;
        let name = rest.trim_end_matches(|c: char| c.is_ascii_digit());
        (name.len() < rest.len()).then_some(())?;
        Some(before.len() - name.strip_suffix("Picture ")?.len())
    };
    label().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_occur() {
        let cases = [
            ("Task: How many?\n", "How many?"),
            (
                "Picture 1: <img>d/o/a.jpg</img>\nPicture 2: <img>d/o/b.jpg</img>\nTask: How many?\n Attachment: d/t/a.jpg; d/t/b.jpg;  ",
                "How many?",
            ),
            (
                "<image><image>\nTask: Picture 1: <img>d/o/a.jpg</img>\nHow many?\nAttachment: d/t/a.jpg; ",
                "How many?",
            ),
            ("<image_00>\n<image_02>\nTask: How many?", "How many?"),
            (
                "Task: Compare <image_00> with this:\n<image_01>\nNow.",
                "Compare  with this:\nNow.",
            ),
            (
                "Task: List:\nAttachment: a.pdf\nIn English.",
                "List:\nIn English.",
            ),
            ("How many?", "How many?"),
            (
                "Is 1 < 2? <imagine> <img>open",
                "Is 1 < 2? <imagine> <img>open",
            ),
            ("<image_>", "<image_>"),
            ("", ""),
            ("Task:", ""),
            ("Attachment: a", ""),
        ];
        for (turn, text) in cases {
            assert_eq!(TaskTurn::parse(turn).text, text, "{turn}");
        }
    }

    #[test]
    fn files_and_pictures_are_joined() {
        let turn = "Picture 1: <img>data/o/c/a.jpg</img>\nTask: How many?\n Attachment: data/t/c/a.jpg; data/t/b.pdf ;  ";
        let more = vec![PictureReference::Path("data/o/c/z.jpg".to_owned())];
        let task = read_task(turn, more, Vec::new());
        let seen: Vec<_> = task
            .attachments
            .iter()
            .map(|a| (a.reference.label(), a.alias.as_deref(), a.shown))
            .collect();
        let expected = [
            ("data/o/c/a.jpg", Some("data/t/c/a.jpg"), true),
            ("data/o/c/z.jpg", None, true),
            ("data/t/b.pdf", None, false),
        ];
        assert_eq!(seen, expected);
        assert_eq!(task.prompt.as_deref(), Some(turn));
        assert_eq!(&turn[TaskTurn::parse(turn).question], "How many?");
        assert_eq!(read_task("How many?", Vec::new(), Vec::new()).prompt, None);
    }

    proptest::proptest! {
        #[test]
        fn any_turn_is_read(pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "Picture 1: ", "<img>", "</img>", "a/b.jpg", "Task:", "\n", " ", "Attachment: ", "; ", "<image>", "<image_0", "1>", "é", "漢",
                ":", "7", "\r\n", "\u{a0}",
            ]), 0..24)) {
            let turn = pieces.concat();
            let parsed = TaskTurn::parse(&turn);
            proptest::prop_assert!(turn.get(parsed.question.clone()).is_some());
            proptest::prop_assert_eq!(parsed.text.trim().is_empty() || !parsed.question.is_empty(), true);
        }

        #[test]
        fn any_text_is_read(turn in "\\PC*") {
            let parsed = TaskTurn::parse(&turn);
            proptest::prop_assert!(turn.get(parsed.question).is_some());
        }
    }
}
