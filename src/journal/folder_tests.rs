//! Many journals: following them, and taking in those of others.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::writer_tests::{Folder, open, read, tag, tags_in};
use super::*;
use crate::domain::review::Draft;

fn journal(folder: &Path, annotator: &str, writer: u32) -> Journal {
    let writer = format!("{writer:08x}").parse().expect("id");
    Journal::open(folder, annotator, writer).expect("opened")
}

fn append(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().append(true).open(path).expect("file");
    file.write_all(bytes).expect("written");
}

#[test]
fn a_reader_follows_what_others_append() {
    let folder = Folder::new();
    let mut reader = read(&folder.0);
    assert_eq!(reader.refresh().expect("read").records, 0);
    let mut ada = open(&folder.0);
    let first = ada.append(&[tag("a")]).expect("written");
    let seen = reader.refresh().expect("read");
    assert_eq!((seen.records, seen.is_reread), (1, false));
    assert_eq!(seen.references.len(), 1);
    assert_eq!(reader.refresh().expect("read").records, 0);
    // What this process wrote is known already.
    let own = ada.append(&[Draft::undo(first[0].id)]).expect("written");
    let added = reader.add(own);
    assert_eq!((added.records, added.references.len()), (1, 1));
    journal(&folder.0, "bob", 7)
        .append(&[tag("b")])
        .expect("written");
    assert_eq!(reader.refresh().expect("read").records, 1);
    assert_eq!(reader.reviews().len(), 3);
    // A line that is only half there is read when it is whole.
    ada.append(&[tag("c")]).expect("written");
    let text = fs::read(ada.path()).expect("read");
    let half = text.len() - 40;
    fs::write(ada.path(), &text[..half]).expect("written");
    assert_eq!(reader.refresh().expect("read").records, 0);
    assert_eq!(reader.notices()[0].kind, NoticeKind::Torn);
    append(ada.path(), &text[half..]);
    assert_eq!(reader.refresh().expect("read").records, 1);
    assert_eq!(reader.notices(), []);
    assert_eq!(reader.heads(), read(&folder.0).heads());
}

#[test]
fn a_reader_starts_anew_when_a_file_is_cut_replaced_or_gone() {
    let folder = Folder::new();
    let mut ada = open(&folder.0);
    ada.append(&[tag("a")]).expect("written");
    let short = fs::read(ada.path()).expect("read");
    ada.append(&[tag("b")]).expect("written");
    let other = Folder::new();
    let mut same_name = open(&other.0);
    for text in ["x", "y", "z"] {
        same_name.append(&[tag(text)]).expect("written");
    }
    let mut reader = read(&folder.0);
    for (bytes, count) in [(short, 1), (fs::read(same_name.path()).expect("read"), 3)] {
        fs::write(ada.path(), bytes).expect("written");
        let seen = reader.refresh().expect("read");
        assert_eq!((seen.records, seen.is_reread), (count, true));
        assert_eq!(reader.reviews().len(), count);
    }
    fs::remove_file(ada.path()).expect("removed");
    assert!(reader.refresh().expect("read").is_reread);
    assert!(reader.reviews().is_empty());
}

#[test]
fn notices_have_the_right_line_however_the_file_is_read() {
    let folder = Folder::new();
    let mut ada = open(&folder.0);
    ada.append(&[tag("a")]).expect("written");
    append(ada.path(), b"rubbish\n\n");
    let mut reader = read(&folder.0);
    let line = |reader: &JournalFolder| -> Vec<u64> {
        reader
            .notices()
            .iter()
            .filter_map(|notice| notice.at)
            .map(|(line, _)| line)
            .collect()
    };
    assert_eq!(line(&reader), [2]);
    // Behind the last good line anything can still come: a writer would cut it.
    let good = fs::read(ada.path()).expect("read");
    let other = Folder::new();
    let mut elsewhere = open(&other.0);
    elsewhere.append(&[tag("b"), tag("c")]).expect("written");
    append(ada.path(), &fs::read(elsewhere.path()).expect("read"));
    append(ada.path(), b"more rubbish");
    assert_eq!(reader.refresh().expect("read").records, 2);
    assert_eq!(line(&reader), [2, 6]);
    assert_eq!(line(&read(&folder.0)), [2, 6]);
    assert!(fs::read(ada.path()).expect("read").starts_with(&good));
}

