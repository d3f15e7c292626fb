//! Whatever stops a build, and whoever else is at work, the workspace stays usable.
#![cfg(unix)]

use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::generator::corpus::{Plan, write};
use crate::user::{Ended, User, array, record};

const TRAJECTORIES: usize = 2_000;

/// A workspace that takes a while to index: a small source, indexed, and a large one, only declared.
fn user_with_much_to_do(name: &str) -> User {
    let user = User::new(name);
    user.write(
        "small.json",
        array(&[record("here", "Is this here?", "Yes.", "Yes")]),
    );
    user.retake(["add", "small.json"]).succeeds();
    let plan = Plan {
        trajectories: TRAJECTORIES,
        steps: TRAJECTORIES * 5,
        pairs: 0,
        seed: 3,
        jsonl: false,
    };
    write(&plan, &user.path("")).unwrap();
    let file = user.path(".retake/workspace.toml");
    let text = fs::read_to_string(&file).unwrap();
    let more = "\n[[source]]\nname = \"large\"\npath = \"m-trace.json\"\n";
    fs::write(&file, text + more).unwrap();
    user.retake(["trust"]).succeeds();
    user
}

fn start(user: &User) -> Child {
    let mut command = user.command(["index"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits until the child holds the lock of the index, and then for some part of its work.
fn wait_until_it_builds(user: &User, child: &mut Child, more: Duration) {
    let started = Instant::now();
    loop {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it was done before it could be stopped"
        );
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "it never began"
        );
        if let Ok(lock) = File::open(user.path(".retake/index/lock"))
            && matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock))
        {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(more);
    assert!(
        child.try_wait().unwrap().is_none(),
        "it was done before it could be stopped"
    );
}

fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn assert_complete(user: &User) {
    let facets = user.json(["facets", "--field", "source", "--format", "json"]);
    let wanted = serde_json::json!({"small": 1, "large": TRAJECTORIES});
    assert_eq!(facets["facets"]["source"], wanted);
    let ids = user.ids("source:large");
    assert_eq!(ids.len(), TRAJECTORIES);
    for id in [&ids[0], &ids[TRAJECTORIES / 2], &ids[TRAJECTORIES - 1]] {
        user.retake(["show", id]).succeeds();
    }
    assert_eq!(user.retake(["index"]).succeeds().stdout, "up to date\n");
}

#[test]
fn a_killed_build_is_repaired_by_the_next_command() {
    let user = user_with_much_to_do("interruption-kill");
    for milliseconds in [0, 40, 150] {
        let mut child = start(&user);
        wait_until_it_builds(&user, &mut child, Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(user.ids("source:small"), ["small/here"]);
    assert_complete(&user);
}

#[test]
fn a_killed_rebuild_is_repaired_by_the_next_command() {
    let user = user_with_much_to_do("interruption-rebuild");
    user.retake(["index"]).succeeds();
    let mut command = user.command(["index", "--rebuild"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    wait_until_it_builds(&user, &mut child, Duration::from_millis(100));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_complete(&user);
}

#[test]
fn ctrl_c_ends_a_build_and_the_next_command_completes_it() {
    let user = user_with_much_to_do("interruption-signal");
    let mut child = start(&user);
    wait_until_it_builds(&user, &mut child, Duration::from_millis(60));
    let id = child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status();
    assert!(sent.unwrap().success());
    let stopped = Instant::now();
    let ended = ended(child).ends_with(1);
    assert!(stopped.elapsed() < Duration::from_secs(20));
    assert!(ended.stderr.contains("retake index"), "{ended:?}");
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
    assert_complete(&user);
}

#[test]
fn two_processes_at_once_do_no_harm() {
    let user = user_with_much_to_do("interruption-two");
    let mut first = start(&user);
    wait_until_it_builds(&user, &mut first, Duration::ZERO);
    // Whoever only reads does not wait, and sees the last commit whole.
    let seen = user.ids("source:small");
    assert_eq!(seen, ["small/here"]);
    user.retake(["show", "small/here"]).succeeds();
    // Whoever builds waits.
    let second = start(&user);
    let third = start(&user);
    for child in [first, second, third] {
        let ended = ended(child).succeeds();
        assert!(!ended.stderr.contains("panicked"), "{ended:?}");
    }
    assert_complete(&user);
}

#[test]
fn sources_that_are_added_at_once_are_all_there() {
    let user = User::new("interruption-add");
    let names: Vec<String> = (0..6).map(|n| format!("source{n}")).collect();
    for name in &names {
        let records: Vec<_> = (0..50)
            .map(|n| record(&format!("r{n}"), &format!("What of {name}?"), "x", "y"))
            .collect();
        user.write(&format!("{name}.json"), array(&records));
    }
    // All of them make the workspace, too.
    let children: Vec<Child> = names
        .iter()
        .map(|name| {
            let mut command = user.command(["add", &format!("{name}.json")]);
            command
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    for (child, name) in children.into_iter().zip(&names) {
        let ended = ended(child).succeeds();
        assert!(!ended.stderr.contains("panicked"), "{ended:?}");
        assert!(ended.stdout.contains(name), "{ended:?}");
    }
    let file = fs::read_to_string(user.path(".retake/workspace.toml")).unwrap();
    for name in &names {
        let count = file.matches(&format!("name = \"{name}\"")).count();
        assert_eq!(count, 1, "{name}: {file}");
    }
    let facets = user.json(["facets", "--field", "source", "--format", "json"]);
    for name in &names {
        assert_eq!(facets["facets"]["source"][name], 50, "{facets}");
    }
    assert_eq!(user.retake(["index"]).succeeds().stdout, "up to date\n");
}
