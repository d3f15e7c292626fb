/// Reads server-sent events: bytes in, the data of whole events out. Pure.
#[derive(Debug, Default)]
pub(super) struct EventStream {
    /// Bytes of a line that is not whole yet.
    line: Vec<u8>,
    /// Data of an event that is not whole yet.
    data: Option<String>,
}

/// Bytes of a line, and of an event, at most.
const MOST: usize = 16 << 20;

impl EventStream {
    /// The data of the events that these bytes complete. `Err` says why the bytes are no events.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>, String> {
        let mut events = Vec::new();
        for byte in bytes {
            if *byte != b'\n' {
                self.line.push(*byte);
                if self.line.len() > MOST {
                    return Err("a line of its events has no end".to_owned());
                }
                continue;
            }
            let mut line = std::mem::take(&mut self.line);
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            let line =
                String::from_utf8(line).map_err(|_| "its events are not UTF-8".to_owned())?;
            self.line_ended(&line, &mut events)?;
        }
        Ok(events)
    }

    /// The data of an event that the end of the stream completes.
    pub fn finish(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.line);
        if let Ok(line) = String::from_utf8(line) {
            // What is wrong with the last line shows in what is missing.
            let _ = self.line_ended(line.trim_end_matches('\r'), &mut Vec::new());
        }
        self.data.take()
    }

    fn line_ended(&mut self, line: &str, events: &mut Vec<String>) -> Result<(), String> {
        if line.is_empty() {
            events.extend(self.data.take());
            return Ok(());
        }
        let Some(data) = line.strip_prefix("data:") else {
            // Comments, names and numbers of events.
            return Ok(());
        };
        let data = data.strip_prefix(' ').unwrap_or(data);
        match &mut self.data {
            Some(earlier) => {
                earlier.push('\n');
                earlier.push_str(data);
                if earlier.len() > MOST {
                    return Err("one of its events has no end".to_owned());
                }
            }
            None => self.data = Some(data.to_owned()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": hello\n\ndata: {\"a\":1}\n\nevent: x\r\ndata:two\r\ndata: lines é\r\n\r\nid: 4\n\ndata: [DONE]\n\n";

    #[test]
    fn events_are_told_however_they_are_cut() {
        let whole = EventStream::default().push(STREAM.as_bytes()).unwrap();
        assert_eq!(whole, ["{\"a\":1}", "two\nlines é", "[DONE]"]);
        for size in 1..STREAM.len() {
            let mut stream = EventStream::default();
            let pieces = STREAM.as_bytes().chunks(size);
            let events: Vec<String> = pieces.flat_map(|p| stream.push(p).unwrap()).collect();
            assert_eq!(events, whole, "{size}");
            assert_eq!(stream.finish(), None);
        }
    }

    #[test]
    fn the_end_completes_the_last_event() {
        let mut stream = EventStream::default();
        assert!(stream.push(b"data: x").unwrap().is_empty());
        assert_eq!(stream.finish().as_deref(), Some("x"));
        assert!(EventStream::default().push(b"data: \xff\n").is_err());
    }

    proptest::proptest! {
        #[test]
        fn whatever_the_bytes_no_panic(bytes: Vec<u8>) {
            let mut stream = EventStream::default();
            let _ = stream.push(&bytes);
            stream.finish();
        }
    }
}
