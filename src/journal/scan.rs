use uuid::Uuid;

use super::NoticeKind;
use super::line::{self, Envelope, Shared};
use crate::domain::review::ReviewRecord;

/// What stands in a run of lines.
#[derive(Default)]
pub(super) struct Scanned {
    /// The records of the lines that are understood.
    pub(super) records: Vec<ReviewRecord>,
    /// How many good lines are not, and their numbers.
    pub(super) others: u64,
    pub(super) other_sequences: Vec<u64>,
    /// What is to be said of a line: its number from 0 in the run, its offset in the run, and what.
    pub(super) notices: Vec<(u64, u64, NoticeKind)>,
    /// How many line ends there are.
    pub(super) lines: u64,
    /// The last good line.
    pub(super) last: Option<GoodLine>,
}

/// Where a good line is in a run of lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct GoodLine {
    pub(super) start: usize,
    /// Behind its last byte, the line's end not included.
    pub(super) end: usize,
    /// Behind its end, if it has one.
    pub(super) next: usize,
    /// The number of lines up to it, itself included.
    pub(super) lines: u64,
    pub(super) checksum: u64,
}

/// The lines of some bytes, each with its start and whether it has an end; `\r\n` ends a line, too.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8], bool)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let end = memchr::memchr(b'\n', rest);
        let line = &rest[..end.unwrap_or(rest.len())];
        let start = at;
        at += line.len() + 1;
        Some((
            start,
            line.strip_suffix(b"\r").unwrap_or(line),
            end.is_some(),
        ))
    })
}

/// Reads the lines of some bytes, which begin with the beginning of a line.
pub(super) fn scan(bytes: &[u8], shared: &mut Shared) -> Scanned {
    let mut scanned = Scanned::default();
    // Shorter lines are rare: what is reserved is mostly used.
    scanned.records.reserve(bytes.len() / 300);
    for (start, text, is_ended) in lines(bytes) {
        let number = scanned.lines;
        scanned.lines += u64::from(is_ended);
        if text.is_empty() {
            continue;
        }
        let mut notice = |kind| scanned.notices.push((number, start as u64, kind));
        match line::verify(text) {
            Ok(checksum) => {
                match line::read(text, checksum, shared) {
                    Ok(record) => scanned.records.push(record),
                    Err(reason) => {
                        notice(NoticeKind::NotUnderstood(reason));
                        scanned.others += 1;
                        scanned.other_sequences.extend(Envelope::of(text).sequence);
                    }
                }
                let end = start + text.len();
                scanned.last = Some(GoodLine {
                    start,
                    end,
                    next: if is_ended { after_end(bytes, end) } else { end },
                    lines: number + 1,
                    checksum,
                });
            }
            Err(_) if !is_ended => notice(NoticeKind::Torn),
            Err(reason) => notice(NoticeKind::BadLine(reason)),
        }
    }
    scanned
}

fn after_end(bytes: &[u8], end: usize) -> usize {
    end + 1 + usize::from(bytes.get(end) == Some(&b'\r'))
}

/// What tells a good line from others: its id, if it has one, and its checksum.
pub(super) type LineKey = (Option<Uuid>, u64);

/// The good lines of some bytes with what tells them apart.
pub(super) fn good_lines(bytes: &[u8]) -> impl Iterator<Item = (LineKey, &[u8])> {
    lines(bytes).filter_map(|(_, text, _)| {
        let checksum = line::verify(text).ok()?;
        Some(((Envelope::of(text).id, checksum), text))
    })
}
