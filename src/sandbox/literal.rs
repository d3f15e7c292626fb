use super::PythonValue;

/// Brackets nested deeper than this are no literal.
const MAX_DEPTH: usize = 32;

/// Reads a Python literal as `repr` writes it (`ast.literal_eval`, without joined texts and arithmetic); `None` if the text
/// is anything else.
pub fn parse_literal(text: &str) -> Option<PythonValue> {
    let text = text.trim();
    let (value, length) = parse_literal_prefix(text)?;
    (length == text.len()).then_some(value)
}

/// Reads a literal at the start of a text, and says how many bytes it has. A number ends where it can't go on.
pub fn parse_literal_prefix(text: &str) -> Option<(PythonValue, usize)> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    Some((value, reader.at))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn eat(&mut self, token: &str) -> bool {
        let is_next = self.rest().starts_with(token);
        if is_next {
            self.at += token.len();
        }
        is_next
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// A name that no letter or digit follows.
    fn word(&mut self, word: &str) -> bool {
        let goes_on = |c: char| c.is_alphanumeric() || c == '_';
        let is_next = self
            .rest()
            .strip_prefix(word)
            .is_some_and(|after| !after.starts_with(goes_on));
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    fn value(&mut self, depth: usize) -> Option<PythonValue> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.peek()? {
            '[' => {
                self.at += 1;
                self.items("]", depth)
                    .map(|(items, _)| PythonValue::List(items))
            }
            '(' => {
                self.at += 1;
                let (mut items, has_comma) = self.items(")", depth)?;
                match (items.len(), has_comma) {
                    // Brackets around one value are no tuple.
                    (1, false) => items.pop(),
                    _ => Some(PythonValue::Tuple(items)),
                }
            }
            '{' => {
                self.at += 1;
                self.braces(depth)
            }
            '\'' | '"' => self.string().map(PythonValue::Str),
            'b' if self.rest().starts_with("b'") || self.rest().starts_with("b\"") => self.bytes(),
            '+' | '-' | '.' | '0'..='9' => self.number(),
            _ => self.named(depth),
        }
    }

    fn named(&mut self, depth: usize) -> Option<PythonValue> {
        for (word, value) in [
            ("None", PythonValue::None),
            ("True", PythonValue::Bool(true)),
            ("False", PythonValue::Bool(false)),
            ("inf", PythonValue::Float(f64::INFINITY)),
            ("nan", PythonValue::Float(f64::NAN)),
        ] {
            if self.word(word) {
                return Some(value);
            }
        }
        if self.eat("set()") {
            return Some(PythonValue::Set(Vec::new()));
        }
        if self.eat("frozenset(") {
            if self.eat(")") {
                return Some(PythonValue::FrozenSet(Vec::new()));
            }
            let PythonValue::Set(items) = self.value(depth + 1)? else {
                return None;
            };
            return self.eat(")").then_some(PythonValue::FrozenSet(items));
        }
        None
    }

    /// Values up to a closing bracket, and whether the last has a comma.
    fn items(&mut self, close: &str, depth: usize) -> Option<(Vec<PythonValue>, bool)> {
        let mut items = Vec::new();
        let mut has_comma = false;
        loop {
            self.space();
            if self.eat(close) {
                return Some((items, has_comma));
            }
            if !items.is_empty() && !has_comma {
                return None;
            }
            items.push(self.value(depth + 1)?);
            self.space();
            has_comma = self.eat(",");
        }
    }

    fn braces(&mut self, depth: usize) -> Option<PythonValue> {
        self.space();
        if self.eat("}") {
            return Some(PythonValue::Dict(Vec::new()));
        }
        let first = self.value(depth + 1)?;
        self.space();
        if !self.eat(":") {
            let mut items = vec![first];
            if self.eat(",") {
                items.extend(self.items("}", depth)?.0);
            } else if !self.eat("}") {
                return None;
            }
            return Some(PythonValue::Set(items));
        }
        let mut pairs = Vec::new();
        let mut key = first;
        loop {
            self.space();
            pairs.push((key, self.value(depth + 1)?));
            self.space();
            let has_comma = self.eat(",");
            self.space();
            if self.eat("}") {
                return Some(PythonValue::Dict(pairs));
            }
            if !has_comma {
                return None;
            }
            key = self.value(depth + 1)?;
            self.space();
            if !self.eat(":") {
                return None;
            }
        }
    }

    fn number(&mut self) -> Option<PythonValue> {
        let rest = self.rest();
        let signed = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        let sign = rest.len() - signed.len();
        for word in ["inf", "nan"] {
            if signed.starts_with(word) {
                let float = rest.get(..sign + word.len())?.parse().ok()?;
                self.at += sign + word.len();
                return Some(PythonValue::Float(float));
            }
        }
        let bytes = signed.as_bytes();
        let digits = |from: usize| {
            let rest = bytes.get(from..).unwrap_or_default();
            rest.iter().take_while(|b| b.is_ascii_digit()).count()
        };
        let whole = digits(0);
        let mut end = whole;
        let mut is_float = false;
        if bytes.get(end) == Some(&b'.') && whole + digits(end + 1) > 0 {
            is_float = true;
            end += 1 + digits(end + 1);
        }
        if end > 0 && matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end + 1 + sign);
            if exponent > 0 {
                is_float = true;
                end += 1 + sign + exponent;
            }
        }
        let text = rest.get(..sign + end).filter(|_| end > 0)?;
        let value = if is_float {
            PythonValue::Float(text.parse().ok()?)
        } else if whole > 1 && bytes.first() == Some(&b'0') {
            // Python has no such integer.
            return None;
        } else {
            let text = text.strip_prefix('+').unwrap_or(text);
            text.parse()
                .map_or_else(|_| PythonValue::BigInt(text.to_owned()), PythonValue::Int)
        };
        self.at += sign + end;
        Some(value)
    }

    fn string(&mut self) -> Option<String> {
        let quote = self.peek()?;
        let body = self.rest().get(1..)?;
        let mut text = String::new();
        let mut characters = body.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                c if c == quote => {
                    self.at += 1 + at + 1;
                    return Some(text);
                }
                // `repr` writes none of these plainly.
                '\n' | '\r' => return None,
                '\\' => {
                    let (_, kind) = characters.next()?;
                    let length = match kind {
                        'x' => 2,
                        'u' => 4,
                        'U' => 8,
                        _ => 0,
                    };
                    if length == 0 {
                        text.push(match kind {
                            'n' => '\n',
                            'r' => '\r',
                            't' => '\t',
                            '\\' | '\'' | '"' => kind,
                            _ => return None,
                        });
                        continue;
                    }
                    let mut code = 0;
                    for _ in 0..length {
                        code = code * 16 + characters.next()?.1.to_digit(16)?;
                    }
                    text.push(char::from_u32(code)?);
                }
                other => text.push(other),
            }
        }
        None
    }

    fn bytes(&mut self) -> Option<PythonValue> {
        self.at += 1;
        let text = self.string()?;
        let byte = |c: char| u8::try_from(u32::from(c)).ok();
        text.chars()
            .map(byte)
            .collect::<Option<_>>()
            .map(PythonValue::Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repr_writes_is_read() {
        for text in [
            "[[133.42, 86.94], [-0.01, 1e-05]]",
            "'it'",
            "\"it's\"",
            "'\\n\\t\\\\\\x07\\u2003'",
            "{'a': None, 1: (True,), (1, 2): {3}}",
            "()",
            "{}",
            "set()",
            "frozenset({1})",
            "b'a\\x00'",
            "99999999999999999999",
            "-7",
            "inf",
        ] {
            let value = parse_literal(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(value.repr(), text);
        }
        assert_ne!(parse_literal("180"), parse_literal("180.0"));
        assert_eq!(parse_literal("(1)"), Some(PythonValue::Int(1)));
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "[1",
            "[1 2]",
            "1 + 2",
            "f(1)",
            "'a",
            "'a\nb'",
            "{1: }",
            "Nonesuch",
            "007",
            "1_000 x",
            "[,]",
            "{'a': 1 'b': 2}",
            "<object>",
            "'a' 'b'",
        ] {
            assert_eq!(parse_literal(text), None, "{text}");
        }
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(parse_literal(&deep), None);
    }

    #[test]
    fn a_literal_ends_where_it_ends() {
        let (value, length) = parse_literal_prefix("[1, 2]\nmore").expect("list");
        assert_eq!((value.repr().as_str(), length), ("[1, 2]", 6));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text in "[\\[\\](){}'\"\\\\,:0-9a-z.é\n -]{0,40}") {
            if let Some((_, length)) = parse_literal_prefix(&text) {
                proptest::prop_assert!(text.get(..length).is_some());
            }
        }

        #[test]
        fn a_text_comes_back_from_its_repr(text in "\\PC*|[\\s\\S]{0,12}") {
            let value = PythonValue::Str(text);
            proptest::prop_assert_eq!(parse_literal(&value.repr()), Some(value));
        }
    }
}
