use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use uuid::Uuid;

use super::blocks::ReadBlock;
use super::sequences::Sequences;
use super::{JournalHead, Notice, NoticeKind};
use crate::domain::review::ReviewRecord;

/// What a reader knows of a file.
#[derive(Debug, Default, Clone)]
pub(super) struct FileState {
    /// Behind the last good line; what follows is read again each time.
    pub(super) end: u64,
    /// The last good line and where it starts, to see whether the file is still the same.
    pub(super) last_line: Vec<u8>,
    pub(super) last_start: u64,
    pub(super) stamp: Stamp,
    /// Line ends before `end`, and before what is read next.
    lines_to_end: u64,
    lines: u64,
    good: u64,
    /// The records of the good lines that this version can read, in order.
    pub(super) ids: Vec<Uuid>,
    checksum: Option<u64>,
    sequences: Sequences,
    notices: Vec<Notice>,
    /// What was found behind the last good line.
    end_notices: Vec<Notice>,
}

/// What changes when a file does.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) length: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let meta = fs::metadata(path)?;
        Ok(Self {
            length: meta.len(),
            modified: meta.modified().ok(),
        })
    }
}

impl FileState {
    /// A file of which nothing is read yet.
    pub(super) fn new(stamp: Stamp) -> Self {
        Self {
            stamp,
            ..Self::default()
        }
    }

    /// Goes back to the last good line: what follows it is read again.
    pub(super) fn rewind(&mut self, stamp: Stamp) {
        self.stamp = stamp;
        self.lines = self.lines_to_end;
        self.end_notices.clear();
    }

    /// Takes what was read next; returns its records.
    pub(super) fn take(&mut self, path: &Path, read: ReadBlock) -> Vec<ReviewRecord> {
        let ReadBlock {
            scanned,
            start,
            last_line,
        } = read;
        let mut notices = scanned
            .notices
            .into_iter()
            .map(|(line, offset, kind)| Notice {
                file: path.to_owned(),
                at: Some((self.lines + line + 1, start + offset)),
                kind,
            });
        if let Some(last) = scanned.last {
            let is_before = |notice: &Notice| {
                notice
                    .at
                    .is_some_and(|(_, at)| at <= start + last.start as u64)
            };
            self.notices.append(&mut self.end_notices);
            let all: Vec<Notice> = notices.by_ref().collect();
            let (before, behind): (Vec<_>, Vec<_>) = all.into_iter().partition(is_before);
            self.notices.extend(before);
            self.end_notices = behind;
            self.end = start + last.next as u64;
            self.last_start = start + last.start as u64;
            let is_ended = last.next > last.end;
            self.lines_to_end = self.lines + last.lines - u64::from(!is_ended);
            self.last_line = last_line;
            self.checksum = Some(last.checksum);
        }
        self.end_notices.extend(notices);
        self.lines += scanned.lines;
        self.good += scanned.records.len() as u64 + scanned.others;
        self.ids
            .extend(scanned.records.iter().map(|record| record.id));
        let others = scanned.other_sequences.into_iter();
        let numbers = scanned.records.iter().map(|record| record.sequence);
        numbers
            .chain(others)
            .for_each(|number| self.sequences.add(number));
        scanned.records
    }

    pub(super) fn notices(&self, path: &Path) -> Vec<Notice> {
        let told = self.notices.iter().chain(&self.end_notices).cloned();
        let gaps = self.sequences.gaps().map(|(first, last)| Notice {
            file: path.to_owned(),
            at: None,
            kind: NoticeKind::Gap { first, last },
        });
        told.chain(gaps).collect()
    }

    pub(super) fn head(&self, path: &Path) -> JournalHead {
        let name = path.file_name().unwrap_or_default();
        JournalHead {
            file: name.to_string_lossy().into_owned(),
            records: self.good,
            read: self.ids.len() as u64,
            last_read: self.ids.last().copied(),
            sequence: self.sequences.last(),
            checksum: self.checksum,
        }
    }
}
