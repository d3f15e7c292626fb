//! The contract of the command line: what each command prints on both outputs and how it ends. Snapshots are in
//! `tests/snapshots/`; after a wanted change, run with INSTA_UPDATE=always and look at the difference.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use insta::assert_snapshot;
use retake::ingest::FORMATS;
use serde_json::Value;

use crate::user::{Ended, User, array, gta_run, gta_tasks, lines, record};

fn in_snapshots(check: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(check);
}

/// Compares with the snapshot of this name.
macro_rules! snapshot {
    ($name:literal, $text:expr) => {
        in_snapshots(|| assert_snapshot!($name, $text))
    };
}

/// Three trajectories, one of them with an observation that is an error.
fn user_with_records(name: &str) -> User {
    let user = User::new(name);
    let mut failed = record("bridge", "How long is the bridge?", "x", "90 m");
    failed["conversations"][3]["value"] = "[OUTPUT OF STEP 0] Error:\nNameError: it".into();
    failed["correct"] = "no".into();
    failed["traj_verification"] = r#"{"thought": "Nothing supports 90.", "correct": "no"}"#.into();
    let records = [
        record("tower", "How tall is the tower?", "The tower: 70 m", "70 m"),
        failed,
        record("old tower", "How old is it?", "Built in 1420.", "600 years"),
    ];
    user.write("data/trips.json", array(&records));
    user.retake(["add", "data/trips.json"]).succeeds();
    user
}

#[test]
fn without_a_workspace() {
    let user = User::new("cli-nothing");
    let transcript = user.transcript(&[
        &[],
        &["search", "boats"],
        &["--workspace", "nowhere", "search", "boats"],
        &["--demo"],
        &["--demo", "search", "boats", "--limit", "2"],
        &["search", "--limit", "many"],
        &["serach"],
        &["--version"],
    ]);
    snapshot!(
        "without_a_workspace",
        transcript.replace(env!("CARGO_PKG_VERSION"), "[VERSION]")
    );
    assert!(
        !user.path(".retake").exists(),
        "looking around makes nothing"
    );
}

#[test]
fn help() {
    let user = User::new("cli-help");
    snapshot!(
        "help",
        user.transcript(&[&["help", "search"], &["help", "nothing"]])
    );
    snapshot!("help_query", user.transcript(&[&["help", "query"]]));
}

#[test]
fn adding_and_removing() {
    let user = User::new("cli-add");
    let trips = [record("a", "One?", "1", "1"), record("b", "Two?", "2", "2")];
    user.write("trips.json", array(&trips));
    user.write("more/trips.jsonl", lines(&trips));
    user.write(
        "broken.json",
        array(&trips).replace("\"id\":\"b\"", "\"id\": \"\\ud800\""),
    );
    user.write("letter.json", "{\"dear\": \"reader\"}");
    user.write("mixed/one.json", array(&trips));
    user.write("mixed/notes.json", "{\"dear\": \"reader\"}");
    snapshot!(
        "adding_and_removing",
        user.transcript(&[
            &["add", "trips.json"],
            &["add", "trips.json", "more/trips.jsonl"],
            &["add", "broken.json"],
            &["add", "mixed"],
            &["add", "letter.json"],
            &["add", "letter.json", "more/trips.jsonl", "broken.json"],
            &["add", "trips.json", "--as", "letter"],
            &["add", "trips.json", "more", "--name", "two"],
            &["add", "more", "--name", "a/b"],
            &["add", "more", "--name", "trips"],
            &["add", "missing.json"],
            &["sources"],
            &["-q", "index"],
            &["remove", "broken", "mixed"],
            &["remove", "letter"],
            &["index"],
        ])
    );
}

#[test]
fn searching() {
    let user = user_with_records("cli-search");
    snapshot!(
        "searching",
        user.transcript(&[
            &["search", "tower"],
            &["search", "tower", "in:step", "observation:tower"],
            &["search", "--sort", "-steps"],
            &["search", "is:error", "--format", "json"],
            &["search", "tower", "--format", "jsonl", "--limit", "1"],
            &[
                "search",
                "in:step",
                "tool:ask_search_agent",
                "--format",
                "ids"
            ],
            &["search", "code:/final_\\w+\\(\"70/", "in:step"],
            &["search", "nothing-of-the-kind"],
            &["-q", "search", "verdict:incorrect"],
        ])
    );
}

