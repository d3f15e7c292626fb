use ruff_python_ast::token::TokenKind;
use ruff_python_parser::Mode;
use ruff_text_size::{Ranged, TextRange};

use super::nesting::is_shallow;
use super::python_literal::{parse, python_literal};

/// Python without what does not change what it does: comments, layout, the kind of quotes, trailing commas, semicolons in
/// the place of line ends. Two codes with the same normalised form do the same.
///
/// Code that no lexer reads is only freed from empty lines and spaces at line ends.
pub fn normalised_code(code: &str) -> String {
    tokens(code).unwrap_or_else(|| {
        let lines = code.lines().map(str::trim_end);
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        lines.join("\n")
    })
}

fn tokens(code: &str) -> Option<String> {
    if !is_shallow(code) {
        return None;
    }
    let parsed = parse(code, Mode::Module);
    let mut out: Vec<String> = Vec::new();
    // For each open bracket whether a comma before its end says nothing.
    let mut brackets: Vec<bool> = Vec::new();
    let mut before: Option<TokenKind> = None;
    for token in parsed.tokens().iter() {
        let kind = token.kind();
        let text = text_of(code, token.range());
        let written = match kind {
            TokenKind::EndOfFile => break,
            TokenKind::Unknown | TokenKind::IpyEscapeCommand => return None,
            TokenKind::Comment | TokenKind::NonLogicalNewline => continue,
            TokenKind::Newline | TokenKind::Semi => {
                if out.last().is_none_or(|last| last == "\n") {
                    continue;
                }
                "\n".to_owned()
            }
            TokenKind::Indent => "→".to_owned(),
            TokenKind::Dedent => "←".to_owned(),
            TokenKind::String => string(text),
            TokenKind::FStringStart | TokenKind::TStringStart => {
                let prefix = text.trim_end_matches(['"', '\'']).to_ascii_lowercase();
                format!("{prefix}\"")
            }
            TokenKind::FStringEnd | TokenKind::TStringEnd => "\"".to_owned(),
            _ => text.to_owned(),
        };
        match kind {
            // What follows a value is a call or a subscript; `x[1,]` is not `x[1]`, and `(1,)` not `(1)`.
            TokenKind::Lpar => brackets.push(before.is_some_and(ends_value)),
            TokenKind::Lsqb => brackets.push(!before.is_some_and(ends_value)),
            TokenKind::Lbrace => brackets.push(true),
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => {
                let is_idle = brackets.pop().unwrap_or(false);
                if is_idle && before == Some(TokenKind::Comma) {
                    out.pop();
                }
            }
            _ => {}
        }
        before = Some(kind);
        out.push(written);
    }
    while out.last().is_some_and(|last| last == "\n") {
        out.pop();
    }
    Some(out.join(" "))
}

fn ends_value(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Name
            | TokenKind::Rpar
            | TokenKind::Rsqb
            | TokenKind::Rbrace
            | TokenKind::String
            | TokenKind::FStringEnd
    )
}

fn text_of(code: &str, range: TextRange) -> &str {
    let bytes = range.start().to_usize()..range.end().to_usize();
    code.get(bytes).unwrap_or_default()
}

/// A text by what it says; bytes and what else is no text as it is written.
fn string(written: &str) -> String {
    match python_literal(written) {
        Some(value) => value.to_string(),
        None => written.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        normalised_code(a) == normalised_code(b)
    }

    #[test]
    fn layout_comments_and_quotes_say_nothing() {
        for (a, b) in [
            ("f('x', 1)", "f(\n    \"x\",\n    1,\n)  # look"),
            ("a = 1; b = 2", "a = 1\n\n# then\nb=2\n"),
            ("if x:\n  f()\n", "if x:\n\tf()"),
            ("x = [1, 2]", "x = [\n1,\n2,\n]"),
            ("x = {'a': 1}", "x = {\"a\": 1,}"),
            ("x = '''a'''", "x = 'a'"),
            ("x = f'{a} b'", "x = f\"{a} b\""),
            ("", "\n# nothing\n"),
        ] {
            assert!(same(a, b), "{a:?} {b:?}");
        }
    }

    #[test]
    fn what_does_something_else_stays_different() {
        for (a, b) in [
            ("f('x')", "f('X')"),
            ("f('1')", "f(1)"),
            ("x = (1,)", "x = (1)"),
            ("x[1,]", "x[1]"),
            ("if x:\n  f()\n  g()", "if x:\n  f()\ng()"),
            ("a b", "ab"),
            ("x = r'\\n'", "x = '\\n'"),
            ("x = b'a'", "x = 'a'"),
        ] {
            assert!(!same(a, b), "{a:?} {b:?}");
        }
    }

    #[test]
    fn what_is_no_python_is_compared_by_its_lines() {
        assert!(same("a ? $ b  \n\nc", "a ? $ b\nc"));
        assert!(!same("a ? $ b", "a ? $ c"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived_and_like_itself(code in "\\PC*") {
            proptest::prop_assert!(same(&code, &code));
        }
    }
}
