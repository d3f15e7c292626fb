use std::io::{self, Read};

use super::value_end::ValueEnd;
use super::window::Window;
use super::{Found, FoundRecord, Location, Problem, ScanLimits};
use crate::ingest::Layout;

/// The records of one JSON value, found without parsing it: an array's elements, an object's members, or the whole.
///
/// Reads forward, holds one record and one chunk, and ends after the first place at which the structure is broken; a
/// record over the limit is passed over. Whether a record is valid JSON and UTF-8 is for its parser to say.
pub struct JsonSpans<R> {
    window: Window<R>,
    layout: Layout,
    limit: u64,
    state: State,
    /// The bracket that closes the top value.
    close: u8,
    number: u64,
    key: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the top value.
    Top,
    /// After its opening bracket.
    First,
    /// After a record.
    AfterRecord,
    /// After a comma.
    AfterComma,
    /// After the top value.
    Rest,
    Done,
}

/// What became of a value.
enum Passed {
    Whole(Location, Vec<u8>),
    TooBig(u64),
    /// The file ended inside it.
    Cut,
    /// No value starts like this.
    Not(u8),
}

impl<R: Read> JsonSpans<R> {
    /// Over a reader that stands at the start of its file.
    pub fn new(reader: R, layout: Layout, limits: &ScanLimits) -> Self {
        Self {
            window: Window::new(reader, 0, limits.chunk_bytes),
            layout,
            limit: limits.record_bytes,
            state: State::Top,
            close: b']',
            number: 0,
            key: None,
        }
    }

    /// The key of the member that was last handed out, whole or as a problem.
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    fn step(&mut self) -> io::Result<Option<Found>> {
        loop {
            match self.state {
                State::Top => {
                    if let Some(found) = self.top()? {
                        return Ok(Some(found));
                    }
                }
                State::First | State::AfterRecord | State::AfterComma => {
                    if let Some(found) = self.item()? {
                        return Ok(Some(found));
                    }
                }
                State::Rest => {
                    let more = self.window.skip_space()?;
                    self.state = State::Done;
                    if let Some(byte) = more {
                        let reason = format!(
                            "text after the end of the JSON value: {}; it was not read",
                            shown(byte)
                        );
                        return Ok(Some(self.end(None, self.window.offset(), reason)));
                    }
                }
                State::Done => return Ok(None),
            }
        }
    }

    fn top(&mut self) -> io::Result<Option<Found>> {
        if let Err(encoding) = self.window.skip_mark()? {
            let reason = format!("the file is {encoding} text: convert it to UTF-8 first");
            return Ok(Some(self.end(None, 0, reason)));
        }
        let first = self.window.skip_space()?;
        let offset = self.window.offset();
        self.close = match (first, self.layout) {
            (None, _) => return Ok(Some(self.end(None, 0, "the file is empty".to_owned()))),
            (Some(b'[' | b'{'), Layout::Whole) | (Some(b'{'), Layout::Elements) => {
                return self.record(offset, State::Rest).map(Some);
            }
            (Some(b'['), Layout::Elements) => b']',
            (Some(b'{'), Layout::Members) => b'}',
            (Some(b'['), Layout::Members) => {
                let reason = "the file holds an array, not an object of records".to_owned();
                return Ok(Some(self.end(None, offset, reason)));
            }
            (Some(byte), _) => {
                let reason = format!("expected `[` or `{{`, found {}", shown(byte));
                return Ok(Some(self.end(None, offset, reason)));
            }
        };
        self.window.advance(1);
        self.state = State::First;
        Ok(None)
    }