#[test]
fn files_of_many_blocks_read_like_one() {
    let folder = Folder::new();
    let mut ada = open(&folder.0);
    // Lines as long as a block, and blocks of many lines.
    let long = "é".repeat(3 << 20);
    let drafts: Vec<Draft> = (0..12_000).map(|n| tag(&n.to_string())).collect();
    for batch in drafts.chunks(5_000) {
        ada.append(batch).expect("written");
        ada.append(&[tag(&long)]).expect("written");
    }
    let reader = read(&folder.0);
    assert_eq!(reader.reviews().len(), 12_003);
    assert_eq!(reader.notices(), []);
    let sequences = reader
        .reviews()
        .records()
        .into_iter()
        .map(|record| record.sequence);
    assert!(sequences.eq(1..=12_003));
    let text = fs::read(ada.path()).expect("read");
    let lines: Vec<usize> = memchr::memchr_iter(b'\n', &text).collect();
    let mut bad = text.clone();
    for line in [4_000, 11_500] {
        bad[lines[line] - 5] ^= 1;
    }
    fs::write(ada.path(), bad).expect("written");
    let reader = read(&folder.0);
    let at: Vec<_> = reader
        .notices()
        .iter()
        .filter_map(|notice| notice.at)
        .collect();
    let wanted = [4_000, 11_500].map(|line: usize| (line as u64 + 1, lines[line - 1] as u64 + 1));
    assert_eq!(at, wanted);
    assert_eq!(reader.reviews().len(), 12_001);
}

#[test]
fn other_files_are_told_and_not_read() {
    let folder = Folder::new();
    open(&folder.0).append(&[tag("a")]).expect("written");
    fs::write(folder.0.join("notes.jsonl"), "{}\n").expect("written");
    fs::write(folder.0.join("ada@0000000a.jsonl.cut-1"), "torn").expect("written");
    fs::create_dir(folder.0.join("bob@0000000b.jsonl")).expect("folder");
    let told = JournalFolder::open(&folder.0, &crate::jobs::Progress::default());
    // A folder in the place of a journal is an error, not silence.
    assert!(
        matches!(told, Err(JournalError::File { doing: "read", .. })),
        "{told:?}"
    );
    fs::remove_dir(folder.0.join("bob@0000000b.jsonl")).expect("removed");
    let reader = read(&folder.0);
    assert_eq!(reader.notices().len(), 1);
    assert_eq!(reader.notices()[0].kind, NoticeKind::OtherName);
    assert_eq!(reader.reviews().len(), 1);
}

#[test]
fn a_merge_takes_files_and_folders_and_tells_what_it_left() {
    let (here, there) = (Folder::new(), Folder::new());
    let journals = there.0.join(".retake").join("journal");
    let mut bob = journal(&journals, "bob smith", 11);
    bob.append(&[tag("a"), tag("b")]).expect("written");
    let mut bytes = fs::read(bob.path()).expect("read");
    let good = bytes.clone();
    bytes.extend_from_slice(b"rubbish\n");
    fs::write(bob.path(), &bytes).expect("written");
    open(&here.0).append(&[tag("c")]).expect("written");
    for paths in [
        vec![there.0.clone()],
        vec![there.0.join(".retake")],
        vec![journals.clone(), bob.path().to_owned()],
    ] {
        let taken = take_in(&here.0, &paths).expect("taken in");
        let [file] = taken.files.as_slice() else {
            panic!("{taken:?}");
        };
        assert_eq!(file.added + file.known, 2 * paths.len());
        assert_eq!(file.bad, paths.len());
        assert!(
            matches!(taken.notices[0].kind, NoticeKind::BadLine(_)),
            "{taken:?}"
        );
    }
    assert_eq!(
        fs::read(here.0.join("bob%20smith@0000000b.jsonl")).expect("read"),
        good
    );
    assert_eq!(
        fs::read(bob.path()).expect("read"),
        bytes,
        "what is taken in is not touched"
    );
    assert_eq!(read(&here.0).reviews().len(), 3);
    let unnamed = there.0.join("x.jsonl");
    fs::write(&unnamed, &good).expect("written");
    assert!(matches!(
        take_in(&here.0, &[unnamed]),
        Err(JournalError::Name(_))
    ));
    let empty = Folder::new();
    assert!(matches!(
        take_in(&here.0, std::slice::from_ref(&empty.0)),
        Err(JournalError::NoJournal(_))
    ));
}

