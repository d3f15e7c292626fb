use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::{Builder, Uuid};

use super::line;
use super::machine::{Machine, ThisMachine};
use super::scan::good_lines;
use super::tail::{Tail, cut};
use super::union::{open_locked, unite};
use super::{JournalError, JournalName, Notice, NoticeKind, WriterId};
use crate::domain::review::{Draft, ReviewRecord, Timestamp};

/// An annotator's own journal, open for writing. The file is locked for each commit only: several processes may write it.
pub struct Journal {
    path: PathBuf,
    annotator: Arc<str>,
    machine: Box<dyn Machine>,
    tail: Tail,
    /// Whether the file is known to be there.
    exists: bool,
    /// Ids of new records are above it.
    floor: Option<Uuid>,
    waiting: Vec<Waiting>,
    /// The lines that this process had acknowledged: with them a lost file is made up for.
    written: Vec<u8>,
    notices: Vec<Notice>,
}

/// The drafts of one call, which are one batch.
#[derive(Clone)]
struct Waiting {
    drafts: Vec<Draft>,
    /// Ids of an attempt to write them that failed; what of it can't be taken back is not written twice.
    attempted: Vec<Uuid>,
}

impl Journal {
    /// Opens `<folder>/<annotator>@<writer>.jsonl`; the first commit makes it if it is not there.
    ///
    /// A torn or corrupt end is cut off, and kept beside it: [`Self::take_notices`] says so. If that can't be done, the
    /// next commit tries it again.
    pub fn open(folder: &Path, annotator: &str, writer: WriterId) -> Result<Self, JournalError> {
        Self::open_on(folder, annotator, writer, Box::new(ThisMachine))
    }

    pub(super) fn open_on(
        folder: &Path,
        annotator: &str,
        writer: WriterId,
        machine: Box<dyn Machine>,
    ) -> Result<Self, JournalError> {
        if annotator.is_empty() {
            return Err(JournalError::NoAnnotator);
        }
        let name = JournalName {
            annotator: annotator.to_owned(),
            writer,
        };
        let path = folder.join(name.to_string());
        let mut journal = Self {
            path,
            annotator: Arc::from(annotator),
            machine,
            tail: Tail::default(),
            exists: false,
            floor: None,
            waiting: Vec::new(),
            written: Vec::new(),
            notices: Vec::new(),
        };
        journal.look()?;
        Ok(journal)
    }