#[test]
fn wrong_queries_show_the_place() {
    let user = user_with_records("cli-query-errors");
    let commands: Vec<[&str; 2]> = [
        "tol:ocr",
        "漢字 AND verdit:correct",
        "is:eror",
        "(tower OR bridge",
        "\"open",
        "step:many",
        "code:/(/",
        "tower AND",
        "in:paragraph",
    ]
    .iter()
    .map(|query| ["search", *query])
    .chain([["facets", "tol:x"], ["stats", "tol:x"]])
    .collect();
    let commands: Vec<&[&str]> = commands.iter().map(<[&str; 2]>::as_slice).collect();
    snapshot!("wrong_queries", user.transcript(&commands));
    snapshot!(
        "wrong_options",
        user.transcript(&[
            &["search", "--sort", "beauty"],
            &["search", "--sample", "2", "--by", "beauty"],
            &["search", "--seed", "2"],
            &["facets", "--field", "task"],
        ])
    );
}

#[test]
fn negated_clauses_are_no_options() {
    let user = user_with_records("cli-negated");
    let ids = |arguments: &[&str]| -> Vec<String> {
        let more = ["--format", "ids", "--sort", "source"];
        let ended = user.retake(arguments[..1].iter().chain(&more).chain(&arguments[1..]));
        ended.succeeds().stdout.lines().map(str::to_owned).collect()
    };
    let towers = ["trips/tower", "trips/old%20tower"];
    assert_eq!(ids(&["search", "-verdict:incorrect"]), towers);
    assert_eq!(ids(&["search", "-q", "-verdict:incorrect"]), towers);
    assert_eq!(ids(&["search", "-is:error", "-q", "-v"]), towers);
    assert_eq!(
        ids(&["search", "how", "-verdict:incorrect", "--limit", "1"]),
        towers[..1]
    );
    assert_eq!(ids(&["search", "bridge", "OR", "-has:error"]).len(), 3);
    assert_eq!(ids(&["search", "-(bridge OR tall)"]), towers[1..]);
    assert_eq!(ids(&["search", "-\"the bridge\""]), towers);
    assert_eq!(ids(&["search", "--", "-bridge"]), towers);
    let stats = user.json(["stats", "-verdict:incorrect", "--format", "json"]);
    assert_eq!(stats["trajectories"], 2);
    let help = user.retake(["search", "-tool:ocr", "-h"]).succeeds();
    assert!(help.stdout.contains("--limit"), "{help:?}");

    // A mistake is told as what it was meant to be.
    let mistyped = user.retake(["search", "tower", "--limt", "3"]).ends_with(2);
    assert!(mistyped.stderr.contains("'--limit'"), "{mistyped:?}");
    let field = user.retake(["search", "-tol:ocr"]).ends_with(2);
    assert!(field.stderr.contains("did you mean `tool`"), "{field:?}");
    let word = user.retake(["search", "-bridge"]).ends_with(2);
    assert!(word.stderr.contains("use '-- -b'"), "{word:?}");
}

#[test]
fn counting() {
    let user = user_with_records("cli-count");
    snapshot!(
        "counting",
        user.transcript(&[
            &["facets"],
            &[
                "facets",
                "verdict:correct",
                "--field",
                "verdict",
                "--field",
                "has"
            ],
            &["facets", "--field", "tool", "--format", "json"],
            &["stats"],
            &["stats", "in:step", "is:error", "--format", "json"],
            &["stats", "nothing-of-the-kind"],
        ])
    );
}

#[test]
fn showing() {
    let user = user_with_records("cli-show");
    snapshot!(
        "showing",
        user.transcript(&[
            &["show", "trips/bridge"],
            &["show", "trips/bridge", "--step", "1"],
            &[
                "show",
                "trips/old%20tower",
                "--step",
                "2",
                "--format",
                "json"
            ],
            &["show", "trips/tower", "--format", "json"],
            &["show", "trips/bridge", "--step", "3"],
            &["show", "trips/nobody"],
            &["show", "nothing"],
            &["show", "trips/tower~2"],
            &["--demo", "show", "pairs/0", "--no-images"],
        ])
    );
    let raw = user
        .retake(["show", "trips/tower", "--format", "raw"])
        .succeeds();
    let source: Value =
        serde_json::from_slice(&fs::read(user.path("data/trips.json")).unwrap()).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&raw.stdout).unwrap(),
        source[0]
    );
    let shown = user.json(["show", "trips/tower", "--format", "json"]);
    let by_hash = user.json(["show", shown["hash"].as_str().unwrap(), "--format", "json"]);
    assert_eq!(by_hash, shown, "a content hash names the record, too");
}

#[test]
fn colours_only_where_they_are_wanted() {
    let user = user_with_records("cli-colour");
    let coloured = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = user.command(arguments);
        command.envs(environment.iter().copied());
        let ended = Ended::of(command);
        ended.stdout.contains('\u{1b}') || ended.stderr.contains('\u{1b}')
    };
    assert!(!coloured(&["search", "tower"], &[]), "this is no terminal");
    assert!(coloured(&["search", "tower", "--color", "always"], &[]));
    assert!(coloured(
        &["search", "tower", "--color", "always"],
        &[("NO_COLOR", "1")]
    ));
    assert!(!coloured(&["search", "tower", "--color", "never"], &[]));
    assert!(!coloured(&["search", "tower"], &[("NO_COLOR", "1")]));
    assert!(
        coloured(&["search", "tol:x", "--color", "always"], &[]),
        "errors, too"
    );
    assert!(!coloured(
        &["search", "tower", "--color", "always", "--format", "json"],
        &[]
    ));
}

