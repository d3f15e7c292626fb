//! The layout that a line is written in, read without a JSON parser: opening a journal is mostly reading lines.
//!
//! A line that stands in any other way is not wrong: it is read as JSON then.

/// The parts of a line, as they stand in it.
pub(super) struct Layout<'a> {
    pub(super) sequence: u64,
    pub(super) id: &'a str,
    pub(super) time: &'a str,
    pub(super) annotator: &'a str,
    pub(super) target: Option<TargetLayout<'a>>,
    pub(super) verb: &'a str,
    /// JSON text, which nobody has looked at yet.
    pub(super) payload: Option<&'a str>,
    pub(super) batch: Option<&'a str>,
}

/// The parts of a line's target.
pub(super) struct TargetLayout<'a> {
    pub(super) id: &'a str,
    pub(super) hash: &'a str,
    pub(super) step: Option<&'a str>,
}

/// `,"batch":"`, the 36 characters of a UUID, `"`.
const BATCH: usize = 10 + 36 + 1;

impl<'a> Layout<'a> {
    /// The parts of a line up to its checksum, the comma before that included; `None` if it has another layout.
    pub(super) fn of(body: &'a str) -> Option<Self> {
        let mut rest = Rest(body);
        rest.skip("{\"version\":1,\"sequence\":")?;
        let sequence = rest.number()?;
        rest.skip(",\"id\":\"")?;
        let id = rest.string()?;
        rest.skip(",\"time\":\"")?;
        let time = rest.string()?;
        rest.skip(",\"annotator\":\"")?;
        let annotator = rest.string()?;
        let target = match rest.skip(",\"target\":{\"id\":\"") {
            Some(()) => Some(rest.target()?),
            None => None,
        };
        rest.skip(",\"verb\":\"")?;
        let verb = rest.string()?;
        let rest = rest.0.strip_suffix(',')?;
        // A payload is an object, and a string can't hold what a batch opens with: its quotes would be escaped.
        let (rest, batch) = match rest.ends_with('"') {
            true => {
                let at = rest.len().checked_sub(BATCH)?;
                let batch = rest.get(at..)?.strip_prefix(",\"batch\":\"")?;
                (rest.get(..at)?, Some(batch.strip_suffix('"')?))
            }
            false => (rest, None),
        };
        let payload = match rest.is_empty() {
            true => None,
            false => Some(rest.strip_prefix(",\"payload\":")?),
        };
        Some(Self {
            sequence,
            id,
            time,
            annotator,
            target,
            verb,
            payload,
            batch,
        })
    }
}

/// What of a line is not read yet.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn skip(&mut self, expected: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    /// A string whose first quote is read already; none with an escape.
    fn string(&mut self) -> Option<&'a str> {
        let end = memchr::memchr(b'"', self.0.as_bytes())?;
        let (text, rest) = self.0.split_at_checked(end)?;
        // Without an early end, which would cost more than the rest of so short a text.
        let special = |found: bool, byte: u8| found | (byte == b'\\') | (byte < b' ');
        if text.bytes().fold(false, special) {
            return None;
        }
        self.0 = rest.strip_prefix('"')?;
        Some(text)
    }

    fn number(&mut self) -> Option<u64> {
        let end = self.0.bytes().position(|byte| !byte.is_ascii_digit())?;
        let (digits, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        let number = digits.parse().ok()?;
        (digits == "0" || !digits.starts_with('0')).then_some(number)
    }

    fn target(&mut self) -> Option<TargetLayout<'a>> {
        let id = self.string()?;
        self.skip(",\"hash\":\"")?;
        let hash = self.string()?;
        let step = match self.skip(",\"step\":\"") {
            Some(()) => Some(self.string()?),
            None => None,
        };
        self.skip("}")?;
        Some(TargetLayout { id, hash, step })
    }
}
