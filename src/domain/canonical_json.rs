//! Content hashes: BLAKE3 over a record's canonical JSON.
//!
//! Canonical means: no white space, object keys in byte order, one spelling for each string (as short as JSON allows),
//! numbers exactly as the data writes them. So indentation, key order and escape style do not change a hash, and
//! nothing that carries meaning is lost on the way to it.

use super::ContentHash;

/// Deeper records are refused, as every JSON reader here refuses them.
const MAX_DEPTH: usize = 128;

/// Why a text has no canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// It is not JSON.
    #[error("not valid JSON at byte {0} of the record")]
    Syntax(usize),
    /// It is nested too deeply.
    #[error("nested deeper than {MAX_DEPTH} levels at byte {0} of the record")]
    TooDeep(usize),
}

/// The content hash of a record given as JSON text.
pub fn content_hash(json: &str) -> Result<ContentHash, CanonicalError> {
    Ok(ContentHash(blake3::hash(&canonical(json)?).into()))
}

fn canonical(json: &str) -> Result<Vec<u8>, CanonicalError> {
    let mut writer = Canonicalizer {
        input: json.as_bytes(),
        at: 0,
        out: Vec::with_capacity(json.len()),
    };
    writer.value(0)?;
    writer.space();
    if writer.at < writer.input.len() {
        return Err(CanonicalError::Syntax(writer.at));
    }
    Ok(writer.out)
}

struct Canonicalizer<'a> {
    input: &'a [u8],
    at: usize,
    out: Vec<u8>,
}