#[test]
fn a_merge_repairs_the_end_it_appends_to() {
    let (here, there) = (Folder::new(), Folder::new());
    let mut bob = journal(&there.0, "bob", 11);
    bob.append(&[tag("a")]).expect("written");
    fs::copy(bob.path(), here.0.join("bob@0000000b.jsonl")).expect("copied");
    append(&here.0.join("bob@0000000b.jsonl"), b"{\"version\":1,");
    bob.append(&[tag("b")]).expect("written");
    let taken = take_in(&here.0, std::slice::from_ref(&there.0)).expect("taken in");
    assert!(
        matches!(taken.notices[0].kind, NoticeKind::Cut { bytes: 13, .. }),
        "{taken:?}"
    );
    assert_eq!(
        fs::read(here.0.join("bob@0000000b.jsonl")).ok(),
        fs::read(bob.path()).ok()
    );
}

/// The lines of each file, as sets.
fn contents(folder: &Path) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("folder") {
        let entry = entry.expect("entry");
        let text = fs::read_to_string(entry.path()).expect("text");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        let name = entry.file_name().into_string().expect("name");
        found.insert(name, lines);
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn merges_commute_and_repeat(
        writes in prop::collection::vec((0..3_usize, 0..3_u32), 0..12),
        order in Just(vec![0_usize, 1, 2]).prop_shuffle(),
        again in 0..3_usize,
    ) {
        // Three checkouts; each annotator writes on some, and some have copies of files of others.
        let checkouts = [Folder::new(), Folder::new(), Folder::new()];
        for (number, (checkout, writer)) in writes.iter().enumerate() {
            let folder = &checkouts[*checkout].0;
            let of_another = &checkouts[(checkout + 1) % 3].0;
            journal(folder, "ada", *writer + 10 * *checkout as u32).append(&[tag(&number.to_string())]).expect("written");
            if writer % 2 == 0 {
                take_in(of_another, std::slice::from_ref(folder)).expect("taken in");
            }
        }
        let given: Vec<PathBuf> = checkouts.iter().map(|folder| folder.0.clone()).collect();
        let given: Vec<PathBuf> = given.into_iter().filter(|f| f.read_dir().expect("folder").next().is_some()).collect();
        let (one, other) = (Folder::new(), Folder::new());
        take_in(&one.0, &given).expect("taken in");
        for place in order.iter().chain([&again]) {
            if let Some(path) = given.get(*place) {
                take_in(&other.0, std::slice::from_ref(path)).expect("taken in");
            }
        }
        prop_assert_eq!(contents(&one.0), contents(&other.0));
        prop_assert_eq!(tags_in(&one.0), tags_in(&other.0));
        prop_assert_eq!(tags_in(&one.0).len(), writes.len());
    }
}

/// What may stand in a journal besides records: rubbish, a line of a later version, a line again, a torn end.
fn damage(path: &Path, how: usize) {
    let text = fs::read(path).expect("read");
    let first = memchr::memchr(b'\n', &text).expect("line") + 1;
    let (line, rest) = text.split_at(first);
    let later = "{\"version\":9,\"id\":7,";
    let checksum = blake3::hash(later.as_bytes()).to_hex();
    let later = format!("{later}\"checksum\":\"{}\"}}\n", &checksum[..16]);
    let damaged = match how {
        0 => [line, b"<<<<<<< ours\n", rest].concat(),
        1 => [line, later.as_bytes(), rest].concat(),
        2 => [rest, line, b"\r\n", line].concat(),
        3 => [text.as_slice(), &line[..line.len() / 2]].concat(),
        _ => text,
    };
    fs::write(path, damaged).expect("written");
}

