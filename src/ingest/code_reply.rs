//! The reply of a code agent, taken apart: thought and code, with their byte ranges, so that a writer can splice edits in.
//!
//! The form asked for is `Thought: …\nCode:\n```py\n…\n```<end_action>` (paper §1). Like the reference
//! (`transformers.agents`: split at the last `Code:`, then `re.search` of ` ```(?:py|python)?\n(.*?)\n``` `) this takes
//! the first Python block after the last `Code:` mark. Unlike it, text stays readable where the form is broken: a block
//! without a `Code:` mark, a mark without a block, a block that is never closed.

use std::ops::Range;

/// Where thought and code are in a reply. Ranges are trimmed, never empty, and on character boundaries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodeReply {
    /// Everything before the code, without a leading `Thought:` mark (a mark after a preface stays inside).
    pub thought: Option<Range<usize>>,
    /// The Python, without its fence.
    pub code: Option<Range<usize>>,
    /// Whether the reply has a `Thought:` mark anywhere, in any of its spellings.
    pub has_thought_mark: bool,
}

/// Ends a reply; generation stops at it, and some data sets write it back.
pub const END_ACTION: &str = "<end_action>";

const FENCE: &str = "```";

impl CodeReply {
    /// Takes a reply apart.
    pub fn parse(reply: &str) -> Self {
        let end = without_end_action(reply);
        let text = reply.get(..end).unwrap_or(reply);
        let (thought_end, code) = match find_code(text) {
            Some((before, code)) => (before, trimmed(text, code)),
            None => (end, None),
        };
        let start = marks(text.get(..thought_end).unwrap_or(text), "Thought")
            .next()
            .filter(|mark| opens(text, mark))
            .map_or(0, |mark| mark.range.end);
        let thought = trimmed(text, start..thought_end)
            .filter(|range| text[range.clone()].contains(char::is_alphanumeric));
        let has_thought_mark = marks(text, "Thought").next().is_some() || text.contains("thought:");
        Self {
            thought,
            code,
            has_thought_mark,
        }
    }

    /// The thought's text; `reply` is what was parsed.
    pub fn thought<'a>(&self, reply: &'a str) -> Option<&'a str> {
        reply.get(self.thought.clone()?)
    }

    /// The code's text; `reply` is what was parsed.
    pub fn code<'a>(&self, reply: &'a str) -> Option<&'a str> {
        reply.get(self.code.clone()?)
    }
}

fn without_end_action(reply: &str) -> usize {
    let mut text = reply.trim_end();
    while let Some(rest) = text.strip_suffix(END_ACTION) {
        text = rest.trim_end();
    }
    text.len()
}

/// Where the text before the code ends, and the code.
fn find_code(text: &str) -> Option<(usize, Range<usize>)> {
    let blocks = python_blocks(text);
    // Blocks are in order, so both look-ups stay cheap in a reply of thousands of blocks.
    let next = |at: usize| blocks.get(blocks.partition_point(|block| block.open < at));
    let inside = |at: usize| {
        let before = blocks.partition_point(|block| block.open <= at);
        before > 0 && blocks[before - 1].code.contains(&at)
    };
    let code_marks: Vec<Mark> = marks(text, "Code")
        .filter(|mark| !inside(mark.range.start))
        .filter(|mark| {
            mark.opens_line || next(mark.range.end).is_some_and(|b| only_space(text, mark, b))
        })
        .collect();
    // The last mark that a block follows decides; without marks the first block does.
    let deciding = blocks
        .last()
        .and_then(|last| code_marks.iter().rfind(|mark| mark.range.end <= last.open));
    let block = match deciding {
        Some(mark) => next(mark.range.end),
        None => blocks.first(),
    };
    match (block, code_marks.last()) {
        (Some(block), _) => {
            let before = deciding.map_or(block.open, |mark| mark.range.start);
            Some((before, block.code.clone()))
        }
        (None, Some(mark)) => Some((mark.range.start, mark.range.end..text.len())),
        (None, None) => None,
    }
}

fn only_space(text: &str, mark: &Mark, block: &Block) -> bool {
    text.get(mark.range.end..block.open)
        .is_some_and(|between| between.trim().is_empty())
}

