//! The index follows its sources: what changed is read, the rest is left alone, and no state of the disk harms it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use retake::config::Config;
use retake::corpus::Corpus;
use retake::index::Sort;
use retake::index::query::Query;
use retake::jobs::Progress;
use retake::workspace::Workspace;
use serde_json::{Value, json};

use crate::user::{User, array, gta_run, gta_tasks, lines, record};

/// Records 0, 1, 2 … with a word of their own each: `word0` …
fn numbered(count: usize) -> Vec<Value> {
    (0..count)
        .map(|n| {
            record(
                &format!("r{n}"),
                &format!("What of word{n}?"),
                "It is.",
                "Yes",
            )
        })
        .collect()
}

/// What `index` says that it did.
fn indexed(user: &User) -> String {
    user.retake(["index"]).succeeds().stdout
}

/// Every record that the index knows can be shown, and is the one that its id says.
fn assert_all_show(user: &User, ids: &[&str]) {
    assert_eq!(user.ids(""), ids);
    for id in ids {
        let shown = user.json(["show", id, "--format", "json"]);
        assert_eq!(shown["id"], *id);
        let raw = user.json(["show", id, "--format", "raw"]);
        let natural = id.rsplit('/').next().unwrap().split('~').next().unwrap();
        assert_eq!(raw["id"], natural, "{id} shows another record");
    }
}

#[test]
fn what_did_not_change_is_not_read() {
    let user = User::new("incremental-same");
    let path = user.write("some.json", array(&numbered(3)));
    user.retake(["add", "some.json"]).succeeds();
    assert_eq!(indexed(&user), "up to date\n");

    // Another time, equal bytes: looked at, not indexed again.
    let file = fs::File::options().append(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(5))
        .unwrap();
    assert_eq!(indexed(&user), "up to date\n");
    assert_all_show(&user, &["some/r0", "some/r1", "some/r2"]);

    // Equal stamps: not even looked at, so that other bytes go unseen until the next real change.
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("word1", "wordX")).unwrap();
    let file = fs::File::options().append(true).open(&path).unwrap();
    file.set_modified(modified).unwrap();
    assert_eq!(indexed(&user), "up to date\n");
    // What is shown is checked against its hash.
    let shown = user.retake(["show", "some/r1"]).ends_with(1);
    assert!(shown.stderr.contains("changed"), "{shown:?}");
    user.retake(["index", "--rebuild"]).succeeds();
    assert_eq!(user.ids("wordX"), ["some/r1"]);
}