/// The good lines of each file, as sets.
fn good_contents(folder: &Path) -> BTreeMap<String, Vec<String>> {
    let mut found = contents(folder);
    for lines in found.values_mut() {
        lines.retain(|line| super::line::verify(line.trim_end().as_bytes()).is_ok());
        lines.dedup();
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn merges_lose_no_good_line_and_spread_no_bad_one(
        writes in prop::collection::vec((0..3_usize, 0..2_u32, 0..8_usize), 1..10),
        order in Just(vec![0_usize, 1, 2]).prop_shuffle(),
    ) {
        let checkouts = [Folder::new(), Folder::new(), Folder::new()];
        let mut hows = BTreeMap::new();
        for (number, (checkout, writer, how)) in writes.iter().enumerate() {
            // Two checkouts write to a file of the same name, as two branches of one do.
            let mut journal = journal(&checkouts[*checkout].0, "ada", *writer);
            journal.append(&[tag(&number.to_string()), tag("batch")]).expect("written");
            hows.insert(journal.path().to_owned(), *how);
        }
        for (path, how) in hows {
            damage(&path, how);
        }
        // Whoever merges goes on from what they have: each takes in the others, one by one.
        let before: Vec<_> = checkouts.iter().map(|folder| good_contents(&folder.0)).collect();
        let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (file, lines) in before.into_iter().flatten() {
            let all = wanted.entry(file).or_default();
            all.extend(lines);
            all.sort();
            all.dedup();
        }
        for own in 0..3 {
            for other in order.iter().chain(&order).filter(|other| **other != own) {
                let other = &checkouts[*other].0;
                if other.read_dir().expect("folder").next().is_some() {
                    take_in(&checkouts[own].0, std::slice::from_ref(other)).expect("taken in");
                }
            }
        }
        let mut seen = Vec::new();
        for checkout in &checkouts {
            let mut now = good_contents(&checkout.0);
            now.retain(|file, _| file.ends_with(".jsonl"));
            prop_assert_eq!(&now, &wanted);
            let journals = read(&checkout.0);
            let records = journals.reviews().records().into_iter().cloned().collect::<Vec<_>>();
            seen.push(records);
        }
        prop_assert_eq!(&seen[0], &seen[1]);
        prop_assert_eq!(&seen[1], &seen[2]);
        prop_assert_eq!(seen[0].len(), 2 * writes.len());
    }
}

#[test]
fn two_lines_with_one_id_are_both_kept_and_one_counts() {
    let (here, there) = (Folder::new(), Folder::new());
    let mut ada = open(&here.0);
    let record = ada.append(&[tag("a")]).expect("written").swap_remove(0);
    let line = fs::read_to_string(ada.path()).expect("read");
    let body = line[..line.find("\"checksum\"").expect("mark")].replace("\"a\"", "\"b\"");
    let checksum = blake3::hash(body.as_bytes()).to_hex();
    let forged = format!("{body}\"checksum\":\"{}\"}}\n", &checksum[..16]);
    fs::write(there.0.join("ada@0000000a.jsonl"), forged).expect("written");
    let taken = take_in(&here.0, std::slice::from_ref(&there.0)).expect("taken in");
    assert_eq!(taken.notices[0].kind, NoticeKind::Conflict(record.id));
    take_in(&there.0, std::slice::from_ref(&here.0)).expect("taken in");
    assert_eq!(tags_in(&here.0).len(), 1);
    assert_eq!(tags_in(&here.0), tags_in(&there.0));
    assert_eq!(
        read(&here.0).notices()[0].kind,
        NoticeKind::Conflict(record.id)
    );
}
