//! A workspace that can be read and not written: a copy of somebody else's, or one on a read-only file system.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use crate::user::{Ended, User, array, record};

/// A folder in which nothing can be written while this lives.
struct ReadOnly(PathBuf);

impl ReadOnly {
    fn new(folder: PathBuf) -> Self {
        set_modes(&folder, 0o555, 0o444);
        Self(folder)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        set_modes(&self.0, 0o755, 0o644);
    }
}

fn set_modes(folder: &Path, folders: u32, files: u32) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            set_modes(&entry.path(), folders, files);
        } else {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(files)).unwrap();
        }
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(folders)).unwrap();
}

/// Runs `retake` as somebody whom modes bind: root is nobody here.
fn as_reader(user: &User, arguments: &[&str]) -> Ended {
    let mut command = user.command(arguments);
    if may_write_anywhere(user) {
        command.uid(NOBODY).gid(NOBODY);
    }
    Ended::of(command)
}

const NOBODY: u32 = 65534;

fn may_write_anywhere(user: &User) -> bool {
    let folder = user.path("probe");
    fs::create_dir_all(&folder).unwrap();
    let _read_only = ReadOnly::new(folder.clone());
    let file = folder.join("file");
    fs::write(&file, "").is_ok() && fs::remove_file(file).is_ok()
}

/// Whether nobody can run the program and look into this folder, which takes modes that are not ours to set.
fn is_within_reach(user: &User) -> bool {
    let mut command = user.command(["--version"]);
    if may_write_anywhere(user) {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.output().is_ok_and(|output| output.status.success())
}

#[test]
#[allow(clippy::print_stderr)]
fn the_last_commit_is_searched() {
    let user = User::new("read-only");
    if !is_within_reach(&user) {
        eprintln!(
            "skipped: nobody else can run {}",
            env!("CARGO_BIN_EXE_retake")
        );
        return;
    }
    let first = record("one", "How many boats?", "three boats", "3");
    user.write("a.json", array(std::slice::from_ref(&first)));
    user.retake(["add", "a.json"]).succeeds();
    let index = user.path(".retake/index");
    let search = ["search", "boats", "--format", "ids"];

    let read_only = ReadOnly::new(user.path(".retake"));
    let ended = as_reader(&user, &search).succeeds();
    assert_eq!(
        (ended.stdout.as_str(), ended.stderr.as_str()),
        ("a/one\n", "")
    );
    as_reader(&user, &["show", "a/one"]).succeeds();

    // What came since is not found, and that is said.
    let second = record("two", "How many boats here?", "two boats", "2");
    user.write("a.json", array(&[first, second]));
    let ended = as_reader(&user, &search).succeeds();
    assert_eq!(ended.stdout, "a/one\n");
    assert_eq!(
        ended.stderr.matches("this may be old").count(),
        1,
        "{ended:?}"
    );
    assert!(
        ended.stderr.contains(&*index.to_string_lossy()),
        "{ended:?}"
    );
    let ended = as_reader(&user, &["index"]);
    assert_ne!(ended.code, Some(0), "{ended:?}");

    // A copy need not have brought the lock files along.
    drop(read_only);
    let locks: Vec<PathBuf> = files(&index)
        .into_iter()
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "lock")
        })
        .collect();
    assert!(!locks.is_empty());
    for lock in locks {
        fs::remove_file(lock).unwrap();
    }
    let read_only = ReadOnly::new(user.path(".retake"));
    assert_eq!(as_reader(&user, &search).succeeds().stdout, "a/one\n");

    drop(read_only);
    assert_eq!(user.ids("boats"), ["a/one", "a/two"]);
}

/// Whoever may look into the folder of an index may read it, whoever made it.
#[test]
fn an_index_is_for_all_who_see_its_folder() {
    let user = User::new("read-only-modes");
    user.write("a.json", array(&[record("one", "A?", "b", "c")]));
    user.retake(["add", "a.json"]).succeeds();
    let index = user.path(".retake/index");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o444;
    let expected = mode(&index);
    for file in files(&index) {
        assert_eq!(mode(&file), expected, "{}", file.display());
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// Where nothing can be written, nothing is decided, and that is said; what can be read is shown.
#[test]
#[allow(clippy::print_stderr)]
fn nothing_is_decided_where_nothing_can_be_written() {
    let user = User::new("read-only-review");
    if !is_within_reach(&user) {
        eprintln!(
            "skipped: nobody else can run {}",
            env!("CARGO_BIN_EXE_retake")
        );
        return;
    }
    user.write(
        "a.json",
        array(&[record("one", "How many boats?", "b", "c")]),
    );
    user.retake(["add", "a.json"]).succeeds();
    let accept = ["--as-user", "ana", "review", "accept", "a/one"];
    let refused = |user: &User| {
        let ended = as_reader(user, &accept).ends_with(1);
        assert!(
            ended.stderr.starts_with("error: nothing was saved: "),
            "{ended:?}"
        );
        assert!(ended.stderr.contains("hint: "), "{ended:?}");
        let search = [
            "--as-user",
            "ana",
            "search",
            "is:reviewed",
            "--format",
            "ids",
        ];
        assert_eq!(as_reader(user, &search).succeeds().stdout, "");
    };
    {
        let _read_only = ReadOnly::new(user.path(".retake"));
        refused(&user);
    }
    // A workspace that was reviewed before has its writer id; then it is the journal that can't be written.
    user.retake(["--as-user", "ana", "review", "tag", "x", "a/one"])
        .succeeds();
    let _read_only = ReadOnly::new(user.path(".retake"));
    refused(&user);
    let tagged = ["search", "tag:x", "--format", "ids"];
    assert_eq!(as_reader(&user, &tagged).succeeds().stdout, "a/one\n");
}
