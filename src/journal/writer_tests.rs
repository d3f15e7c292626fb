//! A journal's file, whatever happens to it while it is written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::machine::Machine;
use super::*;
use crate::domain::review::{Draft, ReviewRecord, TagName, Target, Timestamp, Verb};
use crate::domain::{ContentHash, TargetId};
use crate::jobs::Progress;

/// A folder that goes when the test ends.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "retake-journal-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(super) const WRITER: &str = "0000000a";

pub(super) fn tag(text: &str) -> Draft {
    let target = Target::new(TargetId::parse("m/1"), ContentHash([3; 32]));
    let tag = TagName {
        tag: text.to_owned(),
    };
    Draft::new(target, Verb::Tag(tag)).expect("draft")
}

pub(super) fn open(folder: &Path) -> Journal {
    Journal::open(folder, "ada", WRITER.parse().expect("id")).expect("opened")
}

pub(super) fn read(folder: &Path) -> JournalFolder {
    JournalFolder::open(folder, &Progress::default()).expect("read")
}

fn tags(records: &[&ReviewRecord]) -> Vec<String> {
    let tag = |record: &&ReviewRecord| match &record.verb {
        Verb::Tag(tag) => tag.tag.clone(),
        other => other.name().to_owned(),
    };
    records.iter().map(tag).collect()
}

pub(super) fn tags_in(folder: &Path) -> Vec<String> {
    tags(&read(folder).reviews().records())
}

/// What a test lets go wrong.
#[derive(Default)]
struct Fault {
    /// Bytes that fit before the disk is full.
    room: Option<usize>,
    sync_fails: bool,
    truncate_fails: bool,
    clock: Option<u64>,
}

#[derive(Clone, Default)]
struct FaultyMachine(Arc<Mutex<Fault>>);

impl FaultyMachine {
    fn set(&self, change: impl FnOnce(&mut Fault)) {
        change(&mut self.0.lock().expect("fault"));
    }
}

impl Machine for FaultyMachine {
    fn now(&self) -> Timestamp {
        let clock = self.0.lock().expect("fault").clock;
        Timestamp::from_milliseconds(clock.unwrap_or(1_000))
    }