    /// What stands inside the top brackets: a separator, the end, or a record.
    fn item(&mut self) -> io::Result<Option<Found>> {
        self.key = None;
        let next = self.window.skip_space()?;
        let offset = self.window.offset();
        let Some(byte) = next else {
            let number = self.number;
            let reason = format!(
                "the file ends before the closing `{}`: it is cut after {number} whole records",
                char::from(self.close)
            );
            return Ok(Some(self.end(None, offset, reason)));
        };
        match (self.state, byte) {
            (State::First | State::AfterRecord, byte) if byte == self.close => {
                self.window.advance(1);
                self.state = State::Rest;
                Ok(None)
            }
            (State::AfterRecord, b',') => {
                self.window.advance(1);
                self.state = State::AfterComma;
                Ok(None)
            }
            (State::AfterRecord, byte) => {
                let close = char::from(self.close);
                let reason = format!("expected `,` or `{close}`, found {}", shown(byte));
                Ok(Some(self.end(None, offset, reason)))
            }
            _ if self.close == b'}' => self.member(offset, byte).map(Some),
            _ => self.record(offset, State::AfterRecord).map(Some),
        }
    }

    /// A key, a colon and a record.
    fn member(&mut self, offset: u64, first: u8) -> io::Result<Found> {
        if first != b'"' {
            let reason = format!("expected a key in quotes, found {}", shown(first));
            return Ok(self.end(Some(self.number), offset, reason));
        }
        let key = match self.value()? {
            Passed::Whole(_, text) => serde_json::from_slice::<String>(&text)
                .map_err(|error| format!("its key cannot be read: {error}")),
            Passed::TooBig(length) => Err(self.too_big("its key", length)),
            Passed::Cut | Passed::Not(_) => return Ok(self.cut(offset)),
        };
        match self.window.skip_space()? {
            Some(b':') => self.window.advance(1),
            None => return Ok(self.cut(offset)),
            Some(byte) => {
                let reason = format!("expected `:` after a key, found {}", shown(byte));
                return Ok(self.end(Some(self.number), self.window.offset(), reason));
            }
        }
        if self.window.skip_space()?.is_none() {
            return Ok(self.cut(offset));
        }
        match key {
            Ok(key) => {
                self.key = Some(key);
                self.record(offset, State::AfterRecord)
            }
            Err(reason) => match self.record(offset, State::AfterRecord)? {
                Found::Record(record) => Ok(problem(Some(record.number), offset, reason)),
                other => Ok(other),
            },
        }
    }

    /// The value that starts here, as a record; `start` is where the record starts with its key.
    fn record(&mut self, start: u64, after: State) -> io::Result<Found> {
        let offset = self.window.offset();
        let passed = self.value()?;
        let number = self.number;
        match passed {
            Passed::Whole(location, bytes) => {
                self.number += 1;
                self.state = after;
                Ok(Found::Record(FoundRecord {
                    number,
                    location,
                    key: self.key.clone(),
                    bytes,
                }))
            }
            Passed::TooBig(length) => {
                self.number += 1;
                self.state = after;
                Ok(problem(
                    Some(number),
                    offset,
                    self.too_big("the record", length),
                ))
            }
            Passed::Cut => Ok(self.cut(start)),
            Passed::Not(byte) => {
                let reason = format!("expected a JSON value, found {}", shown(byte));
                Ok(self.end(Some(number), offset, reason))
            }
        }
    }

    fn value(&mut self) -> io::Result<Passed> {
        let Some(&first) = self.window.rest().first() else {
            return Ok(Passed::Cut);
        };
        let Some(mut end) = ValueEnd::starting_with(first) else {
            return Ok(Passed::Not(first));
        };
        let offset = self.window.offset();
        self.window.hold();
        loop {
            let passed = end.advance(self.window.rest());
            match passed {
                Some(count) => self.window.advance(count),
                None => self.window.advance_all(),
            }
            let length = self.window.offset() - offset;
            if length > self.limit {
                self.window.release();
            }
            if passed.is_some() {
                return Ok(if length > self.limit {
                    Passed::TooBig(length)
                } else {
                    Passed::Whole(Location::Span { offset, length }, self.window.take())
                });
            }
            if !self.window.fill()? {
                self.window.release();
                return Ok(Passed::Cut);
            }
        }
    }

    fn too_big(&self, what: &str, length: u64) -> String {
        format!(
            "{what} has {length} bytes, more than the limit of {}",
            self.limit
        )
    }

    fn cut(&mut self, start: u64) -> Found {
        let reason = format!(
            "the file ends at byte {} inside this record: it is cut",
            self.window.offset()
        );
        self.end(Some(self.number), start, reason)
    }