#[test]
fn appended_lines_are_added_alone() {
    let user = User::new("incremental-append");
    let all = numbered(5);
    user.write("some.jsonl", lines(&all[..3]));
    user.retake(["add", "some.jsonl"]).succeeds();
    user.write("some.jsonl", lines(&all));
    assert_eq!(indexed(&user), "some: 2 added, 0 changed, 0 removed\n");
    assert_all_show(
        &user,
        &["some/r0", "some/r1", "some/r2", "some/r3", "some/r4"],
    );
    assert_eq!(user.ids("word4"), ["some/r4"]);

    // Ids and duplicate tasks are told across the seam.
    let mut again = all[0].clone();
    again["answer"] = "No".into();
    user.write("some.jsonl", lines(&[all, vec![again]].concat()));
    assert_eq!(user.ids("word0"), ["some/r0", "some/r0~2"]);
    assert_eq!(user.ids("flag:duplicate-task"), ["some/r0~2"]);

    // A last line without its end was read as it stood; what is appended to it makes it another.
    let path = user.path("some.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let half = record("late", "What of wordlate?", "It is.", "Yes").to_string();
    fs::write(&path, format!("{text}{}", &half[..half.len() / 2])).unwrap();
    user.retake(["index"]).ends_with(3);
    fs::write(&path, format!("{text}{half}\n")).unwrap();
    user.retake(["index"]).succeeds();
    assert_eq!(user.ids("wordlate"), ["some/late"]);
    let sources = user.json(["sources", "--format", "json"]);
    assert_eq!(sources[0]["unread"], 0, "{sources}");
}

#[test]
fn a_changed_record_is_replaced_and_the_others_are_found_where_they_are_now() {
    let user = User::new("incremental-change");
    let mut records = numbered(4);
    user.write("some.json", array(&records));
    user.retake(["add", "some.json"]).succeeds();

    let longer = "What of the new wordy thing, which takes much more room?";
    records[1] = record("r1", longer, "It is.", "Yes");
    user.write("some.json", array(&records));
    assert_eq!(indexed(&user), "some: 0 added, 1 changed, 0 removed\n");
    assert_eq!(user.ids("wordy"), ["some/r1"]);
    assert_eq!(user.ids("word1"), [""; 0]);
    assert_eq!(
        user.ids("in:step id:some/r1").len(),
        1,
        "no old steps are left"
    );
    assert_all_show(&user, &["some/r0", "some/r1", "some/r2", "some/r3"]);

    records.remove(2);
    user.write("some.json", array(&records));
    assert_eq!(indexed(&user), "some: 0 added, 0 changed, 1 removed\n");
    assert_eq!(user.ids("word2"), [""; 0]);
    assert_all_show(&user, &["some/r0", "some/r1", "some/r3"]);
    user.retake(["show", "some/r2"]).ends_with(1);

    records.swap(0, 2);
    user.write("some.json", array(&records));
    assert_eq!(indexed(&user), "some: 0 added, 0 changed, 0 removed\n");
    let mut ids = user.ids("");
    ids.sort();
    assert_eq!(ids, ["some/r0", "some/r1", "some/r3"]);
    for id in ids {
        user.retake(["show", &id]).succeeds();
    }
}

#[test]
fn files_of_a_folder_come_and_go() {
    let user = User::new("incremental-folder");
    let records = numbered(6);
    user.write("all/a.json", array(&records[..2]));
    user.write("all/b.jsonl", lines(&records[2..4]));
    user.retake(["add", "all"]).succeeds();
    user.write("all/aa.json", array(&records[4..]));
    assert_eq!(indexed(&user), "all: 2 added, 0 changed, 0 removed\n");
    let mut ids = user.ids("");
    ids.sort();
    assert_eq!(
        ids,
        ["all/r0", "all/r1", "all/r2", "all/r3", "all/r4", "all/r5"]
    );
    for id in &ids {
        user.retake(["show", id]).succeeds();
    }
    fs::remove_file(user.path("all/a.json")).unwrap();
    assert!(indexed(&user).starts_with("all: 0 added, "));
    let mut ids = user.ids("");
    ids.sort();
    assert_eq!(ids, ["all/r2", "all/r3", "all/r4", "all/r5"]);
    for id in &ids {
        user.retake(["show", id]).succeeds();
    }
}

#[test]
fn only_files_that_changed_are_read() {
    let user = User::new("incremental-per-file");
    let records = numbered(6);
    let kept = user.write("all/a.jsonl", lines(&records[..2]));
    user.write("all/b.jsonl", lines(&records[2..4]));
    user.retake(["add", "all"]).succeeds();
    // Other bytes under an equal stamp: whoever read this file would see them.
    let modified = fs::metadata(&kept).unwrap().modified().unwrap();
    let text = fs::read_to_string(&kept).unwrap();
    fs::write(&kept, text.replace("word1", "wordX")).unwrap();
    let file = fs::File::options().append(true).open(&kept).unwrap();
    file.set_modified(modified).unwrap();

    user.write("all/b.jsonl", lines(&records[2..]));
    assert_eq!(indexed(&user), "all: 2 added, 0 changed, 0 removed\n");
    assert_eq!(user.ids("wordX"), [""; 0]);
    let all = ["all/r0", "all/r1", "all/r2", "all/r3", "all/r4", "all/r5"];
    assert_eq!(user.ids(""), all);
    let counts = user.json(["sources", "--format", "json"]);
    assert_eq!(counts[0]["trajectories"], 6, "{counts}");

    // A twin in a file before takes the plain id: the kept record gets another, so it is read after all.
    user.write(
        "all/0.json",
        array(&[record("r1", "First?", "It is.", "Yes")]),
    );
    user.retake(["index"]).succeeds();
    assert_eq!(user.ids("wordX"), ["all/r1~2"]);
    assert_eq!(user.ids("First"), ["all/r1"]);
}

#[test]
fn broken_files_of_a_folder_are_named_and_sound_strangers_are_counted() {
    let user = User::new("incremental-strangers");
    user.write("all/ok.jsonl", lines(&numbered(2)));
    for n in 0..3 {
        user.write(
            &format!("all/{n}/final_answer.json"),
            r#"{"final_answer": "3"}"#,
        );
    }
    let added = user.retake(["add", "all"]).succeeds();
    let counted = "warning 3 of its files hold no records, 0/final_answer.json first";
    assert!(added.stdout.contains(counted), "{added:?}");

    let utf16: Vec<u8> = "[1]".encode_utf16().flat_map(u16::to_le_bytes).collect();
    user.write("all/wide.json", [&[0xff, 0xfe], utf16.as_slice()].concat());
    user.write("all/cut.json", &array(&numbered(1))[..40]);
    user.write("all/empty.json", "");
    user.write("all/noise.parquet", [7; 300]);
    user.retake(["index"]).ends_with(3);
    let sources = user.json(["sources", "--format", "json"]);
    assert_eq!(sources[0]["unread"], 4, "{sources}");
    let told = user.retake(["sources", "--warnings"]).stdout;
    for (file, reason) in [
        ("wide.json", "UTF-16"),
        ("cut.json", "cut"),
        ("empty.json", "empty"),
        ("noise.parquet", "neither"),
    ] {
        let line = told.lines().find(|line| line.contains(file));
        assert!(
            line.is_some_and(|line| line.contains(reason)),
            "{file}: {told}"
        );
    }
    assert_eq!(user.ids(""), ["all/r0", "all/r1"]);
}

#[test]
fn a_folder_without_data_is_told_and_hidden_folders_are_looked_into_where_there_is_nothing_else() {
    let user = User::new("incremental-hidden");
    user.write("all/notes.txt", "nothing");
    let added = user.retake(["add", "all"]).ends_with(3);
    assert!(added.stdout.contains("no files of data"), "{added:?}");
    user.write("all/.cache/some.jsonl", lines(&numbered(1)));
    user.write("all/.git/other.jsonl", lines(&numbered(3)));
    assert_eq!(user.ids(""), ["all/r0"]);
}

#[test]
fn records_come_in_the_order_of_their_file_wherever_they_were_inserted() {
    let user = User::new("incremental-order");
    let records = numbered(4);
    user.write("some.json", array(&records[1..3]));
    user.retake(["add", "some.json"]).succeeds();
    user.write("some.json", array(&records));
    assert_eq!(indexed(&user), "some: 2 added, 0 changed, 0 removed\n");
    let in_order = ["some/r0", "some/r1", "some/r2", "some/r3"];
    assert_eq!(user.ids(""), in_order);
    // Equal scores come in that order, too.
    let found = user.retake(["search", "careful OR what", "--format", "ids"]);
    assert_eq!(found.stdout.lines().collect::<Vec<_>>(), in_order);
}

#[test]
fn a_removed_source_disappears() {
    let user = User::new("incremental-remove");
    user.write("one.json", array(&numbered(2)));
    user.write("two.json", array(&numbered(2)));
    user.retake(["add", "one.json", "two.json"]).succeeds();
    assert_eq!(user.ids("word1"), ["one/r1", "two/r1"]);
    user.retake(["remove", "one"]).succeeds();
    assert_eq!(user.ids("word1"), ["two/r1"]);
    assert!(user.path("one.json").exists(), "its file stays");
    let facets = user.json(["facets", "--field", "source", "--format", "json"]);
    assert_eq!(facets["facets"]["source"], json!({"two": 2}));

    // A new source of that name has nothing of the old one.
    user.write("three.json", array(&numbered(1)));
    user.retake(["add", "three.json", "--name", "one"])
        .succeeds();
    assert_eq!(user.ids("source:one"), ["one/r0"]);

    // Lines that a person takes out of workspace.toml are as good.
    let file = user.path(".retake/workspace.toml");
    let text = fs::read_to_string(&file).unwrap();
    let kept = text.find("[[source]]\nname = \"one\"").unwrap();
    fs::write(&file, &text[..kept]).unwrap();
    assert_eq!(user.ids("word0"), ["two/r0"]);
}

/// A source whose file is gone is no reason to stop, and none to be silent.
#[test]
fn a_missing_file_is_told_and_comes_back() {
    let user = User::new("incremental-missing");
    let path = user.write("some.json", array(&numbered(2)));
    user.write("other.json", array(&[record("o", "Other?", "x", "y")]));
    user.retake(["add", "some.json", "other.json"]).succeeds();
    let text = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    // A search finds what was indexed; whoever asks for the sources to be read hears that one was not.
    for (arguments, code) in [
        (["search", "Other"].as_slice(), 0),
        (&["sources"], 3),
        (&["sources", "--format", "json"], 3),
        (&["index"], 3),
        (&["-q", "index"], 3),
    ] {
        let ended = user.retake(arguments).ends_with(code);
        let warnings = ended.stderr.matches("warning: source `some`").count();
        let wanted = usize::from(arguments[0] != "-q");
        assert_eq!(warnings, wanted, "the missing file, once: {ended:?}");
    }
    let sources = user.json(["sources", "--format", "json"]);
    let closed = |name: &str| {
        let all = sources.as_array().unwrap();
        &all.iter().find(|source| source["name"] == name).unwrap()["closed"]
    };
    let reason = closed("some").as_str().unwrap();
    assert!(reason.contains("some.json"), "{reason}");
    assert!(closed("other").is_null());
    assert_eq!(user.ids("other"), ["other/o"]);
    let shown = user.retake(["show", "some/r1"]).ends_with(1);
    assert!(shown.stderr.contains("some.json"), "{shown:?}");
    fs::write(&path, text).unwrap();
    assert_all_show(&user, &["some/r0", "some/r1", "other/o"]);
}

#[test]
fn records_with_one_id_are_told_apart() {
    let user = User::new("incremental-twins");
    let twins: Vec<Value> = ["apple", "pear", "plum"]
        .map(|fruit| record("twin", fruit, "It is.", "Yes"))
        .into();
    user.write("some.json", array(&twins));
    let added = user.retake(["add", "some.json"]).succeeds();
    assert!(
        added.stdout.contains("2 warnings") && added.stdout.contains("`twin~2`"),
        "{added:?}"
    );
    assert_all_show(&user, &["some/twin", "some/twin~2", "some/twin~3"]);
    assert_eq!(user.ids("pear"), ["some/twin~2"]);

    // The first keeps the plain id.
    user.write("some.json", array(&twins[1..]));
    user.retake(["index"]).succeeds();
    assert_all_show(&user, &["some/twin", "some/twin~2"]);
    assert_eq!(
        (user.ids("pear"), user.ids("apple")),
        (vec!["some/twin".to_owned()], Vec::new())
    );
}

#[test]
fn gold_that_comes_later_scores_the_runs() {
    let user = User::new("incremental-gold");
    user.write("run.json", gta_run(&[(1, "right"), (2, "wrong")]));
    user.retake(["add", "run.json"]).succeeds();
    assert_eq!(user.ids("outcome:unknown"), ["run/1", "run/2"]);
    user.write("gta/dataset.json", gta_tasks(&[1, 2]));
    user.retake(["add", "gta"]).succeeds();
    assert_eq!(user.ids("run:run outcome:pass"), ["run/1"]);
    assert_eq!(user.ids("run:run outcome:fail"), ["run/2"]);

    let prediction = |id: &str, answer: &str| json!({"task_id": id, "model_answer": answer, "reasoning_trace": "."});
    let task = |id: &str, answer: &str| {
        json!({"task_id": id, "Question": "How many?", "Level": 1, "Final answer": answer, "file_name": "",
            "Annotator Metadata": {"Steps": "1. Count.", "Tools": "None"}})
    };
    user.write(
        "later.jsonl",
        lines(&[prediction("t1", "3"), prediction("t2", "4")]),
    );
    user.retake(["add", "later.jsonl"]).succeeds();
    assert_eq!(user.ids("source:later outcome:unknown").len(), 2);
    user.write("metadata.jsonl", lines(&[task("t1", "3"), task("t2", "5")]));
    user.retake(["add", "metadata.jsonl"]).succeeds();
    let outcomes = || {
        ["pass", "fail", "unknown"]
            .map(|o| user.ids(&format!("source:later outcome:{o}")).join(" "))
    };
    assert_eq!(outcomes(), ["later/t1", "later/t2", ""]);
    let shown = user.retake(["show", "later/t2"]).succeeds().stdout;
    assert!(
        shown.contains("Outcome fail") && shown.contains("Reference answer\n  5"),
        "{shown}"
    );

    user.write("metadata.jsonl", lines(&[task("t1", "4"), task("t2", "4")]));
    assert_eq!(
        outcomes(),
        ["later/t2", "later/t1", ""],
        "corrected references score anew"
    );
    user.retake(["remove", "metadata"]).succeeds();
    assert_eq!(outcomes(), ["", "", "later/t1 later/t2"]);
}

/// The tail is scored with the new references, and so is the head that was scored with the old ones.
#[test]
fn a_run_that_grows_while_its_references_change_is_scored_anew() {
    let prediction = |id: usize, answer: &str| json!({"task_id": format!("t{id}"), "model_answer": answer, "reasoning_trace": "."});
    let task = |id: usize, answer: &str| {
        json!({"task_id": format!("t{id}"), "Question": "How many?", "Level": 1, "Final answer": answer, "file_name": "",
            "Annotator Metadata": {"Steps": "1. Count.", "Tools": "None"}})
    };
    // Whichever of both is looked at first.
    for order in [
        ["metadata.jsonl", "run.jsonl"],
        ["run.jsonl", "metadata.jsonl"],
    ] {
        let user = User::new("incremental-gold-append");
        let run = [prediction(1, "3"), prediction(2, "4"), prediction(3, "3")];
        user.write("run.jsonl", lines(&run[..2]));
        let tasks = |answers: [&str; 3]| {
            let tasks: Vec<Value> = (1..).zip(answers).map(|(n, a)| task(n, a)).collect();
            user.write("metadata.jsonl", lines(&tasks));
        };
        tasks(["3", "3", "3"]);
        user.retake(["add", order[0], order[1]]).succeeds();
        let outcomes = || {
            ["pass", "fail", "unknown"]
                .map(|o| user.ids(&format!("source:run outcome:{o}")).join(" "))
        };
        assert_eq!(outcomes(), ["run/t1", "run/t2", ""]);

        user.write("run.jsonl", lines(&run));
        tasks(["4", "4", "4"]);
        assert_eq!(outcomes(), ["run/t2", "run/t1 run/t3", ""], "{order:?}");
        assert_eq!(indexed(&user), "up to date\n");
        for (id, outcome) in [("run/t1", "fail"), ("run/t2", "pass"), ("run/t3", "fail")] {
            let shown = user.retake(["show", id]).succeeds().stdout;
            assert!(
                shown.contains(&format!("Outcome {outcome}")),
                "{id}: {shown}"
            );
        }
    }
}

/// Whoever has opened a commit goes on reading its files, whatever is built meanwhile.
#[test]
fn a_rebuild_writes_beside_the_last_commit() {
    let user = User::new("incremental-generations");
    user.write("some.json", array(&numbered(3)));
    user.write("other.jsonl", lines(&numbered(2)));
    user.retake(["add", "some.json", "other.jsonl"]).succeeds();
    let results = || {
        [
            user.json(["search", "word1", "--format", "json"]),
            user.json(["stats", "--format", "json"]),
            user.json(["show", "some/r2", "--format", "json"]),
        ]
    };
    let before = results();
    let files = || -> BTreeMap<String, Vec<u8>> {
        fs::read_dir(user.path(".retake/index"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, fs::read(path).unwrap())
            })
            .filter(|(name, _)| name.starts_with("state-") || name.starts_with("records-"))
            .collect()
    };
    let newest = |files: &BTreeMap<String, Vec<u8>>| -> u64 {
        let number = |name: &String| {
            name.strip_prefix("state-")?
                .strip_suffix(".json")?
                .parse()
                .ok()
        };
        files.keys().filter_map(number).max().unwrap()
    };
    let mut known = files();
    for _ in 0..3 {
        user.retake(["index", "--rebuild"]).succeeds();
        let now = files();
        assert!(newest(&now) > newest(&known), "{:?}", now.keys());
        for (name, bytes) in &known {
            // The commit before the last may be gone.
            let unchanged = now.get(name).is_none_or(|now| now == bytes);
            assert!(unchanged, "{name} was written again");
        }
        let last = format!("state-{}.json", newest(&known));
        assert!(now.contains_key(&last), "{last} is gone: {:?}", now.keys());
        let tables = |files: &BTreeMap<String, Vec<u8>>| -> Vec<String> {
            let state: Value =
                serde_json::from_slice(&files[&format!("state-{}.json", newest(files))]).unwrap();
            let sources = state["sources"].as_array().unwrap().iter();
            sources
                .map(|source| source["table"].as_str().unwrap().to_owned())
                .collect()
        };
        for table in tables(&now) {
            assert!(
                !tables(&known).contains(&table),
                "{table} was written again"
            );
        }
        assert_eq!(results(), before);
        known = now;
    }
}

