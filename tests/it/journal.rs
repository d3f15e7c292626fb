//! Journals that are written by processes: killed ones, several at once, on disks that are full or closed.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use retake::domain::review::{Draft, ReviewRecord, TagName, Target, Verb};
use retake::domain::{ContentHash, TargetId};
use retake::jobs::Progress;
use retake::journal::{Journal, JournalError, JournalFolder};

use crate::user::TemporaryFolder;

/// Where a writer process writes, and what it calls its records.
const FOLDER: &str = "RETAKE_TEST_JOURNAL_FOLDER";
const NAME: &str = "RETAKE_TEST_JOURNAL_NAME";
const COUNT: &str = "RETAKE_TEST_JOURNAL_COUNT";

fn tag(text: String) -> Draft {
    let target = Target::new(TargetId::parse("m/1"), ContentHash([3; 32]));
    Draft::new(target, Verb::Tag(TagName { tag: text })).unwrap()
}

fn open(folder: &Path) -> Journal {
    Journal::open(folder, "ada", "0000000a".parse().unwrap()).unwrap()
}

fn read(folder: &Path) -> JournalFolder {
    JournalFolder::open(folder, &Progress::default()).unwrap()
}

/// The first word of a record's tag; the rest makes it long.
fn name(record: &ReviewRecord) -> String {
    match &record.verb {
        Verb::Tag(tag) => tag.tag.split(' ').next().unwrap().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Not a test of its own: what [`start`] runs. It says what is acknowledged, a name on each line.
#[test]
#[ignore = "other tests run it as a process"]
fn writer_process() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let own = std::env::var(NAME).unwrap();
    let count: usize = std::env::var(COUNT).unwrap().parse().unwrap();
    let mut journal = open(Path::new(&folder));
    let mut out = std::io::stdout();
    // The test runner may have begun a line of its own.
    out.write_all(b"\n").unwrap();
    for number in 0..count {
        // Some batches are long enough to be killed half-way.
        let size = if number % 3 == 2 { 60 } else { 1 };
        let draft = |part| tag(format!("{own}-{number}-{part} {}", "x".repeat(size * 50)));
        let drafts: Vec<Draft> = (0..size).map(draft).collect();
        let committed = journal.append(&drafts).unwrap();
        let names: String = committed
            .iter()
            .map(|record| format!("ack {}\n", name(record)))
            .collect();
        out.write_all(names.as_bytes()).unwrap();
        out.flush().unwrap();
    }
}

fn start(folder: &Path, name: &str, count: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "journal::writer_process",
            "--ignored",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .env(NAME, name)
        .env(COUNT, count.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn acknowledged(line: &str) -> Option<String> {
    line.strip_prefix("ack ")
        .map(|name| name.trim_end().to_owned())
}

const SIGKILL: i32 = 9;

/// A small generator of chance: the same kills each time, as far as the machine's pace allows.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Kills a writer at a random moment; returns what it had acknowledged.
fn kill_one(folder: &Path, name: &str, chance: &mut Chance) -> BTreeSet<String> {
    let mut child = start(folder, name, 1_000);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut seen = BTreeSet::new();
    let wanted = chance.below(70) as usize;
    while seen.len() < wanted {
        let line = lines.next().expect("it ended by itself").unwrap();
        seen.extend(acknowledged(&line));
    }
    let moment = Instant::now();
    let pause = Duration::from_micros(chance.below(1_500));
    while moment.elapsed() < pause {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    let ended = child.wait().unwrap();
    assert_eq!(ended.signal(), Some(SIGKILL), "it ended by itself");
    // What it wrote before it was killed is in the pipe; a last line without an end is none.
    let mut rest: Vec<String> = lines.map_while(Result::ok).collect();
    rest.pop();
    seen.extend(rest.iter().filter_map(|line| acknowledged(line)));
    seen
}

/// What many kills did.
#[derive(Default)]
struct Kills {
    writers: usize,
    /// Ends that were torn: the next writer cut them and kept what it cut.
    torn: usize,
}

fn kill_many(test: &str, kills: usize, seed: u64) -> Kills {
    let mut chance = Chance(seed);
    let mut done = Kills::default();
    for round in 0..kills.div_ceil(50) {
        let folder = memory_folder(&format!("{test}-{round}"));
        let mut acknowledged = BTreeSet::new();
        for number in 0..50 {
            acknowledged.extend(kill_one(&folder.0, &format!("p{number}"), &mut chance));
            done.writers += 1;
        }
        // The last one's torn end is cut by whoever writes next.
        let mut journal = open(&folder.0);
        journal.append(&[tag("last".to_owned())]).unwrap();
        let journals = read(&folder.0);
        let there: BTreeSet<String> = journals.reviews().records().into_iter().map(name).collect();
        let lost: Vec<&String> = acknowledged.difference(&there).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        assert!(
            acknowledged.len() > 50,
            "{} acknowledged",
            acknowledged.len()
        );
        assert_eq!(journals.notices(), []);
        let files = fs::read_dir(&folder.0).unwrap();
        let names = files.map(|entry| entry.unwrap().file_name());
        done.torn += names
            .filter(|name| name.to_string_lossy().contains(".jsonl.cut-"))
            .count();
    }
    done
}

/// Kills so many writers, half of them at the same time as the others.
#[allow(clippy::print_stderr)]
fn kill_in_two_threads(test: &str, kills: usize, seed: u64) {
    let started = Instant::now();
    let [one, other] = std::thread::scope(|scope| {
        let threads = ["a", "b"].map(|half| {
            let seed = seed + u64::from(half == "b");
            scope.spawn(move || kill_many(&format!("{test}-{half}"), kills / 2, seed))
        });
        threads.map(|thread| thread.join().unwrap())
    });
    let writers = one.writers + other.writers;
    assert!(writers >= kills, "{writers} writers were killed");
    eprintln!(
        "{writers} writers killed in {:.1} s, {} of them inside a line",
        started.elapsed().as_secs_f64(),
        one.torn + other.torn
    );
}

/// A kill loses nothing that the system has, so the disk is left out where memory can be written like one.
fn memory_folder(name: &str) -> TemporaryFolder {
    let folder = TemporaryFolder::new(name);
    let memory = PathBuf::from(format!("/dev/shm/retake-{name}-{}", std::process::id()));
    match fs::create_dir_all(&memory) {
        Ok(()) => TemporaryFolder(memory),
        Err(_) => folder,
    }
}

#[test]
fn killed_writers_lose_nothing_that_they_acknowledged() {
    kill_in_two_threads("journal-kill", 1_000, 7);
}

#[test]
#[ignore = "takes minutes"]
fn killed_writers_lose_nothing_for_a_long_time() {
    kill_in_two_threads("journal-long", 20_000, 17);
}

#[test]
fn processes_that_write_one_journal_at_once_do_no_harm() {
    let folder = TemporaryFolder::new("journal-at-once");
    let children = ["p1", "p2", "p3"].map(|name| start(&folder.0, name, 60));
    let mut acknowledged = BTreeSet::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        acknowledged.extend(text.lines().filter_map(self::acknowledged));
    }
    assert_eq!(acknowledged.len(), 3 * (40 + 20 * 60));
    let journals = read(&folder.0);
    assert_eq!(journals.notices(), []);
    let records = journals.reviews().records();
    assert_eq!(
        records.iter().copied().map(name).collect::<BTreeSet<_>>(),
        acknowledged
    );
    // Numbers and ids rise together, one by one.
    assert!(
        records
            .iter()
            .map(|record| record.sequence)
            .eq(1..=records.len() as u64)
    );
    // A batch stands together.
    let batches: Vec<_> = records
        .chunk_by(|a, b| a.batch_id() == b.batch_id())
        .collect();
    assert_eq!(batches.len(), 3 * 60);
}

/// A small file system in memory, where the system lets one be mounted.
struct SmallDisk(TemporaryFolder);

impl SmallDisk {
    #[allow(clippy::print_stderr)]
    fn mount(name: &str) -> Option<Self> {
        let folder = TemporaryFolder::new(name);
        let mounted = mount(&["-t", "tmpfs", "-o", "size=64k", "tmpfs"], &folder.0);
        if !mounted {
            eprintln!("skipped: no tmpfs can be mounted here");
        }
        mounted.then(|| Self(folder))
    }
}

/// Whether something could be mounted there.
pub fn mount(options: &[&str], place: &Path) -> bool {
    let mut command = Command::new("mount");
    command.args(options).arg(place).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0.0).status();
    }
}

#[test]
fn on_a_full_disk_changes_wait_and_nothing_is_half_written() {
    let Some(disk) = SmallDisk::mount("journal-full-disk") else {
        return;
    };
    let folder = disk.0.0.join("journal");
    let mut journal = open(&folder);
    let mut written = Vec::new();
    let error = loop {
        let name = format!("n{}", written.len());
        match journal.append(&[tag(format!("{name} {}", "x".repeat(1_000)))]) {
            Ok(_) => written.push(name),
            Err(error) => break error,
        }
        assert!(written.len() < 100, "the disk has no end");
    };
    let JournalError::NotWritten {
        waiting: 1, source, ..
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
    let names = || -> Vec<String> {
        read(&folder)
            .reviews()
            .records()
            .into_iter()
            .map(name)
            .collect()
    };
    assert_eq!(names(), written);
    assert_eq!(read(&folder).notices(), []);
    assert!(fs::read(journal.path()).unwrap().ends_with(b"\"}\n"));
    assert!(mount(&["-o", "remount,size=1m"], &disk.0.0));
    assert_eq!(journal.retry().unwrap().len(), 1);
    written.push(format!("n{}", written.len()));
    assert_eq!(names(), written);
}

/// A folder that can be closed: remounted, else by its permissions, where these bind the user.
struct ClosableFolder {
    disk: Option<SmallDisk>,
    folder: TemporaryFolder,
}

impl ClosableFolder {
    fn new(name: &str) -> Self {
        Self {
            disk: SmallDisk::mount(name),
            folder: TemporaryFolder::new(&format!("{name}-permissions")),
        }
    }

    fn path(&self) -> PathBuf {
        let folder = self.disk.as_ref().map_or(&self.folder, |disk| &disk.0);
        folder.0.join("journal")
    }

    /// Whether it could be done.
    fn close(&self, is_closed: bool) -> bool {
        if let Some(disk) = &self.disk {
            let how = if is_closed {
                "remount,ro"
            } else {
                "remount,rw"
            };
            return mount(&["-o", how], &disk.0.0);
        }
        let folder = self.path();
        let [of_folder, of_file] = if is_closed {
            [0o555, 0o444]
        } else {
            [0o755, 0o644]
        };
        for entry in fs::read_dir(&folder).unwrap() {
            let permissions = fs::Permissions::from_mode(of_file);
            fs::set_permissions(entry.unwrap().path(), permissions).unwrap();
        }
        fs::set_permissions(&folder, fs::Permissions::from_mode(of_folder)).unwrap();
        let probe = folder.join("probe");
        let is_writable = fs::write(&probe, "").is_ok();
        drop(fs::remove_file(probe));
        is_writable != is_closed
    }
}

#[test]
#[allow(clippy::print_stderr)]
fn in_a_closed_folder_changes_wait() {
    let place = ClosableFolder::new("journal-closed");
    let folder = place.path();
    open(&folder).append(&[tag("a".to_owned())]).unwrap();
    if !place.close(true) {
        eprintln!("skipped: no folder can be closed to this user");
        return;
    }
    let mut journal = open(&folder);
    let error = journal.append(&[tag("b".to_owned())]).unwrap_err();
    assert!(
        matches!(error, JournalError::NotWritten { waiting: 1, .. }),
        "{error:?}"
    );
    let mut of_another = Journal::open(&folder, "bob", "0000000b".parse().unwrap()).unwrap();
    let error = of_another.append(&[tag("c".to_owned())]).unwrap_err();
    assert!(
        matches!(error, JournalError::NotWritten { waiting: 1, .. }),
        "{error:?}"
    );
    assert_eq!(read(&folder).reviews().len(), 1);
    assert!(place.close(false));
    assert_eq!(
        journal.retry().unwrap().len() + of_another.retry().unwrap().len(),
        2
    );
    assert_eq!(read(&folder).reviews().len(), 3);
}