struct Block {
    /// Where its opening fence starts.
    open: usize,
    code: Range<usize>,
}

/// The Python blocks in order, in one pass. Blocks of another language are passed over whole.
fn python_blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let last_closing = memchr::memmem::rfind(text.as_bytes(), b"\n```");
    let mut at = 0;
    while let Some(open) = find(text, FENCE, at) {
        let info = open + FENCE.len();
        let rest = text.get(info..).unwrap_or_default();
        let Some(length) = rest.find(['\n', '`']) else {
            break;
        };
        let line_end = info + length;
        let (language, after) = rest.split_at(length);
        if after.starts_with('`') {
            // Opened and closed on one line: no block.
            let closed = after.starts_with(FENCE);
            at = line_end + if closed { FENCE.len() } else { 1 };
            continue;
        }
        let start = line_end + 1;
        let is_closed = last_closing.is_some_and(|last| last >= line_end);
        let close = closing(text, line_end, is_closed);
        if ["", "py", "python"].contains(&language.trim().to_ascii_lowercase().as_str()) {
            blocks.push(Block {
                open,
                code: start..close,
            });
        }
        at = close + FENCE.len();
    }
    blocks
}

/// A closing fence stands on a line of its own; where none does, the next fence closes; else the text's end.
fn closing(text: &str, line_end: usize, on_own_line: bool) -> usize {
    let own_line = on_own_line.then(|| find(text, "\n```", line_end)).flatten();
    own_line
        .map(|line_feed| line_feed + 1)
        .or_else(|| find(text, FENCE, line_end))
        .unwrap_or(text.len())
}

fn find(text: &str, needle: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    memchr::memmem::find(rest.as_bytes(), needle.as_bytes()).map(|at| from + at)
}

struct Mark {
    /// The mark with its decoration (`**`, `###`) and colon.
    range: Range<usize>,
    /// Whether only decoration stands before it on its line.
    opens_line: bool,
}

/// The places of `word:`, also as `**word:**`, `**word**:` and `### word:`.
fn marks<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = Mark> + 'a {
    let bytes = text.as_bytes();
    let is = |at: usize, set: &[u8]| bytes.get(at).is_some_and(|byte| set.contains(byte));
    memchr::memmem::find_iter(bytes, word).filter_map(move |at| {
        let mut end = at + word.len();
        while is(end, b"*") {
            end += 1;
        }
        if !is(end, b":") {
            return None;
        }
        end += 1;
        while is(end, b"*") {
            end += 1;
        }
        let back = |mut to: usize, set: &[u8]| {
            while to > 0 && is(to - 1, set) {
                to -= 1;
            }
            to
        };
        let line = back(at, b" \t#*");
        let opens_line = line == 0 || is(line - 1, b"\n");
        let start = if opens_line { line } else { back(at, b"*") };
        Some(Mark {
            range: start..end,
            opens_line,
        })
    })
}

/// Whether a mark is the first thing in a text (`Final Thought:` counts).
fn opens(text: &str, mark: &Mark) -> bool {
    text.get(..mark.range.start).is_some_and(|before| {
        let before = before.trim_matches(|c: char| c.is_whitespace() || matches!(c, '#' | '*'));
        before.is_empty() || before == "Final"
    })
}