/// A file that opens and can't be read, by nobody: the kernel says no.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_read_keeps_nobody_from_the_others() {
    let unreadable = |path: &std::path::Path| {
        fs::remove_file(path).unwrap();
        std::os::unix::fs::symlink("/proc/self/mem", path).unwrap();
    };
    let user = User::new("incremental-unreadable");
    let records = numbered(6);
    let first = user.write("first.json", array(&records[..1]));
    let inner = user.write("all/b.jsonl", lines(&records[2..3]));
    user.write("all/a.json", array(&records[1..2]));
    user.write("all/c.json", array(&records[3..4]));
    let missing = user.write("missing.json", array(&records[4..5]));
    user.write("last.json", array(&records[5..]));
    user.retake(["add", "first.json", "all", "missing.json", "last.json"])
        .succeeds();
    unreadable(&first);
    unreadable(&inner);
    fs::remove_file(&missing).unwrap();
    std::os::unix::fs::symlink("nowhere.json", &missing).unwrap();
    user.write(
        "all/d.json",
        array(&[record("new", "What of wordnew?", "It is.", "Yes")]),
    );
    user.write(
        "last.json",
        array(&[record("newer", "What of wordnewer?", "It is.", "Yes")]),
    );

    let indexed = user.retake(["index"]).ends_with(3);
    assert!(indexed.stderr.contains("`missing`"), "{indexed:?}");
    assert_eq!(user.ids("wordnew"), ["all/new"]);
    assert_eq!(user.ids("word1"), ["all/r1"]);
    assert_eq!(user.ids("word3"), ["all/r3"]);
    assert_eq!(user.ids("wordnewer"), ["last/newer"]);
    let warnings = user.retake(["sources"]).ends_with(3).stdout;
    for file in ["first.json", "b.jsonl"] {
        assert!(warnings.contains(file), "{file} is not named: {warnings}");
    }
}

