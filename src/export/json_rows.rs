use std::io::{self, Write};

use super::json_text::one_line;

/// Rows as one JSON array, or a row a line.
pub(super) struct JsonRows<W> {
    out: W,
    is_array: bool,
    count: u64,
}

impl<W: Write> JsonRows<W> {
    pub fn new(out: W, is_array: bool) -> Self {
        Self {
            out,
            is_array,
            count: 0,
        }
    }

    pub fn put(&mut self, row: &str) -> io::Result<()> {
        self.count += 1;
        if self.is_array {
            let before = if self.count == 1 { "[\n" } else { ",\n" };
            self.out.write_all(before.as_bytes())?;
            self.out.write_all(row.trim().as_bytes())
        } else {
            self.out.write_all(one_line(row.trim()).as_bytes())?;
            self.out.write_all(b"\n")
        }
    }

    pub fn finish(mut self) -> io::Result<()> {
        match (self.is_array, self.count) {
            (false, _) => {}
            (true, 0) => self.out.write_all(b"[]\n")?,
            (true, _) => self.out.write_all(b"\n]\n")?,
        }
        self.out.flush()
    }
}
