//! The characters of a query: words with their escapes, quotes and regular expressions. Knows no fields.

use std::ops::Range;

/// A reading position in a query.
pub(super) struct Scanner<'q> {
    query: &'q str,
    at: usize,
}

/// A run of characters up to a blank, quote or parenthesis, without its escapes.
pub(super) struct RawWord {
    /// The characters, operators at the end included.
    pub text: String,
    /// Where it stands.
    pub span: Range<usize>,
    /// Whether the first character was typed without a backslash.
    pub plain_start: bool,
    /// How many stars were typed without a backslash.
    pub stars: usize,
    /// Whether the last character is such a star.
    pub ends_with_star: bool,
    /// Where in `text` a `~` stands that nothing but digits follow, when typed without a backslash.
    pub tilde: Option<usize>,
}

/// Text between delimiters.
pub(super) struct Delimited {
    /// What stands between them; the delimiter's own escapes are taken out.
    pub text: String,
    /// Where it stands, delimiters included.
    pub span: Range<usize>,
    /// Whether the closing delimiter is there.
    pub closed: bool,
}

impl<'q> Scanner<'q> {
    pub fn new(query: &'q str) -> Self {
        Self { query, at: 0 }
    }

    /// The byte position; always at a character.
    pub fn at(&self) -> usize {
        self.at
    }

    pub fn rest(&self) -> &'q str {
        self.query.get(self.at..).unwrap_or_default()
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Moves over one character.
    pub fn bump(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    /// Moves over a text that was seen to be there.
    pub fn skip(&mut self, seen: &str) {
        self.at += seen.len();
    }

    pub fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Whether an operator in capitals stands here as a word of its own.
    pub fn sees(&self, operator: &str) -> bool {
        self.rest()
            .strip_prefix(operator)
            .is_some_and(|after| after.chars().next().is_none_or(ends_word))
    }

    /// Moves over an operator in capitals, if it stands here as a word of its own.
    pub fn take(&mut self, operator: &str) -> Option<Range<usize>> {
        self.sees(operator).then(|| {
            let start = self.at;
            self.skip(operator);
            start..self.at
        })
    }

    /// Whether a minus stands here that something follows directly.
    pub fn sees_minus(&self) -> bool {
        self.rest()
            .strip_prefix('-')
            .and_then(|after| after.chars().next())
            .is_some_and(|next| !next.is_whitespace() && next != ')')
    }

    pub fn word(&mut self) -> RawWord {
        let start = self.at;
        let mut word = RawWord {
            text: String::new(),
            span: start..start,
            plain_start: self.peek() != Some('\\'),
            stars: 0,
            ends_with_star: false,
            tilde: None,
        };
        let mut characters = self.rest().char_indices();
        let mut end = self.query.len();
        while let Some((offset, c)) = characters.next() {
            if ends_word(c) {
                end = start + offset;
                break;
            }
            word.ends_with_star = false;
            match c {
                '\\' => {
                    // A backslash at the very end stands for itself.
                    word.text
                        .push(characters.next().map_or(c, |(_, next)| next));
                    word.tilde = None;
                    continue;
                }
                '*' => {
                    word.stars += 1;
                    word.ends_with_star = true;
                    word.tilde = None;
                }
                '~' => word.tilde = Some(word.text.len()),
                c if !c.is_ascii_digit() => word.tilde = None,
                _ => {}
            }
            word.text.push(c);
        }
        self.at = end;
        word.span = start..end;
        word
    }

    /// Reads from a quote on; `\"` and `\\` inside stand for themselves.
    pub fn quote(&mut self) -> Delimited {
        self.delimited('"', |c| matches!(c, '"' | '\\'))
    }

    /// Reads from a slash on; `\/` inside stands for a slash, other escapes belong to the expression.
    pub fn regex(&mut self) -> Delimited {
        self.delimited('/', |c| c == '/')
    }

    fn delimited(&mut self, delimiter: char, unescapes: fn(char) -> bool) -> Delimited {
        let start = self.at;
        self.bump();
        let mut text = String::new();
        let mut closed = false;
        while let Some(c) = self.peek() {
            self.bump();
            if c == delimiter {
                closed = true;
                break;
            }
            match self.peek() {
                Some(next) if c == '\\' => {
                    self.bump();
                    if !unescapes(next) {
                        text.push(c);
                    }
                    text.push(next);
                }
                _ => text.push(c),
            }
        }
        Delimited {
            text,
            span: start..self.at,
            closed,
        }
    }
}

/// Whether a character ends a word.
pub(super) fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '(' | ')')
}
