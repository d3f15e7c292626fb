use std::io::{self, Read};

use memchr::memchr;

use super::json_span::{problem, shown};
use super::window::Window;
use super::{Found, FoundRecord, Location, ScanLimits, ScanStart};

/// The records of JSON lines: each line that is not blank.
///
/// A line that is no JSON object is a problem, and the next line is read as if nothing had happened.
pub struct JsonLines<R> {
    window: Window<R>,
    limit: u64,
    number: u64,
    at_start: bool,
    done: bool,
}

impl<R: Read> JsonLines<R> {
    /// Over a reader that stands at `start`.
    pub fn new(reader: R, start: ScanStart, limits: &ScanLimits) -> Self {
        Self {
            window: Window::new(reader, start.offset, limits.chunk_bytes),
            limit: limits.record_bytes,
            number: start.number,
            at_start: start.offset == 0,
            done: false,
        }
    }

    fn step(&mut self) -> io::Result<Option<Found>> {
        if std::mem::take(&mut self.at_start) {
            if let Err(encoding) = self.window.skip_mark()? {
                self.done = true;
                let reason = format!("the file is {encoding} text: convert it to UTF-8 first");
                return Ok(Some(problem(None, 0, reason)));
            }
            if self.window.skip_space()?.is_none() {
                self.done = true;
                return Ok(Some(problem(None, 0, "the file is empty".to_owned())));
            }
        }
        let Some(first) = self.window.skip_space()? else {
            self.done = true;
            return Ok(None);
        };
        let offset = self.window.offset();
        let number = self.number;
        self.number += 1;
        let length = self.pass_line()?;
        if length > self.limit {
            let limit = self.limit;
            let reason = format!("the record has {length} bytes, more than the limit of {limit}");
            return Ok(Some(problem(Some(number), offset, reason)));
        }
        let mut bytes = self.window.take();
        if first != b'{' {
            let reason = format!(
                "the line is not a JSON object: it starts with {}",
                shown(first)
            );
            return Ok(Some(problem(Some(number), offset, reason)));
        }
        bytes.truncate(bytes.trim_ascii_end().len());
        Ok(Some(Found::Record(FoundRecord {
            number,
            location: Location::Span {
                offset,
                length: bytes.len() as u64,
            },
            key: None,
            bytes,
        })))
    }

    /// Passes over the rest of the line, held if it is not over the limit; how long it is without its end.
    fn pass_line(&mut self) -> io::Result<u64> {
        let offset = self.window.offset();
        self.window.hold();
        loop {
            let end = memchr(b'\n', self.window.rest());
            match end {
                Some(count) => self.window.advance(count),
                None => self.window.advance_all(),
            }
            let length = self.window.offset() - offset;
            if length > self.limit {
                self.window.release();
            }
            if end.is_some() || !self.window.fill()? {
                return Ok(length);
            }
        }
    }
}

impl<R: Read> Iterator for JsonLines<R> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        if self.done {
            return None;
        }
        self.step().unwrap_or_else(|error| {
            self.done = true;
            let reason = format!("the file could not be read further: {error}");
            Some(problem(None, self.window.offset(), reason))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], start: ScanStart, chunk_bytes: usize) -> Vec<String> {
        let limits = ScanLimits {
            record_bytes: 40,
            chunk_bytes,
            ..ScanLimits::default()
        };
        let reader = &text[start.offset as usize..];
        JsonLines::new(reader, start, &limits)
            .map(|found| match found {
                Found::Record(record) => {
                    let Location::Span { offset, length } = record.location else {
                        panic!("not a span")
                    };
                    assert_eq!(
                        record.bytes,
                        text[offset as usize..(offset + length) as usize]
                    );
                    format!(
                        "{} {}",
                        record.number,
                        String::from_utf8_lossy(&record.bytes)
                    )
                }
                Found::Problem(problem) => {
                    format!(
                        "{:?}@{:?} {}",
                        problem.record, problem.offset, problem.reason
                    )
                }
            })
            .collect()
    }

    #[test]
    fn a_bad_line_costs_only_itself() {
        let long = format!("{{\"c\":\"{}\"}}", "x".repeat(100));
        let text = format!("\u{feff}{{\"a\":1}} \r\n\n\0\0\n[2]\n{long}\n  {{\"b\":2}}");
        for chunk in 1..=64 {
            assert_eq!(
                read(text.as_bytes(), ScanStart::default(), chunk),
                [
                    "0 {\"a\":1}",
                    "Some(1)@Some(14) the line is not a JSON object: it starts with byte 0x00",
                    "Some(2)@Some(17) the line is not a JSON object: it starts with `[`",
                    "Some(3)@Some(21) the record has 108 bytes, more than the limit of 40",
                    "4 {\"b\":2}",
                ]
            );
        }
    }

    #[test]
    fn a_scan_goes_on_where_lines_were_appended() {
        let text = b"{\"a\":1}\n{\"b\":2}\n";
        let start = ScanStart {
            offset: 7,
            number: 1,
        };
        assert_eq!(read(text, start, 4), ["1 {\"b\":2}"]);
        let end = ScanStart {
            offset: 16,
            number: 2,
        };
        assert_eq!(read(text, end, 4), [""; 0]);
    }

    #[test]
    fn nothing_and_other_encodings_are_told() {
        assert_eq!(
            read(b"\n ", ScanStart::default(), 4),
            ["None@Some(0) the file is empty"]
        );
        assert_eq!(
            read(b"\xFE\xFF\0{", ScanStart::default(), 4),
            ["None@Some(0) the file is UTF-16BE text: convert it to UTF-8 first"]
        );
    }
}