#[test]
fn the_demo_stays_as_it_is() {
    let user = User::new("cli-demo");
    user.write("trips.json", array(&[record("a", "One?", "1", "1")]));
    let before = user.json(["--demo", "sources", "--format", "json"]);
    for arguments in [
        ["--demo", "add", "trips.json"].as_slice(),
        &["add", "--demo", "trips.json"],
        &["--demo", "remove", "pairs"],
        &["--demo", "trust"],
    ] {
        let refused = user.retake(arguments).ends_with(2);
        assert_eq!(refused.stdout, "");
        assert!(
            refused.stderr.contains("the demo can't be changed"),
            "{refused:?}"
        );
    }
    assert_eq!(user.json(["--demo", "sources", "--format", "json"]), before);
    assert!(!user.path(".retake").exists());
}

#[test]
fn sources_are_never_written_to() {
    let user = user_with_records("cli-export");
    user.write("all/one.json", array(&[record("one", "One?", "1", "1")]));
    user.retake(["add", "all"]).succeeds();
    #[cfg(unix)]
    std::os::unix::fs::symlink(user.path("all"), user.path("link")).unwrap();
    let content = |name: &str| fs::read(user.path(name)).unwrap();
    let before = [content("data/trips.json"), content("all/one.json")];
    let places = [
        "data/trips.json",
        "data/../data/trips.json",
        "all",
        "all/one.json",
        "all/new.json",
        #[cfg(unix)]
        "link/new.json",
    ];
    for to in places {
        for target in ["m-trace", "pref-x-beam"] {
            let command = ["export", target, "-o", to, "--overwrite"];
            let refused = user.retake(command).ends_with(1);
            assert!(
                refused.stderr.contains("sources are never written to"),
                "{refused:?}"
            );
        }
    }
    assert_eq!(
        [content("data/trips.json"), content("all/one.json")],
        before
    );
    assert_eq!(fs::read_dir(user.path("all")).unwrap().count(), 1);
    // Beside a source is not in it.
    user.retake(["export", "m-trace", "-o", "data/new.json"])
        .succeeds();
    assert!(user.path("data/new.json").is_file());
}

#[cfg(unix)]
#[test]
fn both_outputs_in_one_place_keep_their_order() {
    let user = user_with_records("cli-order");
    let place = user.path("both.txt");
    let file = fs::File::create(&place).unwrap();
    let mut command = user.command(["search", "-verdict:incorrect"]);
    command.stdout(file.try_clone().unwrap()).stderr(file);
    assert!(command.status().unwrap().success());
    let text = fs::read_to_string(&place).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert_eq!(lines[2], "2 records", "{text}");
}

#[test]
fn readers_may_stop_reading() {
    let user = User::new("cli-pipe");
    let records: Vec<Value> = (0..3000)
        .map(|n| record(&format!("record-{n}"), "How many?", "Some.", "Many"))
        .collect();
    user.write("many.jsonl", lines(&records));
    user.retake(["add", "many.jsonl"]).succeeds();
    for arguments in [
        ["search", "--limit", "0"].as_slice(),
        &["search", "--limit", "0", "--format", "jsonl"],
        &["search", "--limit", "0", "--format", "ids"],
        &["completions", "bash"],
        &["man"],
        &["help", "query"],
        &["--help"],
    ] {
        let mut command = user.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut String::new()).unwrap();
        drop(out);
        let ended = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(0), "{arguments:?}: {stderr}");
        assert!(
            !stderr.contains("panicked") && !stderr.contains("error"),
            "{stderr}"
        );
    }
}

#[test]
fn completions_and_the_manual_name_every_verb() {
    let user = User::new("cli-completions");
    let help = user.retake(["--help"]).succeeds().stdout;
    let verbs: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| word.chars().all(|c| c.is_ascii_lowercase()))
        .collect();
    assert!(verbs.contains(&"search") && verbs.len() > 8, "{verbs:?}");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = user.retake(["completions", shell]).succeeds().stdout;
        for verb in &verbs {
            assert!(script.contains(verb), "{shell} lacks {verb}");
        }
    }
    user.retake(["completions", "cobol"]).ends_with(2);
    let manual = user.retake(["man"]).succeeds().stdout;
    assert!(manual.contains(".TH retake 1"));
    for verb in verbs {
        assert!(manual.contains(verb), "the manual lacks {verb}");
        user.retake(["help", verb]).succeeds();
        user.retake(["man", verb]).succeeds();
    }
    user.retake(["man", "nothing"]).ends_with(2);
}