#[test]
fn index_and_cache_can_be_deleted_at_any_time() {
    let user = User::new("incremental-delete");
    user.write("some.json", array(&numbered(2)));
    let zipped = {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut out, lines(&numbered(2)).as_bytes()).unwrap();
        out.finish().unwrap()
    };
    user.write("zipped.jsonl.gz", zipped);
    user.retake(["add", "some.json", "zipped.jsonl.gz"])
        .succeeds();
    let ids = ["some/r0", "some/r1", "zipped/r0", "zipped/r1"];
    assert_all_show(&user, &ids);
    let before = user.json(["search", "word1", "--format", "json"]);
    for folder in ["index", "cache"] {
        fs::remove_dir_all(user.path(".retake").join(folder)).unwrap();
        assert_all_show(&user, &ids);
        assert_eq!(user.json(["search", "word1", "--format", "json"]), before);
    }
    // Damaged files are as good as none.
    let is_meta = |name: &str| name == "meta.json";
    let is_ours = |name: &str| name.starts_with("state-") || name.starts_with("records-");
    let is_segment = |name: &str| !is_meta(name) && !is_ours(name);
    let kinds: [&dyn Fn(&str) -> bool; 4] = [&is_meta, &is_ours, &is_segment, &|_| true];
    for is_damaged in kinds {
        for damage in [b"".as_slice(), b"{}", &[0; 100]] {
            let mut folders = vec![user.path(".retake/index")];
            while let Some(folder) = folders.pop() {
                for entry in fs::read_dir(folder).unwrap() {
                    let path = entry.unwrap().path();
                    let name = path.file_name().unwrap().to_str().unwrap();
                    match path.is_dir() {
                        true => folders.push(path),
                        false if is_damaged(name) => fs::write(&path, damage).unwrap(),
                        false => {}
                    }
                }
            }
            assert_eq!(user.json(["search", "word1", "--format", "json"]), before);
            assert_all_show(&user, &ids);
        }
    }
}

#[test]
fn who_opens_while_others_commit_sees_a_whole_commit() {
    const COMMITS: usize = 40;
    let user = User::new("incremental-race");
    let all = numbered(COMMITS + 1);
    let path = user.write("some.jsonl", lines(&all[..1]));
    user.retake(["add", "some.jsonl"]).succeeds();
    let config = Config::load(None).unwrap();
    let open = |wait| {
        let workspace = Workspace::open(&user.folder().join("work"), None).unwrap();
        let opened = Corpus::open(&workspace, &config, &Progress::default(), wait);
        let (corpus, _) = opened.unwrap_or_else(|error| panic!("{error}"));
        let found = corpus.search(&Query::default(), Sort::Source, 0, 1);
        found.unwrap_or_else(|error| panic!("{error}")).total
    };
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut seen = 1;
                while !is_over.load(Ordering::Relaxed) {
                    let total = open(false);
                    assert!(total >= seen, "{total} after {seen}");
                    seen = total;
                }
            });
        }
        for record in &all[1..] {
            let mut file = fs::File::options().append(true).open(&path).unwrap();
            file.write_all(lines(std::slice::from_ref(record)).as_bytes())
                .unwrap();
            open(true);
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!(open(true), COMMITS + 1);
}