    /// Reads the end of the file as it is now, and cuts what is not good.
    fn look(&mut self) -> Result<(), JournalError> {
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(JournalError::read(&self.path))?,
        };
        let fail = JournalError::read(&self.path);
        let length = file.metadata().and_then(|meta| {
            self.tail = Tail::find(&mut file, meta.len())?;
            Ok(meta.len())
        });
        let length = length.map_err(fail)?;
        self.exists = true;
        if length > self.tail.end {
            // Perhaps another process is writing the line: under the lock it is whole, or torn for good.
            let end = self.tail.end;
            let repaired =
                open_locked(&self.path, false).and_then(|mut file| self.follow(&mut file));
            match repaired {
                Ok(_) => {}
                Err(error) => {
                    self.tail.end = end;
                    self.note(NoticeKind::NotCut(error.to_string()));
                }
            }
        }
        Ok(())
    }

    fn note(&mut self, kind: NoticeKind) {
        self.notices.push(Notice {
            file: self.path.clone(),
            at: None,
            kind,
        });
    }

    /// Of a locked file: reads what other processes appended, and cuts what is not good.
    fn follow(&mut self, file: &mut File) -> io::Result<Vec<ReviewRecord>> {
        let length = file.metadata()?.len();
        let records = self.tail.follow(file, length)?;
        if length > self.tail.end {
            let range = self.tail.end..length;
            let notice = cut(file, &self.path, range, &mut *self.machine)?;
            self.notices.push(notice);
        }
        Ok(records)
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who writes it.
    pub fn annotator(&self) -> &str {
        &self.annotator
    }

    /// Lets new records come after this one, wherever it was written: what was seen is older than what is decided on it.
    pub fn keep_after(&mut self, id: Uuid) {
        self.floor = self.floor.max(Some(id));
    }

    /// Drafts that could not be written yet, oldest first.
    pub fn pending(&self) -> impl Iterator<Item = &Draft> {
        self.waiting.iter().flat_map(|waiting| &waiting.drafts)
    }

    /// Gives up what could not be written yet.
    pub fn discard_pending(&mut self) {
        self.waiting.clear();
    }

    /// What people should know of the file; each is told once.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Commits drafts as one batch, after those that still wait. When it returns, what it returns is on the disk: the
    /// records of all drafts that were committed now.
    ///
    /// On an error nothing is written, and the drafts wait for the next call or for [`Self::retry`].
    pub fn append(&mut self, drafts: &[Draft]) -> Result<Vec<ReviewRecord>, JournalError> {
        if !drafts.is_empty() {
            self.waiting.push(Waiting {
                drafts: drafts.to_vec(),
                attempted: Vec::new(),
            });
        }
        if self.waiting.is_empty() {
            return Ok(Vec::new());
        }
        self.commit()
    }

    /// Commits what waits.
    pub fn retry(&mut self) -> Result<Vec<ReviewRecord>, JournalError> {
        self.append(&[])
    }

    /// After [`JournalError::Vanished`]: takes the file as it is now, or a new one, adds what this process had written
    /// and the file lacks, and commits what waits. What others had written to a lost file is not made up for: readers
    /// see the gap.
    pub fn recover(&mut self) -> Result<Vec<ReviewRecord>, JournalError> {
        let lines: Vec<_> = good_lines(&self.written)
            .map(|(key, line)| (key, line.to_vec()))
            .collect();
        let united = unite(&self.path, &lines, &mut *self.machine)?;
        self.notices.extend(united.notices);
        let known = (self.tail.last_id, self.tail.sequence);
        self.look()?;
        self.tail.last_id = self.tail.last_id.max(known.0);
        self.tail.sequence = self.tail.sequence.max(known.1);
        self.retry()
    }

    fn not_written(&self) -> impl FnOnce(io::Error) -> JournalError {
        let (path, waiting) = (self.path.clone(), self.pending().count());
        move |source| JournalError::NotWritten {
            path,
            waiting,
            source,
        }
    }

    fn vanished(&self, what: &'static str) -> JournalError {
        JournalError::Vanished {
            path: self.path.clone(),
            what,
            waiting: self.pending().count(),
        }
    }

    fn commit(&mut self) -> Result<Vec<ReviewRecord>, JournalError> {
        let mut file = match open_locked(&self.path, !self.exists) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.exists => {
                return Err(self.vanished("deleted"));
            }
            opened => opened.map_err(self.not_written())?,
        };
        let length = file.metadata().map(|meta| meta.len());
        let length = length.map_err(self.not_written())?;
        // A file that was replaced by one that goes on from what is known, as git does, is as good.
        if !self
            .tail
            .is_in(&mut file, length)
            .map_err(self.not_written())?
        {
            return Err(self.vanished("replaced by another file"));
        }
        self.exists = true;
        let others = self.follow(&mut file).map_err(self.not_written())?;
        let mut committed = self.settle(others);
        let (mut records, mut lines) = self.lines()?;
        if records.is_empty() {
            return Ok(committed);
        }
        let start = self.tail.end;
        if !self.tail.is_ended {
            lines.insert(0, b'\n');
        }
        let written = self.machine.append(&file, &lines);
        if let Err(source) = written.and_then(|()| self.machine.sync(&file)) {
            // If this fails, too, the next commit finds which of the lines are there.
            let _ = self.machine.truncate(&file, start);
            return Err(self.not_written()(source));
        }
        drop(file);
        self.tail.wrote(&lines, start);
        if let Some(last) = records.last() {
            self.tail.last_id = Some(last.id);
            self.tail.sequence = last.sequence;
        }
        self.written.extend_from_slice(&lines);
        self.waiting.clear();
        committed.append(&mut records);
        Ok(committed)
    }

    /// Of drafts whose writing failed and could not be taken back: those that are in the file nevertheless.
    fn settle(&mut self, found: Vec<ReviewRecord>) -> Vec<ReviewRecord> {
        let ids: HashSet<Uuid> = found.iter().map(|record| record.id).collect();
        let mut own = HashSet::new();
        for waiting in &mut self.waiting {
            let is_batch = waiting.drafts.len() > 1;
            let first = waiting.attempted.first().copied();
            if !waiting.attempted.iter().any(|id| ids.contains(id)) {
                continue;
            }
            let attempted = std::mem::take(&mut waiting.attempted);
            let pairs = std::mem::take(&mut waiting.drafts)
                .into_iter()
                .zip(attempted);
            for (draft, id) in pairs {
                if ids.contains(&id) {
                    own.insert(id);
                } else {
                    let batch = first.filter(|_| is_batch && draft.batch().is_none());
                    waiting.drafts.push(match batch {
                        Some(batch) => draft.joining(batch),
                        None => draft,
                    });
                }
            }
        }
        self.waiting.retain(|waiting| !waiting.drafts.is_empty());
        found
            .into_iter()
            .filter(|record| own.contains(&record.id))
            .collect()
    }

    /// Makes records and lines of what waits.
    fn lines(&mut self) -> Result<(Vec<ReviewRecord>, Vec<u8>), JournalError> {
        let time = self.machine.now();
        let mut ids = Ids::new(time, self.tail.last_id.max(self.floor))?;
        let (mut records, mut lines) = (Vec::new(), Vec::new());
        let mut sequence = self.tail.sequence;
        for waiting in &mut self.waiting {
            waiting.attempted.clear();
            let is_batch = waiting.drafts.len() > 1;
            for draft in &waiting.drafts {
                let id = ids.next();
                waiting.attempted.push(id);
                let first = waiting.attempted.first().copied();
                let own = first.filter(|_| is_batch && !draft.verb().is_reversal());
                sequence = sequence.saturating_add(1);
                let mut record = ReviewRecord {
                    sequence,
                    id,
                    time,
                    annotator: Arc::clone(&self.annotator),
                    target: draft.target().cloned(),
                    verb: draft.verb().clone(),
                    batch: draft.batch().or(own),
                    checksum: 0,
                };
                line::write(&mut record, &mut lines)
                    .map_err(|error| JournalError::Draft(error.to_string()))?;
                records.push(record);
            }
        }
        Ok((records, lines))
    }
}

