//! Files that mean harm or were damaged, through the commands: what is whole in them is found, what is not becomes a
//! warning that says where, and nothing in them reaches the terminal as a command.

use serde_json::Value;

use crate::hostile_files::HOSTILE_FILES;
use crate::user::{Ended, User, array, record};

/// Files in which nothing looks like a record: they do not become sources.
const STRANGERS: &[&str] = &[
    "empty.json",
    "white_space.json",
    "garbage.json",
    "utf16_little.json",
    "utf16_big.json",
    "not_objects.json",
];

#[test]
fn whole_records_survive_and_the_rest_is_told() {
    for file in HOSTILE_FILES {
        let user = User::new("hostile");
        file.write_into(&user.path("")).unwrap();
        let name = file.name;
        let source = name.split('.').next().unwrap();
        let added = user.retake(["add", name]);
        let all = user.json(["sources", "--format", "json"]);
        if STRANGERS.contains(&name) {
            let added = added.ends_with(1);
            let reason = format!("`{source}` was not added: {name}");
            assert!(added.stderr.contains(&reason), "{added:?}");
            assert_eq!(all, Value::Array(Vec::new()), "{name}");
            assert_eq!(user.retake(["index"]).succeeds().stdout, "up to date\n");
            continue;
        }
        let told = &all[0];
        assert_eq!(told["name"], source, "{name}: {added:?}");
        let lost = told["unread"].as_u64().unwrap() > 0;
        assert_eq!(
            added.code,
            Some(if lost { 3 } else { 0 }),
            "{name}: {added:?}"
        );
        assert_eq!(user.retake(["index"]).code, added.code, "{name}");
        assert_eq!(user.retake(["sources"]).code, added.code, "{name}");
        user.retake(["search", "two"]).succeeds();

        let found = user.ids("");
        let mut expected: Vec<String> = Vec::new();
        for id in file.intact {
            let repeats = expected
                .iter()
                .filter(|e| e.split(['/', '~']).nth(1) == Some(*id))
                .count();
            let repeat = match repeats {
                0 => String::new(),
                n => format!("~{}", n + 1),
            };
            expected.push(format!("{source}/{id}{repeat}"));
        }
        for id in &expected {
            assert!(found.contains(id), "{name}: no {id} among {found:?}");
        }
        for id in &found {
            user.retake(["show", id]).succeeds();
            user.json(["show", id, "--format", "json"]);
        }
        let warnings = told["warnings"].as_array().unwrap();
        assert!(
            !file.warns || !warnings.is_empty(),
            "{name} is read without a warning"
        );
        assert!(!file.warns || lost, "{name}: {told}");
        for warning in warnings {
            assert_eq!(warning["file"], name, "{warning}");
            let reason = warning["reason"].as_str().unwrap();
            assert!(reason.len() > 10, "{name}: {warning}");
            let whole_file = file.intact.is_empty();
            let place = warning["record"].is_u64() || warning["offset"].is_u64();
            assert!(place || whole_file, "{name}: {warning}");
        }
        // Nothing is dropped silently: what is neither found nor whole was warned of.
        assert_eq!(
            told["records"].as_u64().unwrap(),
            found.len() as u64,
            "{name}"
        );
    }
}

/// A long string, deep nesting and numbers without end take no memory or time to speak of.
#[cfg(target_os = "linux")]
#[test]
fn memory_stays_bounded() {
    for name in [
        "long_string.jsonl",
        "deep_nesting.json",
        "unclosed_nesting.json",
        "garbage.json",
    ] {
        let user = User::new("hostile-memory");
        crate::hostile_files::hostile_file(name)
            .write_into(&user.path(""))
            .unwrap();
        let mut command = std::process::Command::new("sh");
        // Address space, in KiB: threads' stacks and mapped index files count, too.
        let program = user.command(["add", name]);
        command.args(["-c", "ulimit -v 3000000; exec \"$0\" \"$@\""]);
        command.arg(program.get_program()).args(program.get_args());
        command.current_dir(user.path("")).env_clear();
        command.envs(
            program
                .get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        );
        let code = if STRANGERS.contains(&name) { 1 } else { 3 };
        Ended::of(command).ends_with(code);
    }
}