    fn append(&mut self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        match self.0.lock().expect("fault").room {
            Some(room) if room < bytes.len() => {
                file.write_all(&bytes[..room])?;
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => file.write_all(bytes),
        }
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        match self.0.lock().expect("fault").sync_fails {
            true => Err(io::Error::other("the disk is gone")),
            false => file.sync_data(),
        }
    }

    fn truncate(&mut self, file: &File, length: u64) -> io::Result<()> {
        match self.0.lock().expect("fault").truncate_fails {
            true => Err(io::Error::other("the disk is gone")),
            false => file.set_len(length),
        }
    }
}

fn open_faulty(folder: &Path) -> (Journal, FaultyMachine) {
    let machine = FaultyMachine::default();
    let boxed = Box::new(machine.clone());
    let journal = Journal::open_on(folder, "ada", WRITER.parse().expect("id"), boxed);
    (journal.expect("opened"), machine)
}

#[test]
fn what_is_appended_is_read_back_as_it_was() {
    let folder = Folder::new();
    let mut journal = open(&folder.0.join("journal"));
    assert!(!journal.path().exists(), "opening writes nothing");
    let first = journal.append(&[tag("a")]).expect("written");
    let batch = journal.append(&[tag("b"), tag("c")]).expect("written");
    assert_eq!(first[0].batch, None);
    assert_eq!(
        (batch[0].batch, batch[1].batch),
        (Some(batch[0].id), Some(batch[0].id))
    );
    let written: Vec<&ReviewRecord> = first.iter().chain(&batch).collect();
    assert_eq!(
        written.iter().map(|r| r.sequence).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    let folder = folder.0.join("journal");
    let journals = read(&folder);
    assert_eq!(journals.reviews().records(), written);
    assert_eq!(journals.notices(), []);
    let head = &journals.heads()[0];
    assert_eq!(
        (head.file.as_str(), head.records, head.sequence),
        ("ada@0000000a.jsonl", 3, 3)
    );
    assert_eq!(head.checksum, Some(batch[1].checksum));
    let mut again = open(&folder);
    assert_eq!(again.append(&[tag("d")]).expect("written")[0].sequence, 4);
    assert!(again.append(&[]).expect("nothing").is_empty());
    assert_eq!(tags_in(&folder), ["a", "b", "c", "d"]);
}

#[test]
fn a_file_cut_at_any_byte_keeps_its_whole_lines_and_goes_on() {
    let folder = Folder::new();
    let mut journal = open(&folder.0);
    for text in ["a", "b\n\u{1F600}\"", "c"] {
        journal.append(&[tag(text)]).expect("written");
    }
    let whole = fs::read(journal.path()).expect("read");
    let ends: Vec<usize> = memchr::memchr_iter(b'\n', &whole).collect();
    for length in 0..=whole.len() {
        let cut = Folder::new();
        let path = cut.0.join("ada@0000000a.jsonl");
        fs::write(&path, &whole[..length]).expect("written");
        // A line is whole without its end, too.
        let good = ends.iter().filter(|end| **end <= length).count();
        let is_torn = length > 0 && !ends.iter().any(|end| (*end..=end + 1).contains(&length));
        let reader = read(&cut.0);
        assert_eq!(reader.reviews().len(), good, "at {length}");
        assert_eq!(reader.notices().len(), usize::from(is_torn), "at {length}");
        assert_eq!(
            fs::read(&path).expect("read"),
            whole[..length],
            "readers change nothing"
        );
        let mut journal = open(&cut.0);
        let notices = journal.take_notices();
        let copy = cut.0.join("ada@0000000a.jsonl.cut-1");
        let kept = if good == 0 { 0 } else { ends[good - 1] + 1 };
        match notices.as_slice() {
            [] => assert!(!is_torn && !copy.exists(), "at {length}"),
            [notice] => {
                assert!(is_torn, "at {length}: {notice}");
                assert!(
                    matches!(&notice.kind, NoticeKind::Cut { copy: told, .. } if *told == copy)
                );
                assert_eq!(
                    fs::read(&copy).expect("copy"),
                    whole[kept..length],
                    "at {length}"
                );
            }
            many => panic!("at {length}: {many:?}"),
        }
        let last = journal.append(&[tag("new")]).expect("written");
        assert_eq!(last[0].sequence, good as u64 + 1);
        let reader = read(&cut.0);
        assert_eq!(reader.notices(), [], "at {length}");
        assert_eq!(reader.reviews().len(), good + 1, "at {length}");
    }
}

#[test]
fn a_bad_line_in_the_middle_is_told_and_left_as_it_is() {
    let folder = Folder::new();
    let mut journal = open(&folder.0);
    for text in ["a", "b", "c"] {
        journal.append(&[tag(text)]).expect("written");
    }
    let path = journal.path().to_owned();
    let text = fs::read_to_string(&path).expect("read");
    let bad = text.replace("\"b\"", "\"x\"");
    fs::write(&path, &bad).expect("written");
    let mut journal = open(&folder.0);
    assert_eq!(journal.take_notices(), []);
    journal.append(&[tag("d")]).expect("written");
    assert!(fs::read_to_string(&path).expect("read").starts_with(&bad));
    let reader = read(&folder.0);
    assert_eq!(tags(&reader.reviews().records()), ["a", "c", "d"]);
    let offset = text.find('\n').expect("line") as u64 + 1;
    let [line, gap] = reader.notices().try_into().expect("two notices");
    assert_eq!(line.at, Some((2, offset)));
    assert!(line.to_string().contains("checksum"), "{line}");
    assert_eq!(gap.kind, NoticeKind::Gap { first: 2, last: 2 });
}

#[test]
fn lines_of_later_versions_are_kept() {
    let folder = Folder::new();
    let mut journal = open(&folder.0);
    journal.append(&[tag("a")]).expect("written");
    let body = "{\"version\":9,\"sequence\":2,\"where\":[1],";
    let checksum = blake3::hash(body.as_bytes()).to_hex();
    let line = format!("{body}\"checksum\":\"{}\"}}\n", &checksum[..16]);
    let mut file = OpenOptions::new()
        .append(true)
        .open(journal.path())
        .expect("file");
    file.write_all(line.as_bytes()).expect("written");
    assert_eq!(journal.append(&[tag("b")]).expect("written")[0].sequence, 3);
    assert_eq!(open(&folder.0).take_notices(), []);
    assert!(
        fs::read_to_string(journal.path())
            .expect("read")
            .contains(&line)
    );
    let reader = read(&folder.0);
    assert_eq!(tags(&reader.reviews().records()), ["a", "b"]);
    let [notice] = reader.notices().try_into().expect("one notice");
    assert!(notice.to_string().contains("version 9"), "{notice}");
}

#[test]
fn a_full_disk_leaves_no_half_line_and_the_change_waits() {
    for room in [0, 1, 100, 400] {
        let folder = Folder::new();
        let (mut journal, machine) = open_faulty(&folder.0);
        journal.append(&[tag("a")]).expect("written");
        let before = fs::read(journal.path()).expect("read");
        machine.set(|fault| fault.room = Some(room));
        let error = journal.append(&[tag("b"), tag("c")]).expect_err("full");
        assert!(
            matches!(error, JournalError::NotWritten { waiting: 2, .. }),
            "{error:?}"
        );
        assert_eq!(fs::read(journal.path()).expect("read"), before);
        journal.append(&[tag("d")]).expect_err("still full");
        assert_eq!(journal.pending().count(), 3);
        machine.set(|fault| fault.room = None);
        let written = journal.retry().expect("written");
        assert_eq!(tags(&written.iter().collect::<Vec<_>>()), ["b", "c", "d"]);
        assert_eq!(written[1].batch, Some(written[0].id));
        assert_eq!(written[2].batch, None);
        assert_eq!(journal.pending().count(), 0);
        assert_eq!(tags_in(&folder.0), ["a", "b", "c", "d"]);
        assert_eq!(read(&folder.0).notices(), []);
    }
}

#[test]
fn what_cannot_be_taken_back_is_not_written_twice() {
    // Nothing, half a line, one line and a half, everything.
    for room in [0, 50, 500, 10_000] {
        let folder = Folder::new();
        let (mut journal, machine) = open_faulty(&folder.0);
        journal.append(&[tag("a")]).expect("written");
        machine.set(|fault| {
            (fault.room, fault.sync_fails, fault.truncate_fails) = (Some(room), true, true);
        });
        journal.append(&[tag("b"), tag("c")]).expect_err("failed");
        machine.set(|fault| *fault = Fault::default());
        let written = journal.append(&[tag("d")]).expect("written");
        assert_eq!(
            tags(&written.iter().collect::<Vec<_>>()),
            ["b", "c", "d"],
            "{room}"
        );
        assert_eq!(written[0].batch_id(), written[1].batch_id(), "{room}");
        assert_eq!(tags_in(&folder.0), ["a", "b", "c", "d"], "{room}");
        let is_torn = [50, 500].contains(&room);
        assert_eq!(journal.take_notices().len(), usize::from(is_torn), "{room}");
    }
}

#[test]
fn ids_rise_when_the_clock_goes_back_and_after_what_was_seen() {
    let folder = Folder::new();
    let (mut journal, machine) = open_faulty(&folder.0);
    let mut ids = Vec::new();
    for clock in [5_000_000, 4_000_000, 0, 5_000_001] {
        machine.set(|fault| fault.clock = Some(clock));
        let written = journal.append(&[tag("a"), tag("b")]).expect("written");
        assert_eq!(written[0].time.milliseconds(), clock);
        ids.extend(written.iter().map(|record| record.id));
        // Another process has the same clock, and the same file.
        let (mut other, same) = open_faulty(&folder.0);
        same.set(|fault| fault.clock = Some(clock));
        ids.push(other.append(&[tag("c")]).expect("written")[0].id);
    }
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    let seen = uuid::Uuid::parse_str("0190b5a0-0000-7000-8000-000000000000").expect("id");
    assert!(ids.iter().all(|id| *id < seen));
    journal.keep_after(seen);
    assert!(journal.append(&[tag("d")]).expect("written")[0].id > seen);
}

#[test]
fn a_file_that_vanishes_is_noticed_and_made_up_for() {
    for is_replaced in [false, true] {
        let folder = Folder::new();
        open(&folder.0).append(&[tag("before")]).expect("written");
        let mut journal = open(&folder.0);
        journal.append(&[tag("a")]).expect("written");
        fs::remove_file(journal.path()).expect("removed");
        if is_replaced {
            fs::write(journal.path(), "").expect("written");
        }
        let error = journal.append(&[tag("b")]).expect_err("gone");
        assert!(
            matches!(error, JournalError::Vanished { waiting: 1, .. }),
            "{error:?}"
        );
        journal.append(&[]).expect_err("still gone");
        assert_eq!(
            journal.path().exists(),
            is_replaced,
            "nothing is made up in silence"
        );
        let written = journal.recover().expect("recovered");
        assert_eq!((written.len(), written[0].sequence), (1, 3));
        journal.append(&[tag("c")]).expect("written");
        let reader = read(&folder.0);
        assert_eq!(tags(&reader.reviews().records()), ["a", "b", "c"]);
        // What another process had written is gone, and that is told.
        assert_eq!(
            reader.notices()[0].kind,
            NoticeKind::Gap { first: 1, last: 1 }
        );
    }
}

#[test]
fn a_file_that_was_replaced_by_one_that_goes_on_is_as_good() {
    let folder = Folder::new();
    let mut journal = open(&folder.0);
    journal.append(&[tag("a")]).expect("written");
    let aside = folder.0.join("aside");
    fs::copy(journal.path(), &aside).expect("copied");
    fs::rename(&aside, journal.path()).expect("renamed");
    open(&folder.0).append(&[tag("b")]).expect("written");
    let written = journal.append(&[tag("c")]).expect("written");
    assert_eq!(written[0].sequence, 3);
    assert_eq!(tags_in(&folder.0), ["a", "b", "c"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_that_is_always_full_is_a_clear_error() {
    let folder = Folder::new();
    std::os::unix::fs::symlink("/dev/full", folder.0.join("ada@0000000a.jsonl")).expect("link");
    let mut journal = open(&folder.0);
    let error = journal.append(&[tag("a")]).expect_err("full");
    let report = crate::report::Report::from(error).to_string();
    assert!(
        report.contains("ada@0000000a.jsonl") && report.contains("No space"),
        "{report}"
    );
    assert_eq!(journal.pending().count(), 1);
}

#[test]
fn annotators_need_names() {
    let error = Journal::open(Path::new("/nowhere"), "", WRITER.parse().expect("id"));
    assert!(matches!(error.err(), Some(JournalError::NoAnnotator)));
}