    /// A problem after which nothing more can be found.
    fn end(&mut self, record: Option<u64>, offset: u64, reason: String) -> Found {
        self.state = State::Done;
        problem(record, offset, reason)
    }
}

impl<R: Read> Iterator for JsonSpans<R> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        self.step().unwrap_or_else(|error| {
            let reason = format!("the file could not be read further: {error}");
            Some(self.end(None, self.window.offset(), reason))
        })
    }
}

pub(super) fn problem(record: Option<u64>, offset: u64, reason: String) -> Found {
    Found::Problem(Problem {
        record,
        offset: Some(offset),
        reason,
    })
}

/// A byte, for a person.
pub(super) fn shown(byte: u8) -> String {
    if byte.is_ascii_graphic() {
        format!("`{}`", char::from(byte))
    } else {
        format!("byte 0x{byte:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(record_bytes: u64, chunk_bytes: usize) -> ScanLimits {
        ScanLimits {
            record_bytes,
            chunk_bytes,
            ..ScanLimits::default()
        }
    }

    fn scan(text: &[u8], layout: Layout) -> Vec<Found> {
        JsonSpans::new(text, layout, &limits(1 << 20, 1 << 10)).collect()
    }

    /// The records' texts, checked against their spans, and the problems.
    fn parted(text: &[u8], found: Vec<Found>) -> (Vec<String>, Vec<Problem>) {
        let mut records = Vec::new();
        let mut problems = Vec::new();
        for found in found {
            match found {
                Found::Record(record) => {
                    let Location::Span { offset, length } = record.location else {
                        panic!("not a span")
                    };
                    let span = &text[offset as usize..(offset + length) as usize];
                    assert_eq!(record.bytes, span);
                    records.push(String::from_utf8_lossy(span).into_owned());
                }
                Found::Problem(problem) => problems.push(problem),
            }
        }
        (records, problems)
    }

    fn only_problem(text: &[u8], layout: Layout) -> (usize, Problem) {
        let (records, mut problems) = parted(text, scan(text, layout));
        assert_eq!(problems.len(), 1, "{problems:?}");
        (records.len(), problems.remove(0))
    }

    #[test]
    fn elements_of_every_type() {
        let text = br#" [1, "a]\\\"," , null,[{}],{"b":"}"} ,-2e3] "#;
        let (records, problems) = parted(text, scan(text, Layout::Elements));
        assert_eq!(problems, []);
        assert_eq!(
            records,
            ["1", r#""a]\\\",""#, "null", "[{}]", r#"{"b":"}"}"#, "-2e3"]
        );
    }

    #[test]
    fn members_carry_their_keys() {
        let text = br#"{"a\u00e9" : {"x":1}, "b":[2] }"#;
        let found = scan(text, Layout::Members);
        let keys: Vec<_> = found
            .iter()
            .map(|found| match found {
                Found::Record(record) => (record.number, record.key.as_deref()),
                Found::Problem(problem) => panic!("{problem:?}"),
            })
            .collect();
        assert_eq!(keys, [(0, Some("aé")), (1, Some("b"))]);
        assert_eq!(parted(text, found).0, [r#"{"x":1}"#, "[2]"]);
    }

    #[test]
    fn a_bad_key_costs_only_its_member() {
        let text = b"{\"\xff\":1,\"b\":2}";
        let (records, problems) = parted(text, scan(text, Layout::Members));
        assert_eq!(records, ["2"]);
        assert_eq!((problems[0].record, problems[0].offset), (Some(0), Some(1)));
    }

    #[test]
    fn one_object_is_one_element_or_the_whole() {
        let text = b"\xEF\xBB\xBF {\"a\":1}\n";
        for layout in [Layout::Elements, Layout::Whole] {
            assert_eq!(
                parted(text, scan(text, layout)),
                (vec!["{\"a\":1}".to_owned()], vec![])
            );
        }
        assert_eq!(parted(b"[1,2]", scan(b"[1,2]", Layout::Whole)).0, ["[1,2]"]);
    }

    #[test]
    fn what_is_no_list_of_records_is_one_problem() {
        let cases: &[(&[u8], Layout, usize, u64, &str)] = &[
            (b"", Layout::Elements, 0, 0, "empty"),
            (b" \n ", Layout::Whole, 0, 0, "empty"),
            (b"\xFF\xFE[\0]\0", Layout::Elements, 0, 0, "UTF-16LE"),
            (b"\0[\0]", Layout::Elements, 0, 0, "UTF-16BE"),
            (b"\xFF\xFE\0\0[\0\0\0", Layout::Elements, 0, 0, "UTF-32LE"),
            (b"hello", Layout::Elements, 0, 0, "`h`"),
            (b"[1,2] x", Layout::Elements, 2, 6, "after the end"),
            (b"[1,2]\0", Layout::Elements, 2, 5, "0x00"),
            (b"[1 2]", Layout::Elements, 1, 3, "expected `,`"),
            (b"[1,,2]", Layout::Elements, 1, 3, "expected a JSON value"),
            (b"[1,]", Layout::Elements, 1, 3, "expected a JSON value"),
            (b"[1}", Layout::Elements, 1, 2, "expected `,`"),
            (b"[1]", Layout::Members, 0, 0, "array"),
            (b"{a:1}", Layout::Members, 0, 1, "key"),
            (b"{\"a\" 1}", Layout::Members, 0, 5, "expected `:`"),
            (b"{\"a\":1", Layout::Whole, 0, 0, "cut"),
            (b"{\"a\":1,\"b\":[", Layout::Members, 1, 7, "cut"),
            (b"{\"a\":1,\"b\":", Layout::Members, 1, 7, "cut"),
        ];
        for (text, layout, records, offset, reason) in cases {
            let (found, problem) = only_problem(text, *layout);
            assert_eq!(
                (found, problem.offset),
                (*records, Some(*offset)),
                "{problem:?}"
            );
            assert!(problem.reason.contains(reason), "{problem:?}");
        }
    }

    #[test]
    fn a_record_over_the_limit_is_passed_over() {
        let text = format!("[{{\"a\":1}},\"{}\",2]", "x".repeat(5000));
        for chunk in [1, 7, 64, 1 << 20] {
            let spans = JsonSpans::new(text.as_bytes(), Layout::Elements, &limits(100, chunk));
            let (records, problems) = parted(text.as_bytes(), spans.collect());
            assert_eq!(records, ["{\"a\":1}", "2"]);
            assert_eq!((problems[0].record, problems[0].offset), (Some(1), Some(9)));
            assert!(problems[0].reason.contains("5002 bytes"), "{problems:?}");
        }
    }

    #[test]
    fn nesting_may_be_deep() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let text = format!("[{deep},1]");
        let (records, problems) = parted(text.as_bytes(), scan(text.as_bytes(), Layout::Elements));
        assert_eq!((records.len(), problems.len()), (2, 0));
    }

    #[test]
    fn an_array_cut_at_any_byte_keeps_its_whole_records() {
        let text = br#"[ {"a": "x\\\"]"}, [1, {"b": null}] ,"s\"", 12,true , {"k":{}} ]"#;
        let (whole, _) = parted(text, scan(text, Layout::Elements));
        let ends: Vec<_> = scan(text, Layout::Elements)
            .iter()
            .map(|found| match found {
                Found::Record(FoundRecord {
                    location: Location::Span { offset, length },
                    bytes,
                    ..
                }) => {
                    // A word is known to be whole only when something follows it.
                    let is_word = !matches!(bytes[0], b'{' | b'[' | b'"');
                    (offset + length) as usize + usize::from(is_word)
                }
                other => panic!("{other:?}"),
            })
            .collect();
        for cut in 0..text.len() {
            let expected = ends.iter().filter(|end| **end <= cut).count();
            let (records, problems) = parted(text, scan(&text[..cut], Layout::Elements));
            assert_eq!(records, whole[..expected], "cut at {cut}");
            assert_eq!(problems.len(), 1, "cut at {cut}: {problems:?}");
        }
    }
}
