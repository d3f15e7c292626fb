use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::layout::Layout;
use crate::domain::review::{Reference, ReviewRecord, Target, Verb, VerbError};
use crate::domain::{ContentHashError, TargetId};

/// What this version writes; lines of later ones are kept and skipped.
const VERSION: u32 = 1;

/// What stands between a line's body, which is what the checksum is of, and the checksum.
const MARK: &[u8] = b"\"checksum\":\"";
/// Mark, 16 hexadecimal digits, `"}`.
const TAIL: usize = MARK.len() + 16 + 2;

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    version: u32,
    sequence: u64,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    annotator: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    target: Option<LineTarget<'a>>,
    #[serde(borrow)]
    verb: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    payload: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    batch: Option<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
struct LineTarget<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    hash: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    step: Option<Cow<'a, str>>,
}

/// What even a line of another version is expected to have.
#[derive(Deserialize, Default)]
pub(super) struct Envelope {
    #[serde(default)]
    pub(super) version: Option<u32>,
    #[serde(default)]
    pub(super) sequence: Option<u64>,
    #[serde(default)]
    pub(super) id: Option<Uuid>,
}

impl Envelope {
    pub(super) fn of(line: &[u8]) -> Self {
        serde_json::from_slice(line).unwrap_or_default()
    }
}

/// Writes a record as a line with its end, and sets the record's checksum.
pub(super) fn write(record: &mut ReviewRecord, out: &mut Vec<u8>) -> Result<(), VerbError> {
    let fail = |error: serde_json::Error| VerbError {
        verb: record.verb.name().to_owned(),
        reason: error.to_string(),
    };
    let payload = record.verb.payload()?;
    let payload = payload
        .map(RawValue::from_string)
        .transpose()
        .map_err(fail)?;
    let target = record.target.as_ref().map(|target| LineTarget {
        id: Cow::Owned(target.reference.id.to_string()),
        hash: Cow::Owned(target.reference.hash.to_string()),
        step: target.step.map(|step| Cow::Owned(step.to_string())),
    });
    let line = Line {
        version: VERSION,
        sequence: record.sequence,
        id: Cow::Owned(record.id.to_string()),
        time: Cow::Owned(record.time.to_string()),
        annotator: Cow::Borrowed(&record.annotator),
        target,
        verb: Cow::Borrowed(record.verb.name()),
        payload: payload.as_deref(),
        batch: record.batch.map(|batch| Cow::Owned(batch.to_string())),
    };
    let start = out.len();
    serde_json::to_writer(&mut *out, &line).map_err(fail)?;
    out.pop();
    out.push(b',');
    let checksum = checksum_of(&out[start..]);
    out.extend_from_slice(MARK);
    out.extend_from_slice(format!("{checksum:016x}\"}}\n").as_bytes());
    record.checksum = checksum;
    Ok(())
}

fn checksum_of(body: &[u8]) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(body).as_bytes()[..8]);
    u64::from_be_bytes(first)
}

/// The checksum of a line (without its end), if it is right; else what is wrong.
pub(super) fn verify(line: &[u8]) -> Result<u64, &'static str> {
    let none = "a line without a checksum at its end";
    let (body, tail) = line
        .split_at_checked(line.len().wrapping_sub(TAIL))
        .ok_or(none)?;
    let digits = tail
        .strip_prefix(MARK)
        .and_then(|rest| rest.strip_suffix(b"\"}"))
        .ok_or(none)?;
    let digit = |sum: u64, byte: &u8| match byte {
        b'0'..=b'9' => Some(sum << 4 | u64::from(byte - b'0')),
        b'a'..=b'f' => Some(sum << 4 | u64::from(byte - b'a' + 10)),
        _ => None,
    };
    let written = digits.iter().try_fold(0, digit).ok_or(none)?;
    match checksum_of(body) == written {
        true => Ok(written),
        false => Err("the checksum does not fit the line"),
    }
}

/// What records share while many are read.
#[derive(Default)]
pub(super) struct Shared {
    annotators: Vec<Arc<str>>,
    references: HashSet<Arc<Reference>>,
    /// What the last record with a target was about, with its id and hash as they were written: the next one is often
    /// about the same.
    last: Option<(String, String, Arc<Reference>)>,
}