impl Canonicalizer<'_> {
    fn fail<T>(&self) -> Result<T, CanonicalError> {
        Err(CanonicalError::Syntax(self.at))
    }

    fn peek(&self) -> u8 {
        self.input.get(self.at).copied().unwrap_or(0)
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<(), CanonicalError> {
        if depth > MAX_DEPTH {
            return Err(CanonicalError::TooDeep(self.at));
        }
        self.space();
        match self.peek() {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string(),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.fail(),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), CanonicalError> {
        if self.input[self.at..].starts_with(word) {
            self.at += word.len();
            self.out.extend_from_slice(word);
            return Ok(());
        }
        self.fail()
    }

    fn number(&mut self) -> Result<(), CanonicalError> {
        let start = self.at;
        self.at += usize::from(self.peek() == b'-');
        if self.peek() == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), b'+' | b'-'));
            self.digits()?;
        }
        self.out.extend_from_slice(&self.input[start..self.at]);
        Ok(())
    }

    fn digits(&mut self) -> Result<(), CanonicalError> {
        if !self.peek().is_ascii_digit() {
            return self.fail();
        }
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(), CanonicalError> {
        self.at += 1;
        self.out.push(b'[');
        self.space();
        if self.peek() == b']' {
            self.at += 1;
            self.out.push(b']');
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            self.space();
            match self.peek() {
                b',' => self.out.push(b','),
                b']' => self.out.push(b']'),
                _ => return self.fail(),
            }
            self.at += 1;
            if self.input[self.at - 1] == b']' {
                return Ok(());
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), CanonicalError> {
        self.at += 1;
        self.out.push(b'{');
        let first = self.out.len();
        // (start, end of key, end) of each member in `out`.
        let mut members: Vec<(usize, usize, usize)> = Vec::new();
        self.space();
        if self.peek() == b'}' {
            self.at += 1;
            self.out.push(b'}');
            return Ok(());
        }
        loop {
            self.space();
            if self.peek() != b'"' {
                return self.fail();
            }
            let start = self.out.len();
            self.string()?;
            let key_end = self.out.len();
            self.space();
            if self.peek() != b':' {
                return self.fail();
            }
            self.at += 1;
            self.out.push(b':');
            self.value(depth + 1)?;
            members.push((start, key_end, self.out.len()));
            self.space();
            match self.peek() {
                b',' => self.out.push(b','),
                b'}' => break,
                _ => return self.fail(),
            }
            self.at += 1;
        }
        self.at += 1;
        let sorted = members
            .windows(2)
            .all(|w| self.out[w[0].0..w[0].1] <= self.out[w[1].0..w[1].1]);
        if !sorted {
            let written = self.out.split_off(first);
            let at =
                |range: std::ops::Range<usize>| &written[range.start - first..range.end - first];
            members.sort_by(|a, b| at(a.0..a.1).cmp(at(b.0..b.1)));
            for (n, (start, _, end)) in members.iter().enumerate() {
                if n > 0 {
                    self.out.push(b',');
                }
                self.out.extend_from_slice(at(*start..*end));
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    fn string(&mut self) -> Result<(), CanonicalError> {
        self.at += 1;
        self.out.push(b'"');
        loop {
            let rest = &self.input[self.at..];
            let Some(end) = memchr::memchr2(b'"', b'\\', rest) else {
                return self.fail();
            };
            if let Some(control) = rest[..end].iter().position(|byte| *byte < 0x20) {
                self.at += control;
                return self.fail();
            }
            self.out.extend_from_slice(&rest[..end]);
            self.at += end + 1;
            if rest[end] == b'"' {
                self.out.push(b'"');
                return Ok(());
            }
            self.escaped()?;
        }
    }

    fn escaped(&mut self) -> Result<(), CanonicalError> {
        let kind = self.peek();
        self.at += 1;
        let plain = match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.hex4()?;
                if (0xd800..0xdc00).contains(&unit) && self.input[self.at..].starts_with(b"\\u") {
                    let back = self.at;
                    self.at += 2;
                    let low = self.hex4()?;
                    if (0xdc00..0xe000).contains(&low) {
                        let joined = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                        char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER)
                    } else {
                        self.at = back;
                        return self.lone_surrogate(unit);
                    }
                } else if let Some(character) = char::from_u32(unit) {
                    character
                } else {
                    return self.lone_surrogate(unit);
                }
            }
            _ => return self.fail(),
        };
        escape(&mut self.out, plain);
        Ok(())
    }

    fn lone_surrogate(&mut self, unit: u32) -> Result<(), CanonicalError> {
        self.out
            .extend_from_slice(format!("\\u{unit:04x}").as_bytes());
        Ok(())
    }

    fn hex4(&mut self) -> Result<u32, CanonicalError> {
        let digits = self
            .input
            .get(self.at..self.at + 4)
            .filter(|d| d.iter().all(u8::is_ascii_hexdigit))
            .and_then(|d| std::str::from_utf8(d).ok())
            .and_then(|d| u32::from_str_radix(d, 16).ok());
        match digits {
            Some(unit) => {
                self.at += 4;
                Ok(unit)
            }
            None => self.fail(),
        }
    }
}

fn escape(out: &mut Vec<u8>, character: char) {
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        c if (c as u32) < 0x20 => out.extend_from_slice(format!("\\u{:04x}", c as u32).as_bytes()),
        c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> String {
        String::from_utf8(canonical(json).expect("canonical")).expect("utf-8")
    }

    #[test]
    fn space_key_order_and_escape_style_do_not_count() {
        assert_eq!(
            text("{ \"b\" : [1, 2.50] ,\n\"a\": \"\\u00e9\\/\\ud83d\\ude00\" }"),
            "{\"a\":\"é/😀\",\"b\":[1,2.50]}"
        );
        assert_eq!(
            content_hash("{\"a\":1,\"b\":2}"),
            content_hash("{\"b\": 2, \"a\": 1}")
        );
        assert_ne!(content_hash("{\"a\":1}"), content_hash("{\"a\":1.0}"));
    }

    #[test]
    fn nested_objects_sort_on_every_level() {
        assert_eq!(
            text(r#"{"z":{"d":1,"c":{"y":[],"x":{}}},"a":null}"#),
            r#"{"a":null,"z":{"c":{"x":{},"y":[]},"d":1}}"#
        );
    }

    #[test]
    fn lone_surrogates_and_control_characters_have_one_spelling() {
        assert_eq!(text(r#""\uD800x\u0001""#), r#""\ud800x\u0001""#);
        assert_eq!(text(r#""a\u0009b""#), r#""a\tb""#);
    }

    #[test]
    fn what_is_not_json_says_where() {
        assert_eq!(canonical("{\"a\" 1}"), Err(CanonicalError::Syntax(5)));
        assert_eq!(canonical("[1,"), Err(CanonicalError::Syntax(3)));
        assert_eq!(canonical("\"abc"), Err(CanonicalError::Syntax(1)));
        for (bad, at) in [
            ("01", 1),
            ("-", 1),
            ("0.1e", 4),
            ("1.", 2),
            ("\"a\tb\"", 2),
            ("[1]]", 3),
        ] {
            assert_eq!(canonical(bad), Err(CanonicalError::Syntax(at)), "{bad}");
        }
        let deep = "[".repeat(10_000);
        assert!(matches!(canonical(&deep), Err(CanonicalError::TooDeep(_))));
    }

    proptest::proptest! {
        #[test]
        fn canonical_form_is_stable_and_equal_in_value(value in json_value()) {
            let compact = serde_json::to_string(&value).expect("json");
            let pretty = serde_json::to_string_pretty(&value).expect("json");
            let once = text(&pretty);
            proptest::prop_assert_eq!(&once, &text(&compact));
            proptest::prop_assert_eq!(&once, &text(&once));
            let back: serde_json::Value = serde_json::from_str(&once).expect("json");
            proptest::prop_assert_eq!(back, value);
        }
    }

    fn json_value() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
        use proptest::prelude::*;
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            any::<String>().prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|m| serde_json::Value::Object(m.into_iter().rev().collect())),
            ]
        })
    }
}