#[test]
fn each_fixture_is_added_as_what_it_is() {
    let user = User::new("cli-fixtures");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut names = Vec::new();
    for format in FORMATS {
        let folder = fixtures.join(format.name);
        let ended = user.retake(["add".as_ref(), folder.as_os_str()]);
        assert!(matches!(ended.code, Some(0)), "{ended:?}");
        names.push(format.name);
    }
    let sources = user.json(["sources", "--format", "json"]);
    for (source, name) in sources.as_array().unwrap().iter().zip(&names) {
        assert_eq!(source["name"], *name);
        assert_eq!(source["formats"], serde_json::json!([name]));
        assert_eq!(source["unread"], 0, "{source}");
        let found = user.ids(&format!("source:{name}"));
        assert!(!found.is_empty());
        for id in found {
            user.retake(["show", &id]).succeeds();
            user.json(["show", &id, "--format", "json"]);
        }
    }
    let counts: Vec<String> = sources
        .as_array()
        .unwrap()
        .iter()
        .map(|source| {
            [
                "name",
                "records",
                "trajectories",
                "steps",
                "pairs",
                "warning_count",
            ]
            .map(|key| source[key].to_string())
            .join(" ")
        })
        .collect();
    snapshot!("fixture_counts", counts.join("\n"));
}

/// Two runs over the same tasks.
fn user_with_runs(name: &str) -> User {
    let user = User::new(name);
    user.write("gta/dataset.json", gta_tasks(&[1, 2, 3, 10]));
    user.write(
        "small.json",
        gta_run(&[(1, "right"), (2, "wrong"), (3, "wrong")]),
    );
    user.write(
        "large.json",
        gta_run(&[(1, "right"), (2, "right"), (10, "right")]),
    );
    user.retake(["add", "gta", "small.json", "large.json"])
        .succeeds();
    user
}

#[test]
fn runs_stand_beside_their_tasks() {
    let user = user_with_runs("cli-runs");
    snapshot!(
        "runs",
        user.transcript(&[
            &["facets", "--field", "run", "--field", "outcome"],
            &["search", "outcome:fail", "--format", "ids"],
            &["show", "small/2"],
            &["show", "large/10"],
            &["compare", "small", "large"],
            &["compare", "small", "large", "--format", "json"],
            &["compare", "small", "smaller"],
            &["--demo", "compare", "small", "large"],
        ])
    );
}

#[test]
fn samples_stay_the_same() {
    let user = User::new("cli-sample");
    let records = |from: usize, to: usize| -> Vec<Value> {
        let verdict = |n: usize| if n.is_multiple_of(5) { "no" } else { "yes" };
        (from..to)
            .map(|n| {
                let mut record = record(&format!("r{n}"), &format!("Question {n}?"), "x", "y");
                record["correct"] = verdict(n).into();
                record["traj_verification"] = Value::Null;
                record
            })
            .collect()
    };
    user.write("first.json", array(&records(0, 60)));
    user.retake(["add", "first.json"]).succeeds();
    let sample = |query: &str, size: &str, seed: &str| {
        let ended = user.retake([
            "search", query, "--sample", size, "--by", "verdict", "--seed", seed, "--format", "ids",
        ]);
        ended.succeeds().stdout
    };
    let first = sample("source:first", "10", "7");
    assert_eq!(first.lines().count(), 10);
    assert_ne!(first, sample("source:first", "10", "8"), "seeds differ");
    let incorrect = user.ids("verdict:incorrect");
    let drawn = |sample: &str| {
        sample
            .lines()
            .filter(|id| incorrect.contains(&(*id).to_owned()))
            .count()
    };
    assert_eq!((incorrect.len(), drawn(&first)), (12, 2), "in proportion");

    user.retake(["index", "--rebuild"]).succeeds();
    assert_eq!(sample("source:first", "10", "7"), first, "after a rebuild");
    user.write("second.json", array(&records(100, 160)));
    user.retake(["add", "second.json"]).succeeds();
    assert_eq!(
        sample("source:first", "10", "7"),
        first,
        "beside another source"
    );
    let both = sample("", "20", "7");
    assert_eq!(both.lines().count(), 20);
    // What is drawn from all of it are the lowest ranks: those of the first source were drawn from it alone, too.
    let of_first = both.lines().filter(|id| id.starts_with("first/"));
    let wide = sample("source:first", "20", "7");
    let wide: Vec<&str> = wide.lines().collect();
    for id in of_first {
        assert!(wide.contains(&id), "{id}: {wide:?}");
    }
}