/// UUIDv7s that only rise, whatever the clock does.
struct Ids {
    /// What an id consists of besides version and variant: 48 bits of time, 74 random ones.
    bits: u128,
    step: u64,
}

const RANDOM_BITS: u32 = 74;

impl Ids {
    fn new(time: Timestamp, last: Option<Uuid>) -> Result<Self, JournalError> {
        let mut random = [0; 20];
        getrandom::fill(&mut random).map_err(|error| JournalError::Random(error.to_string()))?;
        let (start, step) = random.split_at(16);
        let start = start
            .iter()
            .fold(0, |sum: u128, byte| sum << 8 | u128::from(*byte));
        let step = step
            .iter()
            .fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
        // Some room is left above: ids of the same millisecond count up.
        let start = start & ((1 << (RANDOM_BITS - 1)) - 1);
        let fresh = u128::from(time.milliseconds()) << RANDOM_BITS | start;
        let after = last.map_or(0, |last| bits_of(last).saturating_add(1));
        Ok(Self {
            bits: fresh.max(after),
            step: step >> 32 | 1,
        })
    }

    fn next(&mut self) -> Uuid {
        let id = uuid_of(self.bits);
        self.bits += u128::from(self.step);
        id
    }
}

fn bits_of(id: Uuid) -> u128 {
    let id = id.as_u128();
    let (time, high, low) = (id >> 80, id >> 64 & 0xfff, id & ((1 << 62) - 1));
    time << RANDOM_BITS | high << 62 | low
}

fn uuid_of(bits: u128) -> Uuid {
    let (time, high, low) = (
        bits >> RANDOM_BITS,
        bits >> 62 & 0xfff,
        bits & ((1 << 62) - 1),
    );
    let value = (time << 80 | high << 64 | low).to_be_bytes();
    Builder::from_bytes(value)
        .with_version(uuid::Version::SortRand)
        .with_variant(uuid::Variant::RFC4122)
        .into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn ids_rise_whatever_the_clock_does(times in proptest::collection::vec(0..1_u64 << 47, 1..20)) {
            let mut last: Option<Uuid> = None;
            for time in times {
                let mut ids = Ids::new(Timestamp::from_milliseconds(time), last).expect("random");
                for _ in 0..3 {
                    let id = ids.next();
                    proptest::prop_assert!(Some(id) > last);
                    proptest::prop_assert_eq!(id.get_version_num(), 7);
                    proptest::prop_assert_eq!(uuid_of(bits_of(id)), id);
                    last = Some(id);
                }
            }
        }
    }
}