/// What never ends or has no end is not read: neither when it is added nor when it takes a file's place.
#[cfg(unix)]
#[test]
fn pipes_and_devices_are_refused_at_once() {
    let user = User::new("hostile-pipes");
    let pipe = |name: &str| {
        let path = user.path(name);
        drop(std::fs::remove_file(&path));
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
    };
    pipe("pipe.json");
    let started = std::time::Instant::now();
    for path in ["pipe.json", "/dev/null", "/dev/zero"] {
        let refused = user.retake(["add", path]).ends_with(1);
        let reason = format!("{path} is neither a file nor a folder");
        assert!(refused.stderr.contains(&reason), "{refused:?}");
    }
    assert!(!user.path(".retake").exists(), "nothing was made of it");

    let one = |id: &str| array(&[record(id, &format!("What of {id}?"), "x", "y")]);
    user.write("all/a.json", one("apple"));
    pipe("all/b.json");
    std::os::unix::fs::symlink("/dev/zero", user.path("all/c.json")).unwrap();
    user.write("some.json", one("pear"));
    user.retake(["add", "all", "some.json"]).succeeds();
    assert_eq!(user.ids(""), ["all/apple", "some/pear"]);
    pipe("some.json");
    let indexed = user.retake(["index"]).ends_with(3);
    let reason = "some.json is neither a file nor a folder";
    assert!(indexed.stderr.contains(reason), "{indexed:?}");
    assert_eq!(user.ids("apple"), ["all/apple"]);
    user.retake(["show", "some/pear"]).ends_with(1);
    assert!(
        started.elapsed() < std::time::Duration::from_secs(60),
        "somebody waited for them"
    );
}

/// Everything that can name something, hostile: ids, tasks, tools, files, verdicts, models.
fn hostile_record() -> Value {
    const EVIL: &str = "\u{1b}[31mevil\u{1b}]0;title\u{7}\u{202e}live\u{9b}2J\r\u{8}\u{0}";
    let mut hostile = record(EVIL, EVIL, EVIL, EVIL);
    hostile["conversations"][2]["value"] =
        format!("Thought: {EVIL}\n\nCode:\n```py\nresult = visualizer(image_path=\"{EVIL}\")\n```<end_action>").into();
    hostile["conversations"][1]["value"] = format!("Task: {EVIL}\nAttachment: {EVIL}.png\n").into();
    hostile["image"] = format!("data/{EVIL}.jpg").into();
    hostile["traj_verification"] = Value::from(EVIL);
    hostile
}

fn assert_harmless(ended: &Ended) {
    for text in [&ended.stdout, &ended.stderr] {
        let harmful =
            |c: &char| (c.is_control() && !"\n\t".contains(*c)) || "\u{202e}\u{200b}".contains(*c);
        let found = text.chars().find(harmful);
        assert_eq!(found, None, "{ended:?}");
    }
}

#[test]
fn escapes_in_data_never_reach_the_terminal() {
    let user = User::new("hostile-escapes");
    let name = "e\u{1b}[31m\u{202e}vil.json";
    user.write(
        name,
        array(&[hostile_record(), record("plain", "Plain?", "x", "y")]),
    );
    let calls = serde_json::json!([{"messages": [
        {"role": "user", "content": "Call it."},
        {"role": "assistant", "content": null, "tool_calls": [{"type": "function", "id": "1", "function": {"name": "t\u{1b}[2J\u{202e}ool", "arguments": "{\"\u{1b}\": \"\u{1b}\"}"}}]},
        {"role": "tool", "tool_call_id": "1", "content": "\u{1b}[2J\u{202e}"},
        {"role": "assistant", "content": "\u{1b}[2J\u{202e}"},
    ]}]);
    user.write("calls\u{1b}.json", calls.to_string());
    user.write(
        "broken\u{1b}.json",
        array(&[record("a", "x", "x", "x")]).replace("\"yes\"", "\"\u{1b}"),
    );
    user.write("stranger\u{1b}.json", "{\"\u{1b}[31m key\": 1}");
    user.write("folder/not\u{1b}[31mours.json", "{\"\\u001b[31m key\": 1}");
    for arguments in [
        ["add", name].as_slice(),
        &["add", "calls\u{1b}.json"],
        &["add", "broken\u{1b}.json"],
        &["add", "stranger\u{1b}.json"],
        &["add", "folder"],
        &["add", "no\u{1b}where.json"],
        &["add", name, "--name", "\u{1b}[31m"],
        &["add", name, "--as", "\u{1b}[31m"],
        &["remove", "\u{1b}[31m"],
        &["sources"],
        &["sources", "--warnings"],
        &["sources", "--format", "json"],
        &["index", "-v", "--rebuild"],
        &["search"],
        &["search", "evil"],
        &["search", "in:step", "evil"],
        &["search", "\u{1b}[31m:x"],
        &["search", "code:/\u{1b}(/"],
        &["search", "--sort", "\u{1b}"],
        &["search", "--format", "json"],
        &["search", "--format", "jsonl", "evil"],
        &["search", "--format", "ids"],
        &["facets"],
        &["facets", "--format", "json"],
        &["stats"],
        &["stats", "--format", "json"],
        &["show", "no\u{1b}body"],
        &["compare", "\u{1b}", "\u{202e}"],
        &["help", "\u{1b}[31m"],
        &["man", "\u{1b}[31m"],
        &[],
    ] {
        assert_harmless(&user.retake(arguments));
    }
    let ids = user.ids("");
    assert!(ids.len() >= 3, "{ids:?}");
    for id in ids {
        for format in ["text", "json", "raw"] {
            let shown = user
                .retake(["show", &id, "--format", format, "--system-prompt"])
                .succeeds();
            assert_harmless(&shown);
        }
    }
}