/// Shrinks a range by the white space at its ends.
fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let inner = text.get(range.clone())?;
    let start = range.start + (inner.len() - inner.trim_start().len());
    let end = start + inner.trim().len();
    (start < end).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(reply: &str) -> (Option<&str>, Option<&str>) {
        let parsed = CodeReply::parse(reply);
        (parsed.thought(reply), parsed.code(reply))
    }

    #[test]
    fn the_form_that_is_asked_for() {
        let reply = "Thought: Look.\n\nCode:\n```py\na = 1\nprint(a)\n```<end_action>";
        assert_eq!(parts(reply), (Some("Look."), Some("a = 1\nprint(a)")));
        assert!(CodeReply::parse(reply).has_thought_mark);
    }

    #[test]
    fn the_forms_that_occur() {
        let cases = [
            // Decorated marks.
            (
                "**Thought:** Look.\n\n**Code:**\n```python\nf()\n```",
                Some("Look."),
                Some("f()"),
            ),
            (
                "### Thought:\nLook.\n\n### Code:\n```\nf()\n```\n",
                Some("Look."),
                Some("f()"),
            ),
            (
                "Final Thought: Done.\nCode:\n```py\nf()\n```",
                Some("Done."),
                Some("f()"),
            ),
            // A preface stays part of the thought.
            (
                "First.\n\nThought: Look.\nCode:\n```py\nf()\n```",
                Some("First.\n\nThought: Look."),
                Some("f()"),
            ),
            // Code without thought, thought without code, neither.
            ("Code:\n```py\nf()\n```", None, Some("f()")),
            ("Thought: I know it.<end_action>", Some("I know it."), None),
            ("**Final Answer:** 3", Some("**Final Answer:** 3"), None),
            ("**", None, None),
            ("", None, None),
            // Broken fences.
            (
                "Thought: Look.\nCode:\nprint(1)<end_action>",
                Some("Look."),
                Some("print(1)"),
            ),
            (
                "Thought: Look.\nCode:\n```py\nprint(1)",
                Some("Look."),
                Some("print(1)"),
            ),
            (
                "Thought: Look.\nCode:\n```py\nprint(1)```",
                Some("Look."),
                Some("print(1)"),
            ),
            (
                "Thought: Look.\n```py\nprint(1)\n```",
                Some("Look."),
                Some("print(1)"),
            ),
            ("Look. Code: ```py\nf()\n```", Some("Look."), Some("f()")),
            ("Thought: Look.\nCode:\n```py\n```", Some("Look."), None),
            // Several blocks: the first after the last mark that has one.
            (
                "Code:\n```py\na()\n```\nor\n```py\nb()\n```",
                None,
                Some("a()"),
            ),
            (
                "Thought: A.\nCode:\n```py\na()\n```\nThought: B.\nCode:\n```py\nb()\n```",
                Some("A.\nCode:\n```py\na()\n```\nThought: B."),
                Some("b()"),
            ),
            (
                "See ```json\n{}\n``` first.\nCode:\n```py\nf()\n```",
                Some("See ```json\n{}\n``` first."),
                Some("f()"),
            ),
            (
                "Say `a` and ```b``` first.\nCode:\n```py\nf()\n```",
                Some("Say `a` and ```b``` first."),
                Some("f()"),
            ),
            // A mark inside the code or inside a sentence is none.
            (
                "Thought: T.\nCode:\n```py\n# Code:\nf()\n```",
                Some("T."),
                Some("# Code:\nf()"),
            ),
            (
                "Thought: ZIP Code: 1.\nCode:\n```py\nf()\n```",
                Some("ZIP Code: 1."),
                Some("f()"),
            ),
            ("The Code: it is", Some("The Code: it is"), None),
        ];
        for (reply, thought, code) in cases {
            assert_eq!(parts(reply), (thought, code), "{reply}");
        }
    }

    #[test]
    fn hostile_replies_cost_no_more_than_their_length() {
        for pattern in [
            "```",
            "```\n",
            "```py\na```",
            "`",
            "Code:",
            "Code:```\n",
            "**Thought",
            "Code: ",
            "*",
        ] {
            let reply = pattern.repeat(300_000);
            CodeReply::parse(&reply);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_reply_gives_valid_ranges(
            pieces in proptest::collection::vec(
                proptest::prop_oneof![
                    proptest::sample::select(vec![
                        "Thought:", "**Thought:**", "Code:", "**Code:**", "# Code:", "```", "```py\n", "\n```", "\n", "*",
                        "<end_action>", "é", "漢", " ",
                    ]).prop_map(str::to_owned),
                    ".{0,6}",
                ],
                0..16,
            ),
        ) {
            let reply = pieces.concat();
            let parsed = CodeReply::parse(&reply);
            for range in [&parsed.thought, &parsed.code].into_iter().flatten() {
                let text = reply.get(range.clone());
                proptest::prop_assert!(text.is_some_and(|t| !t.is_empty() && t == t.trim()));
            }
            if let (Some(thought), Some(code)) = (&parsed.thought, &parsed.code) {
                proptest::prop_assert!(thought.end <= code.start);
            }
        }
    }

    use proptest::strategy::Strategy;
}
