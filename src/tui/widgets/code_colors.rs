//! The colours of Python, from the parser's own tokens; what can't be parsed is coloured as far as it can be read.

use std::ops::Range;

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::Ranged;

use crate::tui::theme::{Paint, Theme};

use super::styled_text::Colored;

/// The longest code that is coloured; a generated table of a megabyte is shown plain.
const LONGEST: usize = 200_000;

/// The pieces of code that have a colour, in order. `tools` are names that are called as tools.
pub fn colors(code: &str, tools: &[String], theme: &Theme) -> Vec<Colored> {
    if code.len() > LONGEST || !is_shallow(code) {
        return Vec::new();
    }
    let parsed = parse_unchecked(code, ParseOptions::from(Mode::Module));
    let tokens = parsed.tokens().iter();
    let colored = tokens.filter_map(|token| {
        let range = usize::from(token.start())..usize::from(token.end());
        let paint = match token.kind() {
            TokenKind::Comment => Paint::Comment,
            TokenKind::String
            | TokenKind::FStringStart
            | TokenKind::FStringMiddle
            | TokenKind::FStringEnd => Paint::Literal,
            TokenKind::Int | TokenKind::Float | TokenKind::Complex => Paint::Number,
            TokenKind::Name => {
                let name = code.get(range.clone())?;
                match tools.iter().any(|tool| tool == name) || name == "final_answer" {
                    true => Paint::Tool,
                    false => return None,
                }
            }
            kind if kind.is_keyword() => Paint::Keyword,
            _ => return None,
        };
        Some((range, theme.style(paint)))
    });
    colored.collect()
}

/// Where Python can't go on, and why; `None` for what is right.
pub fn syntax_error(code: &str) -> Option<(Range<usize>, String)> {
    if code.len() > LONGEST || !is_shallow(code) {
        return None;
    }
    let parsed = parse_unchecked(code, ParseOptions::from(Mode::Module));
    let error = parsed.errors().first()?;
    let range = usize::from(error.location.start())..usize::from(error.location.end());
    Some((range, error.error.to_string()))
}

/// The parser recurses: brackets inside brackets without end would take its stack.
fn is_shallow(code: &str) -> bool {
    const DEEPEST: usize = 100;
    let mut depth = 0usize;
    for byte in code.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::ColorDepth;

    #[test]
    fn tokens_have_the_colours_of_their_kinds() {
        let theme = Theme::named("dark", ColorDepth::True).expect("a theme");
        let code = "for x in ocr(f'a{1}'):  # text\n    pass";
        let colors = colors(code, &["ocr".to_owned()], &theme);
        let shown: Vec<(&str, Paint)> = colors
            .iter()
            .filter_map(|(range, style)| {
                let paints = [
                    Paint::Keyword,
                    Paint::Tool,
                    Paint::Literal,
                    Paint::Number,
                    Paint::Comment,
                ];
                let paint = paints
                    .into_iter()
                    .find(|paint| theme.style(*paint) == *style)?;
                Some((&code[range.clone()], paint))
            })
            .collect();
        let expected = [
            ("for", Paint::Keyword),
            ("in", Paint::Keyword),
            ("ocr", Paint::Tool),
            ("f'", Paint::Literal),
            ("a", Paint::Literal),
            ("1", Paint::Number),
            ("'", Paint::Literal),
            ("# text", Paint::Comment),
            ("pass", Paint::Keyword),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn errors_are_placed() {
        assert_eq!(syntax_error("x = 1\n"), None);
        let (range, reason) = syntax_error("x = (1,\ny = 2").expect("an error");
        assert!(!reason.is_empty() && range.start > 4, "{range:?} {reason}");
        assert_eq!(syntax_error(&"(".repeat(100_000)), None, "not looked into");
    }
}
