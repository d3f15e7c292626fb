use memchr::memchr;

/// Finds where a JSON value ends, chunk by chunk and without recursion.
///
/// It counts brackets and passes over strings. What it lets through is not yet valid JSON: brackets may be of the wrong
/// kind, words may be unknown. The parser that reads the record says so.
#[derive(Debug, Clone, Copy)]
pub(super) enum ValueEnd {
    /// A number or word: it ends before the next delimiter.
    Word,
    /// A string, array or object.
    Nested {
        /// Open brackets.
        depth: u64,
        in_string: bool,
        /// In a string: the next byte is escaped.
        escaped: bool,
    },
}

impl ValueEnd {
    /// For the value that starts with `first`; `None` when no value does.
    pub fn starting_with(first: u8) -> Option<Self> {
        match first {
            b'{' | b'[' | b'"' => Some(Self::Nested {
                depth: 0,
                in_string: false,
                escaped: false,
            }),
            // `N` and `I`: Python writes NaN and Infinity.
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' | b'N' | b'I' => Some(Self::Word),
            _ => None,
        }
    }

    /// Looks at the next bytes, the value's first byte included; how many of them belong to the value if it ends
    /// among them. A `Word` that the file's end cuts is never reported.
    pub fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Word => bytes.iter().position(|byte| {
                matches!(
                    byte,
                    b',' | b']' | b'}' | b'[' | b'{' | b'"' | b':' | b' ' | b'\n' | b'\r' | b'\t'
                )
            }),
            Self::Nested {
                depth,
                in_string,
                escaped,
            } => nested_end(depth, in_string, escaped, bytes),
        }
    }
}

fn nested_end(
    depth: &mut u64,
    in_string: &mut bool,
    escaped: &mut bool,
    bytes: &[u8],
) -> Option<usize> {
    let mut at = 0;
    loop {
        if *in_string {
            if *escaped {
                bytes.get(at)?;
                at += 1;
                *escaped = false;
            }
            let text = bytes.get(at..)?;
            // Quotes are rarer than backslashes (`\n` in code), so look for them and then back.
            let Some(quote) = memchr(b'"', text) else {
                *escaped = ends_escaped(text);
                return None;
            };
            let in_front = text.get(..quote)?;
            at += quote + 1;
            if !ends_escaped(in_front) {
                *in_string = false;
                if *depth == 0 {
                    return Some(at);
                }
            }
        } else {
            let mut open = *depth;
            let stop = bytes.get(at..)?.iter().position(|byte| match byte {
                b'"' => true,
                b'{' | b'[' => {
                    open = open.saturating_add(1);
                    false
                }
                b'}' | b']' => {
                    open = open.saturating_sub(1);
                    open == 0
                }
                _ => false,
            });
            *depth = open;
            let stop = at + stop?;
            at = stop + 1;
            *in_string = bytes.get(stop) == Some(&b'"');
            if !*in_string {
                return Some(at);
            }
        }
    }
}

/// Whether an odd number of backslashes ends the text, which starts outside an escape.
fn ends_escaped(text: &[u8]) -> bool {
    text.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}