impl Shared {
    fn annotator(&mut self, name: &str) -> Arc<str> {
        match self.annotators.iter().find(|known| known.as_ref() == name) {
            Some(known) => Arc::clone(known),
            None => {
                let shared: Arc<str> = Arc::from(name);
                self.annotators.push(Arc::clone(&shared));
                shared
            }
        }
    }

    fn reference(&mut self, id: &str, hash: &str) -> Result<Arc<Reference>, ContentHashError> {
        if let Some((last_id, last_hash, last)) = &self.last
            && last_id == id
            && last_hash == hash
        {
            return Ok(Arc::clone(last));
        }
        let reference = Reference {
            id: TargetId::parse(id),
            hash: hash.parse()?,
        };
        let shared = match self.references.get(&reference) {
            Some(known) => Arc::clone(known),
            None => {
                let shared = Arc::new(reference);
                self.references.insert(Arc::clone(&shared));
                shared
            }
        };
        self.last = Some((id.to_owned(), hash.to_owned(), Arc::clone(&shared)));
        Ok(shared)
    }
}

/// Reads a line whose checksum is right; else says why it is not understood.
pub(super) fn read(
    line: &[u8],
    checksum: u64,
    shared: &mut Shared,
) -> Result<ReviewRecord, String> {
    let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    match read_layout(text, checksum, shared) {
        Some(record) => Ok(record),
        None => read_json(text, checksum, shared),
    }
}

/// The record of a line that stands as [`write`] writes it; `None` for any other, and for what has yet to be told to be
/// wrong.
pub(super) fn read_layout(text: &str, checksum: u64, shared: &mut Shared) -> Option<ReviewRecord> {
    let layout = Layout::of(text.get(..text.len().checked_sub(TAIL)?)?)?;
    let verb = Verb::read(layout.verb, layout.payload);
    // Nobody has checked that these payloads are JSON.
    let is_unread = matches!(
        verb,
        Verb::Tie | Verb::FirstWrongStep | Verb::RemoveStep | Verb::Fresh
    );
    if matches!(verb, Verb::Unknown(_)) || is_unread && layout.payload.is_some() {
        return None;
    }
    let target = match layout.target {
        Some(target) => Some(Target {
            reference: shared.reference(target.id, target.hash).ok()?,
            step: match target.step {
                Some(step) => Some(step.parse().ok()?),
                None => None,
            },
        }),
        None => None,
    };
    Some(ReviewRecord {
        sequence: layout.sequence,
        id: Uuid::try_parse(layout.id).ok()?,
        time: layout.time.parse().ok()?,
        annotator: shared.annotator(layout.annotator),
        target,
        verb,
        batch: match layout.batch {
            Some(batch) => Some(Uuid::try_parse(batch).ok()?),
            None => None,
        },
        checksum,
    })
}

/// The record of a line in whatever layout.
pub(super) fn read_json(
    text: &str,
    checksum: u64,
    shared: &mut Shared,
) -> Result<ReviewRecord, String> {
    fn part<T, E: std::fmt::Display>(name: &str, read: Result<T, E>) -> Result<T, String> {
        read.map_err(|error| format!("`{name}`: {error}"))
    }
    let later = |version| format!("a record of version {version}: a later retake wrote it");
    let line: Line<'_> = serde_json::from_str(text).map_err(|error| {
        let version = Envelope::of(text.as_bytes())
            .version
            .filter(|version| *version > VERSION);
        version.map_or_else(|| error.to_string(), later)
    })?;
    if line.version > VERSION {
        return Err(later(line.version));
    }
    let target = match line.target {
        Some(target) => {
            let step = target.step.map(|step| part("step", step.parse()));
            Some(Target {
                reference: part("hash", shared.reference(&target.id, &target.hash))?,
                step: step.transpose()?,
            })
        }
        None => None,
    };
    let batch = line
        .batch
        .map(|batch| part("batch", Uuid::try_parse(&batch)));
    Ok(ReviewRecord {
        sequence: line.sequence,
        id: part("id", Uuid::try_parse(&line.id))?,
        time: part("time", line.time.parse())?,
        annotator: shared.annotator(&line.annotator),
        target,
        verb: Verb::read(&line.verb, line.payload.map(RawValue::get)),
        batch: batch.transpose()?,
        checksum,
    })
}
