use ruff_python_ast::token::TokenKind;
use ruff_python_parser::Mode;
use ruff_python_parser::lexer::lex;

/// Code this long is not a step that anyone wrote; the parser's offsets are 32 bits wide.
const MAX_BYTES: usize = 4 << 20;

/// How deep a syntax tree may get before walking or dropping it endangers a thread's 2 MiB stack.
const MAX_DEPTH: usize = 500;

/// The bytes that can make a tree deeper.
const LINKS: [bool; 256] = {
    let bytes = b"+-*/%@&|^<>.([{";
    let mut table = [false; 256];
    let mut n = 0;
    while n < bytes.len() {
        table[bytes[n] as usize] = true;
        n += 1;
    }
    table
};

/// Whether code can be parsed, walked and dropped without a deep recursion.
///
/// The parser limits brackets and blocks itself, but reads `1+1+1+…` and `a.b.c.…` in a loop, to a tree as deep as the
/// chain is long, which is then dropped recursively.
pub(super) fn is_shallow(code: &str) -> bool {
    if code.len() > MAX_BYTES {
        return false;
    }
    // Each level of such a tree costs one of these bytes, so almost all code is done here.
    let links = code
        .bytes()
        .filter(|byte| LINKS[usize::from(*byte)])
        .count();
    links <= MAX_DEPTH || depth(code) <= MAX_DEPTH
}

/// One bracket that is open: the depth of its finished elements, and of the one being read.
#[derive(Clone, Copy, Default)]
struct Level {
    finished: usize,
    current: usize,
}

/// An upper bound of the syntax tree's depth.
fn depth(code: &str) -> usize {
    let mut lexer = lex(code, Mode::Module);
    let mut outer: Vec<Level> = Vec::new();
    let mut level = Level::default();
    let mut deepest = 0;
    loop {
        match lexer.next_token() {
            TokenKind::EndOfFile => break,
            TokenKind::Newline => {
                outer.clear();
                level = Level::default();
            }
            TokenKind::Comma | TokenKind::Semi => {
                level.finished = level.finished.max(level.current);
                level.current = 0;
            }
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                outer.push(level);
                level = Level::default();
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => {
                let inner = level.finished.max(level.current) + 1;
                level = outer.pop().unwrap_or_default();
                level.current += inner;
            }
            TokenKind::Dot => level.current += 1,
            kind if kind.is_operator() => level.current += 1,
            _ => {}
        }
        deepest = deepest.max(level.finished.max(level.current) + outer.len());
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_code_is_shallow_however_long() {
        assert!(is_shallow("print(1 + 2)"));
        assert!(is_shallow(&"x = a.b(1) + 2\n".repeat(10_000)));
        assert!(is_shallow(&format!("x = [{}]", "1.5, ".repeat(50_000))));
        assert!(is_shallow(&format!("x = '{}'", "+(.".repeat(50_000))));
    }

    #[test]
    fn chains_and_towers_are_not() {
        assert!(!is_shallow(&format!("x = {}1", "1+".repeat(10_000))));
        assert!(!is_shallow(&format!("x = a{}", ".b".repeat(10_000))));
        assert!(!is_shallow(&format!("x = a{}", "()".repeat(10_000))));
        assert!(!is_shallow(&"(".repeat(10_000)));
        let towers = format!("x = {}1{}", "[0,".repeat(100), "]+1+1+1+1+1+1".repeat(100));
        assert!(!is_shallow(&towers));
        assert!(!is_shallow(&" ".repeat(MAX_BYTES + 1)));
    }
}
